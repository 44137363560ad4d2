import type { TraceSpan, Tracing } from '@rectrail/platform';
import type { MessagePublisher, OutgoingRecord } from './publisher.ts';

/** The trace goes on in the header `traceparent`; a record whose event was made outside of any trace has none. */
const traced = (tracing: Tracing, record: OutgoingRecord): { readonly record: OutgoingRecord; readonly span: TraceSpan | null } => {
  const { topic, headers } = record;
  const { ce_id: id, ce_correlationid: correlationId } = headers;
  if (id === undefined || correlationId === undefined) return { record, span: null };
  const span = tracing.sending({ id, correlationId }, {
    name: `send ${topic}`,
    attributes: { 'messaging.system': 'kafka', 'messaging.operation.name': 'send', 'messaging.operation.type': 'send', 'messaging.destination.name': topic, 'messaging.message.id': id },
  });
  return span.traceparent === null ? { record, span: null } : { record: { ...record, headers: { ...headers, traceparent: span.traceparent } }, span };
};

/** The same publisher, each of its CloudEvents in the trace in which its event was made. */
export const tracedPublisher = (publisher: MessagePublisher, tracing: Tracing): MessagePublisher => ({
  send: async (records) => {
    const sending = records.map((record) => traced(tracing, record));
    try {
      await publisher.send(sending.map(({ record }) => record));
      for (const { span } of sending) span?.end();
    } catch (error) {
      for (const { span } of sending) span?.end(error);
      throw error;
    }
  },
  close: () => publisher.close(),
});
