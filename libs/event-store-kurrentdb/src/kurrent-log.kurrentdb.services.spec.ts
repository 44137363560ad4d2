// Goal: a real server is what the fake is. Method: the contract of the port, through Kurrent's client, against the server of RECTRAIL_TEST_KURRENTDB_URL.
import { KurrentClientLog } from './kurrent-client-log.ts';
import { describeKurrentLog } from './testing/kurrent-log-contract.ts';
import { serverUnderTest } from './testing/subject.ts';

describeKurrentLog('a server', () => Promise.resolve({ log: KurrentClientLog.connect(serverUnderTest()), appendBytesMax: 1 << 20 }));
