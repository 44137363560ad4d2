// Goal: the PostgreSQL adapter is the store that the port describes. Method: the contract suite and the model
// of the memory store, each on a database of its own.
import { describeEventStoreContract, describeEventStoreModel, type ContractSubject } from '@rectrail/event-store/testing';
import { createTestDatabase } from '@rectrail/platform/testing';
import { PostgresEventStore } from './postgres-event-store.ts';

const fresh = async (): Promise<ContractSubject> => {
  const database = await createTestDatabase();
  const open = (): Promise<PostgresEventStore> => PostgresEventStore.open({ connectionString: database.url });
  const store = await open();
  return { store, another: open, dispose: async () => { await store.close(); await database.drop(); } };
};

describeEventStoreContract('PostgreSQL', fresh);
describeEventStoreModel('PostgreSQL', fresh, 60);
