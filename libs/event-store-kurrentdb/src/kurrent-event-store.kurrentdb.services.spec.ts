// Goal: the adapter is the store that the port describes on a real server too, one that holds the events of earlier runs. Method: the contract suite and the
// model, each with a numbering of its own that it makes from the server's log.
import { describeEventStoreContract, describeEventStoreModel } from '@rectrail/event-store/testing';
import { KurrentClientLog } from './kurrent-client-log.ts';
import { contractSubject, serverUnderTest } from './testing/subject.ts';

const fresh = () => contractSubject(() => KurrentClientLog.connect(serverUnderTest()));

describeEventStoreContract('KurrentDB', fresh);
describeEventStoreModel('KurrentDB', fresh, 25);
