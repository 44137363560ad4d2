// Goal: the KurrentDB adapter is the store that the port describes. Method: the contract suite and the model of the memory store, over the fake server and a
// real PostgreSQL; kurrent-event-store.kurrentdb.services.spec.ts holds a real server to the same.
import { describeEventStoreContract, describeEventStoreModel } from '@rectrail/event-store/testing';
import { FakeKurrentServer } from './testing/fake-kurrent-server.ts';
import { contractSubject } from './testing/subject.ts';

const fresh = () => {
  const server = new FakeKurrentServer();
  return contractSubject(() => server.connect());
};

describeEventStoreContract('KurrentDB (fake server)', fresh);
describeEventStoreModel('KurrentDB (fake server)', fresh, 25);
