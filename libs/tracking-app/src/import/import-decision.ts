import { jurisdictionOf } from '@rectrail/access';
import { canonicalJson, type EventStore, type StagedFact, type UnitOfWork } from '@rectrail/event-store';
import { dayIn, firstInstantOf, lastDay, type Actor, type CommandId, type Day, type EventId, type Fact, type Instant, type OrgId, type Source, type StreamId } from '@rectrail/kernel';
import { administrativeTreeId, isTotal, streams, treeAt, type OrgTree, type OrganisationTreeEvent, type SourceEvent, type TrackingEvent } from '@rectrail/tracking-domain';
import { setImmediate } from 'node:timers/promises';
import { CommandRejected } from '../command-rejected.ts';
import { countingOn, factsOf } from '../situation.ts';
import { writtenBy } from './import-log.ts';
import type { ImportProgress, RowCounts, RowOutcome, RowResult } from './import-service.ts';
import { LedgerProblems, type Ledger, type LedgerRow } from './ledger-reader.ts';
import { describedEntity, entityId, entityStream, referencesOf } from './ledger-references.ts';
import { ledgerFormat, type LedgerHeader, type LedgerRecord } from './ledger-schema.ts';
import { ids, LedgerWorld } from './ledger-world.ts';
import { bucketRule, factsOfRow, type RowFact } from './row-facts.ts';

type Counting = readonly Fact<TrackingEvent>[];

/** Streams read in one round trip: bounds the answer in memory. */
const streamsPerRead = 2_000;
/** Rows after which others get their turn: an import of 10,000 issues must not hold up live commands. */
const rowsPerTurn = 200;

export interface ImportAsked {
  readonly ledger: Ledger;
  readonly actor: Actor;
  readonly complete: boolean;
  readonly zone: string;
  readonly store: Pick<EventStore, 'findCommand' | 'readAll' | 'capabilities'>;
  readonly onProgress: (progress: ImportProgress) => void;
}

/** What the import comes to, before it is staged: by stream, what is taken back and what is stated. */
export interface ImportDecision {
  readonly results: readonly RowResult[];
  readonly rows: RowCounts;
  readonly retracted: ReadonlyMap<StreamId, readonly EventId[]>;
  readonly stated: Map<StreamId, readonly StagedFact[]>;
}

/** `owners`: of all that the file says or that is taken back. */
interface Compared extends ImportDecision { readonly owners: ReadonlySet<OrgId | null> }

interface Earlier {
  /** Facts of this document that count, by the key of their row. */
  readonly byKey: ReadonlyMap<string, Counting>;
  /** All else that counts. */
  readonly elsewhere: ReadonlyMap<StreamId, Counting>;
}

interface PlannedRow { readonly row: LedgerRow; readonly facts: readonly RowFact[] }

/** Kinds whose facts tell of a thing that others may have told of already: what is known is not told twice. */
const describing: ReadonlySet<LedgerRecord['kind']> = new Set(['organisation', 'inspection', 'plan', 'report', 'issue', 'metric']);

const grouped = <K, V>(entries: Iterable<readonly [K, V]>): Map<K, V[]> => {
  const map = new Map<K, V[]>();
  for (const [key, value] of entries) {
    const list = map.get(key);
    if (list === undefined) map.set(key, [value]);
    else list.push(value);
  }
  return map;
};

/** The streams on which earlier imports of the document, those that count, have written. */
const earlierStreams = async (unit: UnitOfWork, asked: ImportAsked): Promise<readonly StreamId[]> => {
  const source = countingOn(unit, await factsOf<SourceEvent>(unit, streams.source(asked.ledger.header.documentId)), lastDay);
  const found = new Set<StreamId>();
  for (const fact of source) {
    const written = await writtenBy(asked.store, fact.commandId);
    written?.forEach((_, streamId) => found.add(streamId));
  }
  return [...found];
};

const streamsOfRows = (rows: readonly LedgerRow[]): readonly StreamId[] => rows.flatMap(({ record }) => {
  const described = describedEntity(record);
  const named = referencesOf(record).flatMap(({ kind, reference }) => (kind === 'organisation' ? [] : [entityStream(kind, entityId(kind, reference))]));
  return described === null ? named : [...named, entityStream(described.kind, entityId(described.kind, described.reference))];
});

