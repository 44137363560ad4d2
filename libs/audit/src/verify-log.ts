import { createEventCodec } from '@rectrail/event-store';
import { trackingEventDefinitions } from '@rectrail/tracking-domain';
import type { LogEntry } from './entry.ts';
import type { Finding } from './findings.ts';
import type { LogKeys, TrustedHead } from './log-keys.ts';
import type { LogSource } from './log-source.ts';
import { LogVerifier, type LogFindings } from './log-verifier.ts';
import { storedOf } from './stored.ts';

const schemas = new Map(trackingEventDefinitions.map(({ type, schema }) => [type, schema]));

/** Throws for a content that is not of the schema of its type, in the newest shape. */
const checkSchema = (): (entry: LogEntry) => void => {
  const codec = createEventCodec(trackingEventDefinitions);
  return (entry) => {
    const { event } = codec.decode(storedOf(entry));
    const checked = schemas.get(event.type)?.safeParse(event.data);
    if (checked?.success !== true) throw new Error(`its data do not match the schema of ${event.type}`);
  };
};

export interface VerifyLogOptions {
  readonly source: LogSource;
  readonly keys: Pick<LogKeys, 'open'>;
  /** A checkpoint that was kept elsewhere. */
  readonly since?: TrustedHead | null;
  /** Events up to `since` are not read: the hashes kept of them make its root. */
  readonly isIncremental?: boolean;
  readonly witnessesMin?: number;
  /** Contents are parsed too, and held against the schemas. */
  readonly withSchema?: boolean;
  readonly onProgress?: (position: number) => void;
  /** Sees every event that was found right so far. */
  readonly onEntries?: (entries: readonly LogEntry[]) => void;
}

const verifierOf = async ({ source, keys, since = null, witnessesMin = 0, withSchema = false }: VerifyLogOptions, after: number): Promise<LogVerifier> => new LogVerifier({
  logId: source.logId, keys, since, witnessesMin, frontier: await source.frontier(after), mayTrail: source.mayTrail, checkContent: withSchema ? checkSchema() : undefined,
});

/** What the source keeps beside the events, once they are read. Commands are counted where all are known. */
const checkRest = async (source: LogSource, { after, withheld, purged, commands, findings: [first] }: LogFindings): Promise<readonly Finding[]> => {
  const areAllKnown = after === 0 && withheld + purged === 0 && first === undefined;
  return source.check(first?.position ?? null, areAllKnown ? commands : null);
};

/** Checks a whole source, or what lies behind `since`. @throws what the source throws where it cannot be read */
export const verifyLog = async (options: VerifyLogOptions): Promise<LogFindings> => {
  const { source, since = null, isIncremental = false, onEntries, onProgress } = options;
  // What ends before the checkpoint is read as it is: that it is too short is what is wrong with it.
  const after = since !== null && isIncremental && since.size <= source.last ? since.size : source.after;
  const verifier = await verifierOf(options, after);
  for await (const batch of source.batches(after)) {
    verifier.add(batch);
    for (const differing of await source.checkStretch(verifier.takeMade())) verifier.report(differing);
    if (verifier.isDone) break;
    onEntries?.(batch.entries);
    onProgress?.(verifier.position);
  }
  const found = verifier.end();
  const more = [...await source.checkStretch(verifier.takeMade()), ...await checkRest(source, found)];
  return { ...found, findings: [...found.findings, ...more] };
};
