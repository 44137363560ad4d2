import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, TraceFlags, type Context, type Span, type Tracer } from '@opentelemetry/api';
import { ExportResultCode } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, ParentBasedSampler, RandomIdGenerator, SamplingDecision, TraceIdRatioBasedSampler, TracerProvider, type IdGenerator, type Sampler, type SpanExporter } from '@opentelemetry/sdk-trace';
import { noTracing, traceOfMessage, traceparentOf, unrecordedSpan, type Configuration, type Logger, type SpanAttributes, type SpanStart, type TracedMessage, type TraceParent, type TraceSpan, type Tracing } from '@rectrail/platform';

const kinds = { server: SpanKind.SERVER, client: SpanKind.CLIENT, producer: SpanKind.PRODUCER, consumer: SpanKind.CONSUMER, internal: SpanKind.INTERNAL } as const;

/** Random ids, but for those that the span to be started next is to have: spans are started synchronously. */
class GivenIds implements IdGenerator {
  readonly #random = new RandomIdGenerator();
  next: { readonly traceId?: string | undefined; readonly spanId?: string | undefined } = {};

  generateTraceId(): string {
    return this.next.traceId ?? this.#random.generateTraceId();
  }

  generateSpanId(): string {
    return this.next.spanId ?? this.#random.generateSpanId();
  }
}

/** The code that the layers match on; never the message, which may hold what was sent. */
const errorTypeOf = (error: unknown): string => {
  if (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string') return error.code;
  return error instanceof Error ? error.name : 'error';
};

class RecordedSpan implements TraceSpan {
  readonly context: Context;
  readonly traceparent: string;
  readonly #span: Span;

  constructor(span: Span, parent: Context) {
    const { traceId, spanId, traceFlags } = span.spanContext();
    this.#span = span;
    this.context = trace.setSpan(parent, span);
    this.traceparent = traceparentOf({ traceId, spanId, sampled: (traceFlags & TraceFlags.SAMPLED) !== 0 });
  }

  end(error?: unknown, attributes: SpanAttributes = {}): void {
    if (error !== undefined) this.#span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('error.type', errorTypeOf(error));
    this.#span.setAttributes(attributes).end();
  }
}

const contextOf = ({ traceId, spanId, sampled }: TraceParent): Context =>
  trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: sampled ? TraceFlags.SAMPLED : TraceFlags.NONE, isRemote: true });

/** OpenTelemetry of this server alone: nothing is registered for the process, so that several servers in one process do not mix. */
class OpenTelemetryTracing implements Tracing {
  readonly isOn = true;
  readonly #provider: TracerProvider;
  readonly #tracer: Tracer;
  readonly #contexts = new AsyncLocalStorageContextManager();
  readonly #ids = new GivenIds();
  /** Takes its share by trace id, so that all processes choose the same traces. */
  readonly #sampler: Sampler;

  constructor({ exporter, version, sampledShare }: TracingOptions) {
    this.#sampler = new TraceIdRatioBasedSampler(sampledShare);
    this.#provider = new TracerProvider({
      idGenerator: this.#ids,
      resource: resourceFromAttributes({ 'service.name': 'rectrail', 'service.version': version }),
      sampler: new ParentBasedSampler({ root: this.#sampler }),
      spanProcessors: [new BatchSpanProcessor({ exporter })],
    });
    this.#tracer = this.#provider.getTracer('rectrail', version);
  }

  begin({ name, kind, attributes, parent, traceId, spanId }: SpanStart): RecordedSpan {
    const context = parent === undefined || parent === null ? this.#contexts.active() : contextOf(parent);
    this.#ids.next = { traceId, spanId };
    try {
      return new RecordedSpan(this.#tracer.startSpan(name, { kind: kinds[kind], ...(attributes !== undefined && { attributes }) }, context), context);
    } finally {
      this.#ids.next = {};
    }
  }

  within<T>(span: TraceSpan, work: () => T): T {
    return span instanceof RecordedSpan ? this.#contexts.with(span.context, work) : work();
  }

  sending(message: TracedMessage, start: Omit<SpanStart, 'kind'>): TraceSpan {
    const parent = traceOfMessage(message);
    if (parent === null) return unrecordedSpan(null);
    // The event does not say whether its trace was recorded.
    const sampled = this.#sampler.shouldSample(ROOT_CONTEXT, parent.traceId, start.name, SpanKind.PRODUCER, {}, []).decision === SamplingDecision.RECORD_AND_SAMPLED;
    return this.begin({ ...start, kind: 'producer', parent: { ...parent, sampled } });
  }

  async close(): Promise<void> {
    await this.#provider.shutdown();
  }
}

export interface TracingOptions {
  readonly exporter: SpanExporter;
  readonly version: string;
  /** Of the traces that begin here, 0 … 1. */
  readonly sampledShare: number;
}

export const openTracing = (options: TracingOptions): Tracing => new OpenTelemetryTracing(options);

/** Tells of a collector that is away once, and again after it was there; the spans meanwhile are dropped. */
const tellingExporter = (exporter: SpanExporter, logger: Logger): SpanExporter => {
  let isAway = false;
  return {
    export: (spans, done) => {
      exporter.export(spans, (result) => {
        const failed = result.code !== ExportResultCode.SUCCESS;
        if (failed && !isAway) logger.warn({ err: result.error }, 'traces cannot be sent and are dropped');
        isAway = failed;
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => { await exporter.forceFlush?.(); },
  };
};

/** Traces as configured: to the OTLP endpoint over HTTP, or none. */
export const configuredTracing = ({ tracesUrl, tracesSampledShare }: Configuration, version: string, logger: Logger): Tracing =>
  (tracesUrl === undefined ? noTracing : openTracing({ exporter: tellingExporter(new OTLPTraceExporter({ url: tracesUrl }), logger), version, sampledShare: tracesSampledShare }));
