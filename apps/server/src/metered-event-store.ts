import type { AppendRequest, AppendResult, EventStore } from '@rectrail/event-store';
import { inSpan, type Metrics, type SpanStart, type Tracing } from '@rectrail/platform';

const appendSpan = ({ entries }: AppendRequest): SpanStart => ({
  name: 'append', kind: 'client', attributes: { 'db.operation.name': 'append', 'db.operation.batch.size': entries.reduce((sum, { events }) => sum + events.length, 0) },
});

/** The same store, its appends timed and traced: the wait for the lane is what an operator watches first. `assertOpen` refuses them where nothing may be written. */
export const meteredEventStore = (store: EventStore, metrics: Metrics, tracing: Tracing, assertOpen: () => Promise<void>): EventStore => {
  const append = async (request: AppendRequest): Promise<AppendResult> => {
    await assertOpen();
    const stop = metrics.appendSeconds.startTimer();
    try {
      const result = await inSpan(tracing, () => appendSpan(request), () => store.append(request));
      stop({ outcome: 'appended' });
      return result;
    } catch (error) {
      stop({ outcome: 'refused' });
      throw error;
    }
  };
  return {
    capabilities: store.capabilities,
    append,
    identity: () => store.identity(),
    head: () => store.head(),
    findCommand: (commandId) => store.findCommand(commandId),
    readStream: (streamId, options) => store.readStream(streamId, options),
    readStreams: (streamIds, upTo) => store.readStreams(streamIds, upTo),
    readAll: (options) => store.readAll(options),
    subscribeAll: (options) => store.subscribeAll(options),
    close: () => store.close(),
  };
};
