import { readFile } from 'node:fs/promises';
import { Bundle, BundleError, databaseLog, FiguresJudge, LogKeys, parseFigures, verifyLog, type Finding, type LogFindings, type LogSource, type Rederived, type TrustedHead } from '@rectrail/audit';
import { openDatabase, type Database } from '@rectrail/platform';
import { LogFormatError } from '@rectrail/transparency';
import { differingReadModels } from './read-model-check.ts';

export interface VerificationRequest {
  readonly bundle?: string | undefined;
  readonly database?: string | undefined;
  /** Verifier keys, or files that hold some, one a line. */
  readonly key: readonly string[];
  readonly witness: readonly string[];
  readonly witnessesMin: number;
  /** File of a checkpoint that was kept. */
  readonly since?: string | undefined;
  readonly incremental: boolean;
  readonly schema: boolean;
  /** Of a database: the rows of the read models are made anew and compared. */
  readonly readModels: boolean;
  /** Files of published figures. */
  readonly figures: readonly string[];
  readonly onProgress: (progress: { readonly done: number; readonly of: number; readonly perSecond: number | null }) => void;
}

export interface Verification extends LogFindings {
  readonly verified: boolean;
  readonly logId: string;
  readonly figures: readonly (Rederived & { readonly file: string })[];
}

/** Nothing can be said: what is to be checked, or to be checked by, cannot be read. */
export class NotVerifiable extends Error {}

const readText = async (file: string): Promise<string> => {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new NotVerifiable(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
};

/** A key has a plus in it, and a file of keys has none in its name, as a rule. */
export const keysOf = async (given: readonly string[]): Promise<readonly string[]> =>
  (await Promise.all(given.map(async (one) => (one.includes('+') ? [one] : (await readText(one)).split('\n').map((line) => line.trim()).filter((line) => line !== ''))))).flat();

const keptHead = async (keys: LogKeys, file: string): Promise<TrustedHead> => {
  const head = keys.open(await readText(file));
  if ('code' in head) throw new NotVerifiable(`${file}: ${head.detail}`);
  return head;
};

const verifyFrom = async (source: LogSource, keys: LogKeys, request: VerificationRequest): Promise<Verification> => {
  const { since, incremental, witnessesMin, schema, onProgress } = request;
  const published = await Promise.all(request.figures.map(async (file) => ({ file, figures: parseFigures(await readText(file)) })));
  const head = since === undefined ? null : await keptHead(keys, since);
  const judge = new FiguresJudge(head !== null && incremental ? head.size : source.after);
  const startedMs = performance.now();
  const found = await verifyLog({
    source, keys, since: head, isIncremental: incremental, witnessesMin, withSchema: schema,
    onProgress: (done) => { onProgress({ done, of: source.last, perSecond: (done * 1_000) / Math.max(performance.now() - startedMs, 1) }); },
    ...(published.length > 0 && { onEntries: (entries) => { judge.add(entries); } }),
  });
  const figures = found.findings.length > 0 ? [] : published.map(({ file, figures: answer }) => ({ file, ...judge.rederive(answer) }));
  const differing = figures.filter(({ outcome }) => outcome === 'differs').map(({ file, why }): Finding => ({ code: 'figures-differ', position: null, detail: `${file}: ${why ?? ''}` }));
  const findings = [...found.findings, ...differing];
  return { verified: findings.length === 0, logId: source.logId, ...found, findings, figures };
};

/** For one long transaction. @throws NotVerifiable */
const databaseAt = async (url: string): Promise<Database> => {
  try {
    return await openDatabase({ url, connectionsMax: 2, onError: () => undefined, idleInTransactionMsMax: 3_600_000 });
  } catch (error) {
    throw new NotVerifiable(`the database cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
};

/** Checks a bundle, or a database, which is only read, as it stands at one instant. @throws NotVerifiable */
export const verifyRequested = async (request: VerificationRequest): Promise<Verification> => {
  try {
    const keys = new LogKeys(await keysOf(request.key), await keysOf(request.witness));
    if (request.bundle !== undefined) return await verifyFrom(await Bundle.open(request.bundle), keys, request);
    await using opened = new AsyncDisposableStack();
    const database = await databaseAt(request.database ?? '');
    opened.defer(() => database.close());
    return await database.transaction(async (query) => {
      await query('set transaction isolation level repeatable read, read only');
      const source = await databaseLog(query);
      const verification = await verifyFrom(source, keys, request);
      if (!request.readModels || !verification.verified) return verification;
      const findings = await differingReadModels(query, source);
      return { ...verification, verified: findings.length === 0, findings };
    });
  } catch (error) {
    if (error instanceof BundleError || error instanceof LogFormatError || error instanceof RangeError) throw new NotVerifiable(error.message);
    throw error;
  }
};
