export { startServer, type RunningServer } from './server.ts';
export { openLogKeys } from './log/log-key.ts';
export { SealedLog } from './log/sealed-log.ts';
export { startSealer } from './log/sealer.ts';
export { youngHeapOption } from './young-heap.ts';
