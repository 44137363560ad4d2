// Goal: the PostgreSQL adapter is the store that the port describes. Method: the contract suite on a database of its own.
import { describeEventStoreContract } from '@rectrail/event-store/testing';
import { createTestDatabase } from '@rectrail/platform/testing';
import { PostgresEventStore } from './postgres-event-store.ts';

describeEventStoreContract('PostgreSQL', async () => {
  const database = await createTestDatabase();
  const open = (): Promise<PostgresEventStore> => PostgresEventStore.open({ connectionString: database.url });
  const store = await open();
  return { store, another: open, dispose: async () => { await store.close(); await database.drop(); } };
});