const loadCounting = async (unit: UnitOfWork, wanted: ReadonlySet<StreamId>): Promise<ReadonlyMap<StreamId, Counting>> => {
  const counting = new Map<StreamId, Counting>();
  const all = [...wanted];
  for (let from = 0; from < all.length; from += streamsPerRead) {
    const part = all.slice(from, from + streamsPerRead);
    await unit.loadMany(part);
    for (const streamId of part) {
      const facts = await factsOf<TrackingEvent>(unit, streamId);
      if (facts.length > 0) counting.set(streamId, countingOn(unit, facts, lastDay));
    }
  }
  return counting;
};

const splitEarlier = (counting: ReadonlyMap<StreamId, Counting>, asked: ImportAsked, keys: ReadonlySet<string>): Earlier => {
  const own = (fact: Fact): boolean => fact.source?.documentId === asked.ledger.header.documentId;
  const all = [...counting.values()].flat();
  // Rows that a complete file leaves out are taken back, so nothing may lean on them any more.
  const replaced = (fact: Fact): boolean => own(fact) && (asked.complete || keys.has(fact.source?.locator ?? ''));
  const elsewhere = new Map<StreamId, Counting>();
  for (const [streamId, facts] of counting) elsewhere.set(streamId, facts.filter((fact) => !replaced(fact)));
  return { byKey: grouped(all.filter(own).map((fact) => [fact.source?.locator ?? '', fact] as const)), elsewhere };
};

const checkHeader = (header: LedgerHeader, today: Day, problems: LedgerProblems): void => {
  for (const field of ['publishedOn', 'receivedOn'] as const) {
    const given = header[field];
    if (given !== undefined && given > today) problems.add({ line: 1, pointer: `/${field}`, code: 'future-source-date', detail: `${given} lies after today (${today}): a source is not known before its day` });
  }
};

/** What the schema of one row cannot see. */
const checkRow = ({ line, record }: LedgerRow, facts: readonly RowFact[], earlier: Earlier, problems: LedgerProblems): void => {
  if (record.kind === 'policy' && !isTotal(record.buckets.map(bucketRule))) {
    problems.add({ line, key: record.key, pointer: '/buckets', code: 'policy-not-total', detail: 'the last rule, and only the last, has an empty "when", so that every issue has a bucket' });
  }
  if (facts.some((fact) => contradictsKnown(fact, earlier))) {
    problems.add({ line, key: record.key, pointer: '/key', code: 'key-conflict', detail: `this key names something of another organisation or inspection already (${record.kind})` });
  }
};

/** On the tree stand many organisations; every other stream has one owner, and an issue one inspection. */
const contradictsKnown = ({ streamId, event, orgId }: RowFact, earlier: Earlier): boolean => {
  const known = earlier.elsewhere.get(streamId) ?? [];
  if (event.type === 'OrgRegistered') return false;
  return known.some((fact) => fact.scope.orgId !== orgId || (event.type === 'IssueRegistered' && fact.event.type === 'IssueRegistered' && fact.event.data.inspectionId !== event.data.inspectionId));
};

/** Two organisations of one file cannot hold the same code, nor can a key name one that is known under another. */
const checkOrganisations = (rows: readonly LedgerRow[], known: OrgTree, problems: LedgerProblems): void => {
  const keyOfCode = new Map<string, string>();
  for (const { line, record } of rows) {
    if (record.kind !== 'organisation') continue;
    const other = keyOfCode.get(record.code);
    if (other !== undefined) problems.add({ line, key: record.key, pointer: '/code', code: 'duplicate-key', detail: `"${other}" has the same code` });
    keyOfCode.set(record.code, record.key);
    const named = known.orgs.get(ids.organisation(record.key));
    if (named !== undefined && named.code !== record.code) {
      problems.add({ line, key: record.key, pointer: '/code', code: 'key-conflict', detail: `this key names the organisation with the code ${named.code}; renaming is a command` });
    }
  }
};

const planRows = async (rows: readonly LedgerRow[], world: LedgerWorld, earlier: Earlier, asked: ImportAsked): Promise<readonly PlannedRow[]> => {
  const problems = new LedgerProblems();
  for (const row of rows) world.checkReferences(row, problems);
  problems.throwIfAny();
  const planned: PlannedRow[] = [];
  for (const [index, row] of rows.entries()) {
    const facts = factsOfRow(asked.ledger.header, world, row.record);
    if ('code' in facts) problems.add({ line: row.line, key: row.record.key, ...facts });
    else {
      checkRow(row, facts, earlier, problems);
      planned.push({ row, facts });
    }
    if (index % rowsPerTurn === 0) {
      asked.onProgress({ phase: 'planning', done: index, total: rows.length });
      await setImmediate();
    }
  }
  problems.throwIfAny();
  return planned;
};

