import { isUuid } from '@rectrail/kernel';
import { parseTraceparent, type Tracing } from '@rectrail/platform';
import { personalDataIn } from '@rectrail/tracking-domain';

const shape = /^[A-Za-z0-9._-]{1,64}$/;

/** A correlation id goes into events, which are never changed, so one that looks like a telephone number is not taken over. */
const isCorrelationId = (text: string): boolean => shape.test(text) && (isUuid(text) || personalDataIn(text) === null);

export interface CorrelationSource {
  readonly given: string | undefined;
  /** W3C header. */
  readonly traceparent: string | undefined;
  readonly tracing: Pick<Tracing, 'isOn'>;
  /** A new UUID. */
  readonly made: () => string;
}

/** As the caller gave it, else the id of the trace that the request belongs to or begins, else a new one. */
export const correlationIdOf = ({ given, traceparent, tracing, made }: CorrelationSource): string => {
  if (given !== undefined && isCorrelationId(given)) return given;
  // A UUID without its hyphens is a trace id.
  return parseTraceparent(traceparent)?.traceId ?? (tracing.isOn ? made().replaceAll('-', '') : made());
};
