// Goal: the fake behaves as the port says, so that what passes above it means something. Method: the contract of the port; a real server is held to the
// same one by kurrent-log.kurrentdb.services.spec.ts.
import { FakeKurrentServer } from './testing/fake-kurrent-server.ts';
import { describeKurrentLog } from './testing/kurrent-log-contract.ts';

describeKurrentLog('fake', () => {
  const server = new FakeKurrentServer();
  return Promise.resolve({ log: server.connect(), appendBytesMax: server.appendBytesMax });
});