/** Owners of things that rows refer to and others have recorded. */
const namedOwners = (rows: readonly LedgerRow[], { elsewhere }: Earlier): ReadonlySet<OrgId | null> =>
  new Set(rows.flatMap(({ record }) => referencesOf(record)).flatMap(({ kind, reference }) =>
    (kind === 'organisation' ? [] : elsewhere.get(entityStream(kind, entityId(kind, reference)))?.slice(0, 1).map((fact) => fact.scope.orgId) ?? [])));

/**
 * A new organisation belongs to its parent's part of the tree. Rows that change nothing are looked at too: their outcome tells what is
 * stored. What rows only refer to may also stand above the actor, as for commands (`requireInLine`).
 */
const checkJurisdiction = ({ stated, owners }: Compared, named: ReadonlySet<OrgId | null>, tree: OrgTree, actor: Actor): void => {
  const parents = new Map<OrgId, OrgId | null>();
  for (const { event } of [...stated.values()].flat() as readonly { readonly event: TrackingEvent }[]) {
    if (event.type === 'OrgRegistered') parents.set(event.data.orgId, event.data.parentId);
  }
  const jurisdiction = jurisdictionOf(actor, (orgId) => tree.orgs.get(orgId)?.parentId ?? parents.get(orgId) ?? null);
  // Who registers an organisation must act on its parent; a root has none but the installation itself.
  const all = new Set<OrgId | null>([...owners, ...parents.values()]);
  const isAbove = (orgId: OrgId | null): boolean => orgId !== null && actor.orgId !== null && tree.subtree(orgId).includes(actor.orgId);
  const refused = [...new Set([...[...all].filter((orgId) => !jurisdiction.mayActOn(orgId)), ...[...named].filter((orgId) => !jurisdiction.mayActOn(orgId) && !isAbove(orgId))])];
  if (refused.length > 0) {
    throw new CommandRejected('outside-jurisdiction', `the file speaks of ${refused.length} organisation(s) on which this token may not act`, { extensions: { orgIds: refused } });
  }
};

/** Turns planned facts into what the store takes; the time of knowledge is that of the document (rules.md section 1). */
const stager = (header: LedgerHeader, sha256: string, actor: Actor, knownTime: Instant) => (fact: RowFact, locator: string): StagedFact => {
  const source: Source = {
    documentId: header.documentId, sha256, publishedOn: header.publishedOn as Day, ...(header.receivedOn !== undefined && { receivedOn: header.receivedOn as Day }), locator,
  };
  const { event, orgId, inspectionId, validTime } = fact;
  return { event, actor, scope: inspectionId === null ? { orgId } : { orgId, inspectionId }, validTime, knownTime, source, classification: header.classification ?? 'public' };
};

/** Two facts with the same fingerprint say the same; who imported and which file stated it make no difference. */
const fingerprint = (streamId: StreamId, fact: Pick<Fact, 'event' | 'scope' | 'validTime' | 'source' | 'classification'> & { readonly knownTime: Instant | null }): string => {
  const { event, scope, validTime, knownTime, classification, source } = fact;
  return canonicalJson({ streamId, event, scope, validTime, knownTime, classification, publishedOn: source?.publishedOn ?? null, receivedOn: source?.receivedOn ?? null });
};

const sameFacts = (planned: readonly { readonly streamId: StreamId; readonly fact: StagedFact }[], earlier: Counting): boolean => {
  if (planned.length !== earlier.length) return false;
  const said = planned.map(({ streamId, fact }) => fingerprint(streamId, { ...fact, source: fact.source as Source })).sort();
  const known = earlier.map((fact) => fingerprint(fact.streamId, fact)).sort();
  return said.every((text, i) => text === known[i]);
};

const countsOf = (results: readonly RowResult[]): RowCounts => {
  const count = (outcome: RowOutcome): number => results.filter((result) => result.outcome === outcome).length;
  return { total: results.filter((result) => result.line !== null).length, new: count('new'), changed: count('changed'), unchanged: count('unchanged'), removed: count('removed') };
};

/** On the tree's stream stand many organisations: only the same one is known already. */
const isSameThing = (other: TrackingEvent, event: TrackingEvent): boolean =>
  other.type === event.type && (event.type !== 'OrgRegistered' || (other.type === 'OrgRegistered' && other.data.orgId === event.data.orgId));

