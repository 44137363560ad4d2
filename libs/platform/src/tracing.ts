import { hash } from 'node:crypto';

/** W3C trace context, as far as it travels. */
export interface TraceParent {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  readonly sampled: boolean;
}

const traceIdShape = /^(?!0{32})[0-9a-f]{32}$/;
/** A later version may say more behind the flags; version ff is none. */
const traceparentShape = /^(?!ff)([0-9a-f]{2})-((?!0{32})[0-9a-f]{32})-((?!0{16})[0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** What a `traceparent` header says; null for none, and for one that the standard tells to ignore. */
export const parseTraceparent = (header: string | undefined): TraceParent | null => {
  const [, version, traceId, spanId, flags, more] = traceparentShape.exec(header ?? '') ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined || (version === '00' && more !== undefined)) return null;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
};

export const traceparentOf = ({ traceId, spanId, sampled }: TraceParent): string => `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;

/** A request that is traced has its trace id as correlation id: so the trace goes through the event without a field of its own. */
export const isTraceId = (correlationId: string): boolean => traceIdShape.test(correlationId);

/** The instant at the head of a command's id is also that of the ids of its events (docs/adr/0003-event-id-derived.md). */
const instantCharacters = 13;

/** Span of the command with this id, or that made the event with this id: whoever passes the event on continues the trace there. */
export const commandSpanId = (traceId: string, commandOrEventId: string): string => hash('sha256', `${traceId}/${commandOrEventId.slice(0, instantCharacters)}`, 'hex').slice(0, 16);

/** What a message carries of the trace in which its event was made. */
export interface TracedMessage { readonly id: string; readonly correlationId: string }

/** The command's span that led to a message; null where its event was made outside of any trace. */
export const traceOfMessage = ({ id, correlationId }: TracedMessage): TraceParent | null =>
  (isTraceId(correlationId) ? { traceId: correlationId, spanId: commandSpanId(correlationId, id), sampled: true } : null);

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** No name, no text, no token and no path as called may stand in an attribute: traces go to another system. */
export interface SpanStart {
  readonly name: string;
  readonly kind: 'server' | 'client' | 'producer' | 'consumer' | 'internal';
  readonly attributes?: SpanAttributes;
  /** Default: the span in which the caller runs. */
  readonly parent?: TraceParent | null;
  /** Trace that begins here, where there is no parent. */
  readonly traceId?: string;
  readonly spanId?: string;
}

export interface TraceSpan {
  /** W3C header for whoever is called from this span; null outside of any trace. */
  readonly traceparent: string | null;
  /** With the error that ended it, of which only the code is told. Once. */
  end(error?: unknown, attributes?: SpanAttributes): void;
}

/** Traces, behind a port: only the server's composition root knows OpenTelemetry. */
export interface Tracing {
  readonly isOn: boolean;
  begin(start: SpanStart): TraceSpan;
  /** Work whose own spans lie in `span`. */
  within<T>(span: TraceSpan, work: () => T): T;
  /** The span that sends a message to `destination`, in the trace of its event; nothing is recorded of a message without one. */
  sending(message: TracedMessage, start: Omit<SpanStart, 'kind'>): TraceSpan;
  close(): Promise<void>;
}

/** Runs `work` in a span of its own; `start` is asked for only where spans are recorded. */
export const inSpan = async <T>(tracing: Tracing, start: () => SpanStart, work: () => Promise<T>): Promise<T> => {
  if (!tracing.isOn) return work();
  const span = tracing.begin(start());
  try {
    const result = await tracing.within(span, work);
    span.end();
    return result;
  } catch (error) {
    span.end(error);
    throw error;
  }
};

/** The span of something that is not recorded here and that others may continue. */
export const unrecordedSpan = (parent: TraceParent | null): TraceSpan => ({ traceparent: parent === null ? null : traceparentOf(parent), end: () => undefined });

const noSpan = unrecordedSpan(null);

/** Records nothing. A trace that came in from outside is passed on all the same. */
export const noTracing: Tracing = {
  isOn: false,
  begin: ({ parent }) => (parent == null ? noSpan : unrecordedSpan(parent)),
  within: (_span, work) => work(),
  sending: (message) => unrecordedSpan(traceOfMessage(message)),
  close: () => Promise.resolve(),
};
