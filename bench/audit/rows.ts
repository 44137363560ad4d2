import { hash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Bundle, BundleWriter, bundleEvent, bundleLine, eventsPerFile, LogKeys, verifyLog, type BundleHeader } from '@rectrail/audit';
import { leafBytes, type LogIdentity, type StoredEvent } from '@rectrail/event-store';
import { provinceHistory } from '@rectrail/generator';
import { day } from '@rectrail/kernel';
import { knownCalendarYears, replaceFile } from '@rectrail/platform';
import { GrowingTree, leafHash, newNoteKey, noteSigner, signCheckpoint } from '@rectrail/transparency';
import type { FigureRow, LatencyLine, LatencyRow } from '../results.ts';
import { labelOf, type DatasetPlan } from '../scale/datasets.ts';
import { alternate, lineOf } from '../scale/latency.ts';
import { seeded } from '../scale/random.ts';
import type { BenchRow } from '../scale/rows.ts';
import { writtenPlans, type ScaleOptions, type Stage } from '../scale/stage.ts';

const identity: LogIdentity = { logId: '5b2f7c1e-9a40-4c53-8f0e-2d1a6b7c8d9e', epoch: 1 };
/** The aim, of one core. */
const verifiedAtLeast = 130_000;
const rounds = 5;

const key = newNoteKey(`rectrail/${identity.logId}/${identity.epoch}`);

/** A bundle of so many events of a province. */
const writeBundle = async (directory: string, events: number): Promise<void> => {
  const history: StoredEvent[] = [];
  for (const batch of provinceHistory({ events, growth: 'density', organisations: 2_000, seed: 1, until: day('2026-06-30'), calendar: knownCalendarYears(), jurisdiction: 'CN' })) history.push(...batch);
  const tree = new GrowingTree();
  for (const event of history) tree.append(leafHash(leafBytes(event, identity)));
  const checkpoint = signCheckpoint({ origin: `rectrail/${identity.logId}/${identity.epoch}`, size: tree.size, root: tree.root }, [noteSigner(key.secret)]);
  const header: BundleHeader = { logId: identity.logId, after: 0, last: history.length, audience: 'everything', keys: [key.verifier], checkpoints: [checkpoint], frontier: { size: 0, hashes: [] } };
  const writer = await BundleWriter.begin(directory, header, replaceFile);
  for (let from = 0; from < history.length; from += eventsPerFile) {
    await writer.add(Buffer.from(history.slice(from, from + eventsPerFile).map((event) => bundleLine(bundleEvent(event, identity, true))).join('')));
  }
  await writer.finish();
};

const secondsOf = async (work: () => Promise<unknown>): Promise<number> => {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1_000;
};

/** The same bytes read and hashed, a call an event, with nothing else done. */
const hashPlainly = async (directory: string, bundle: Bundle): Promise<void> => {
  for (const { events: { name }, first, last } of bundle.manifest.parts) {
    const bytes = await readFile(join(directory, name));
    const each = Math.ceil(bytes.length / (last - first + 1));
    for (let at = 0; at < bytes.length; at += each) hash('sha256', bytes.subarray(at, at + each), 'hex');
  }
};