const isKnown = ({ streamId, event }: RowFact, earlier: Earlier): boolean => (earlier.elsewhere.get(streamId) ?? []).some((other) => isSameThing(other.event, event));

/** Row by row: what is new, what says something else than before, what is the same. */
const compare = (planned: readonly PlannedRow[], earlier: Earlier, asked: ImportAsked, knownTime: Instant): Compared => {
  const { header, sha256 } = asked.ledger;
  const stage = stager(header, sha256, asked.actor, knownTime);
  const results: RowResult[] = [];
  const stated: (readonly [StreamId, StagedFact])[] = [];
  const takenBack: Fact[] = [];
  const owners = new Set<OrgId | null>();
  for (const { row: { line, record }, facts } of planned) {
    const said = facts.filter((fact) => !describing.has(record.kind) || !isKnown(fact, earlier)).map((fact) => ({ streamId: fact.streamId, fact: stage(fact, record.key) }));
    said.forEach(({ fact }) => owners.add(fact.scope.orgId));
    const before = earlier.byKey.get(record.key) ?? [];
    const outcome: RowOutcome = sameFacts(said, before) ? 'unchanged' : before.length === 0 ? 'new' : 'changed';
    results.push({ line, key: record.key, kind: record.kind, outcome, detail: said.length < facts.length ? 'known already from another document or a command' : null });
    if (outcome === 'unchanged') continue;
    takenBack.push(...before);
    said.forEach(({ streamId, fact }) => stated.push([streamId, fact]));
  }
  if (asked.complete) {
    const present = new Set(planned.map(({ row }) => row.record.key));
    for (const [key, facts] of earlier.byKey) {
      if (present.has(key)) continue;
      results.push({ line: null, key, kind: facts[0]?.event.type ?? '', outcome: 'removed', detail: null });
      takenBack.push(...facts);
    }
  }
  takenBack.forEach((fact) => owners.add(fact.scope.orgId));
  return {
    results, owners, rows: countsOf(results),
    retracted: grouped(takenBack.map((fact) => [fact.streamId, fact.eventId] as const)),
    stated: new Map<StreamId, readonly StagedFact[]>(grouped(stated)),
  };
};

/**
 * Decides an import on the streams as they stand; nothing is staged yet.
 *
 * @throws CommandRejected `ledger-invalid`, `outside-jurisdiction`
 */
export const decideImport = async (unit: UnitOfWork, asked: ImportAsked): Promise<ImportDecision> => {
  const { header } = asked.ledger;
  const problems = new LedgerProblems();
  checkHeader(header, dayIn(asked.zone, unit.now), problems);
  const { rows } = asked.ledger;
  problems.throwIfAny();

  const treeStream = streams.organisationTree(administrativeTreeId);
  const wanted = new Set<StreamId>([treeStream, ...streamsOfRows(rows), ...(await earlierStreams(unit, asked))]);
  const counting = await loadCounting(unit, wanted);
  const earlier = splitEarlier(counting, asked, new Set(rows.map(({ record }) => record.key)));
  const treeNow = treeAt(countingOn(unit, await factsOf<OrganisationTreeEvent>(unit, treeStream), dayIn(asked.zone, unit.now)));
  const treeElsewhere = treeAt((earlier.elsewhere.get(treeStream) ?? []) as readonly Fact<OrganisationTreeEvent>[]);
  const world = new LedgerWorld(asked.ledger, treeElsewhere, earlier.elsewhere);

  world.checkDefaults(problems);
  checkOrganisations(rows, treeElsewhere, problems);
  problems.throwIfAny();
  const planned = await planRows(rows, world, earlier, asked);
  const compared = compare(planned, earlier, asked, firstInstantOf(asked.zone, (header.receivedOn ?? header.publishedOn) as Day));
  checkJurisdiction(compared, namedOwners(rows, earlier), treeNow, asked.actor);
  return compared;
};

/** The import's own record, on the stream that keeps two imports of one document apart. */
export const sourceIngested = (importId: CommandId, ledger: Ledger, rows: RowCounts): SourceEvent => {
  const { documentId, title, publishedOn, receivedOn } = ledger.header;
  return {
    type: 'SourceIngested',
    data: {
      importId, documentId, title, format: ledgerFormat, sha256: ledger.sha256, publishedOn: publishedOn as Day, receivedOn: (receivedOn ?? null) as Day | null,
      rows: rows.total, rowsNew: rows.new, rowsChanged: rows.changed, rowsRemoved: rows.removed,
    },
  };
};
