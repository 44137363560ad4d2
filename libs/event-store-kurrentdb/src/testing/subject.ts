import type { ContractSubject } from '@rectrail/event-store/testing';
import { openDatabase, openLeadership, type Database } from '@rectrail/platform';
import { createTestDatabase } from '@rectrail/platform/testing';
import { KurrentEventStore, type KurrentEventStoreOptions } from '../kurrent-event-store.ts';
import type { KurrentLog } from '../kurrent-log.ts';

export interface StoreUnderTest extends ContractSubject {
  readonly store: KurrentEventStore;
  readonly database: Database;
  another(): Promise<KurrentEventStore>;
}

type SubjectOptions = Partial<Pick<KurrentEventStoreOptions, 'onFailure' | 'numberingTimeoutMs' | 'appendBytesMax'>>;

/** Stores over one log and one numbering, as the processes of one installation have them. */
export const contractSubject = async (connect: () => KurrentLog, options: SubjectOptions = {}): Promise<StoreUnderTest> => {
  const test = await createTestDatabase();
  const database = await openDatabase({ url: test.url, connectionsMax: 16, onError: () => undefined });
  const open = async (): Promise<KurrentEventStore> =>
    KurrentEventStore.open({ log: connect(), database, leadership: await openLeadership(database), onFailure: () => undefined, pollMs: 200, ...options });
  const store = await open();
  return { store, database, another: open, dispose: async () => { await store.close(); await database.close(); await test.drop(); } };
};

export const serverUnderTest = (): string => {
  const url = process.env['RECTRAIL_TEST_KURRENTDB_URL'];
  if (url === undefined) throw new Error('RECTRAIL_TEST_KURRENTDB_URL is not set: this spec belongs to npm run test:services');
  return url;
};