/** The verifier beside the plain SHA-256 of the same bytes, in turns; the best round of each. */
const measureVerify = async (events: number): Promise<FigureRow> => {
  const directory = await mkdtemp(join(tmpdir(), 'rectrail-bench-'));
  try {
    await writeBundle(directory, events);
    const bundle = await Bundle.open(directory);
    const keys = new LogKeys([key.verifier]);
    const raw: { readonly verified: number; readonly hashed: number }[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const verified = await secondsOf(async () => {
        const { findings } = await verifyLog({ source: bundle, keys });
        if (findings.length > 0) throw new Error(`the bundle does not verify: ${findings[0]?.detail ?? ''}`);
      });
      raw.push({ verified, hashed: await secondsOf(() => hashPlainly(directory, bundle)) });
    }
    const [verify, plain] = [events / Math.min(...raw.map(({ verified }) => verified)), events / Math.min(...raw.map(({ hashed }) => hashed))];
    return {
      kind: 'figures', key: 'verify-bundle', title: `rectrail verify of a bundle of ${events} events, one core`, raw,
      figures: [
        { label: 'verified', value: verify, unit: 'events/s', aim: { atLeast: verifiedAtLeast } }, { label: 'plain SHA-256 of the same bytes', value: plain, unit: 'events/s', aim: null },
        { label: 'of the plain hashing', value: verify / plain, unit: '×', aim: null },
      ],
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
};

/** The sealer alone in its process, from the first leaf of a log to a signed head of all. */
const measureSealing = async ({ servers, datasets }: Stage, plan: DatasetPlan): Promise<FigureRow> => {
  await servers.only([]);
  const sealed = await datasets.sealAnew(plan);
  return {
    kind: 'figures', key: 'sealing', title: `sealing of a whole log, ${labelOf(plan)}`, raw: sealed,
    figures: [{ label: 'sealed', value: sealed.leaves / sealed.seconds, unit: 'events/s', aim: null }],
  };
};

/** The aim of a proof over HTTP. */
const proofMsAtMost = 5;
/** Times as many requests before as elsewhere: reads follow each other on one server, and this row begins with a new one, which still compiles what every request runs through. */
const warmUpFactor = 10;
const seed = 6;

/** Proofs of events and of growth drawn at random, in the newest tree. */
const measureProofs = async ({ server: database, servers, datasets, options }: Stage, plan: DatasetPlan): Promise<LatencyRow> => {
  await datasets.sealed(plan);
  const dataset = await datasets.readable(plan);
  const [server] = await servers.only([dataset]);
  if (server === undefined) throw new Error('no server runs');
  // What sealing has written goes to disk before, as with all other reads.
  await database.checkpoint();
  const { url, token } = server;
  const { calls: { dashboard: count } } = options;
  const warmUp = warmUpFactor * options.calls.warmUp;
  const random = seeded(seed);
  const place = (): number => 1 + random.below(dataset.head);
  const asked = [
    { label: 'inclusion of any event', p99MsAtMost: proofMsAtMost, path: () => `/api/v1/log/proof/inclusion/${place()}` },
    { label: 'inclusion in any earlier tree', p99MsAtMost: proofMsAtMost, path: () => {
      const [one, other] = [place(), place()];
      return `/api/v1/log/proof/inclusion/${Math.min(one, other)}?size=${Math.max(one, other)}`;
    } },
    { label: 'consistency with any earlier tree', p99MsAtMost: null, path: () => `/api/v1/log/proof/consistency?from=${place()}` },
  ];
  const lines: LatencyLine[] = [];
  for (const { label, p99MsAtMost, path } of asked) {
    const target = { url, token, paths: Array.from({ length: warmUp + count }, path), warmUp };
    const [samples = new Float64Array()] = await alternate([target]);
    lines.push({ ...lineOf(label, target, samples, p99MsAtMost), growths: [] });
  }
  return { kind: 'latency', key: 'proof', title: `proofs over HTTP, ${labelOf(plan)}`, lines };
};

/** `events`: of the bundle; the log that is sealed is that which everything else is measured on. */
export const auditRows = (events: number, options: ScaleOptions): readonly BenchRow[] => {
  const [plan] = writtenPlans(options);
  return [
    { key: 'sealing', title: 'sealing of a whole log', seconds: 5 + plan.events / 25_000, measure: (stage) => measureSealing(stage, plan) },
    { key: 'proof', title: 'proofs over HTTP', seconds: 15, measure: (stage) => measureProofs(stage, plan) },
    { key: 'verify-bundle', title: 'verification of a bundle', seconds: 20 + events / 10_000, measure: () => measureVerify(events) },
  ];
};
