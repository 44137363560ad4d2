import {
  addDays, dayIn, firstInstantOf, instantOfMs, msOfInstant, onDay, position, streamVersion, undatedBetween,
  type CommandId, type Cut, type Day, type EventId, type Fact, type FundsCaseId, type FuzzyDate, type InspectionId, type Instant, type IssueId, type MeasureId, type MetricId,
  type NewFact, type OrgId, type PlanId, type ReportId, type Scope, type StreamId, type TreeId,
} from '@rectrail/kernel';
import { fundsKinds } from '../funds-case/funds-case.events.ts';
import type { TreeKind } from '../organisation-tree/organisation-tree.events.ts';
import { administrativeTreeId, streams } from '../streams.ts';
import type { TrackingEvent } from '../tracking-event.ts';
import {
  issueRegistered, issueStatusStated, randomDeclaration, randomIssueEvent, randomMeasureEvent, randomMeasureIdentity, randomMoney, randomPolicy, type Surroundings,
} from './random-events.ts';
import { randomDate, randomDeadline, randomOf, randomWorkingDays, type Random } from './random.ts';

type TrackingFact = Fact<TrackingEvent>;
/** `knownTime` null: the clock of the store. */
interface Draft { readonly event: TrackingEvent; readonly validTime: FuzzyDate | null; readonly knownTime?: Instant | null }
interface Owned<I> { readonly id: I; readonly orgId: OrgId; readonly inspectionId: InspectionId }

const zone = 'Asia/Shanghai';
const beginning = msOfInstant('2021-01-04T01:00:00.000Z' as Instant);
const spanMs = 1_100 * 86_400_000;

/** The id of an event, of its command and its place therein. */
type EventIdOf = (commandId: CommandId, index: number) => EventId;
const plainEventId: EventIdOf = (commandId, index) => `${commandId.slice(0, 24)}${String(index).padStart(12, '0')}` as EventId;

/** What has been recorded so far, and what later events may name. */
interface World {
  readonly random: Random;
  readonly facts: TrackingFact[];
  readonly versions: Map<StreamId, number>;
  readonly meanStepMs: number;
  readonly eventIdOf: EventIdOf;
  nowMs: number;
  commandId: CommandId;
  /** Of the next event within its command. */
  index: number;
  readonly orgs: OrgId[];
  /** Which of them stand in which tree. */
  readonly standing: Map<TreeId, OrgId[]>;
  readonly issues: Owned<IssueId>[];
  readonly measures: Owned<MeasureId>[];
  readonly cases: Owned<FundsCaseId>[];
}

const nowOf = (world: World): Instant => instantOfMs(world.nowMs);
const todayOf = (world: World): Day => dayIn(zone, nowOf(world));

const beginCommand = (world: World): void => {
  world.commandId = world.random.uuid() as CommandId;
  world.index = 0;
  // Commands within the same millisecond happen, too.
  if (world.random.chance(0.9)) world.nowMs += world.random.int(1, Math.max(1, Math.floor(2 * world.meanStepMs)));
};

const put = (world: World, streamId: StreamId, scope: Scope, ...drafts: readonly Draft[]): void => {
  for (const draft of drafts) {
    const version = (world.versions.get(streamId) ?? 0) + 1;
    world.versions.set(streamId, version);
    world.facts.push({
      eventId: world.eventIdOf(world.commandId, world.index),
      commandId: world.commandId,
      correlationId: world.commandId,
      actor: { orgId: null, role: 'administrator', subject: 'random-history', assurance: 'system' },
      scope,
      classification: 'internal',
      event: draft.event,
      validTime: draft.validTime,
      knownTime: draft.knownTime ?? nowOf(world),
      streamId,
      streamVersion: streamVersion(version),
      position: position(world.facts.length + 1),
      recordedAt: nowOf(world),
    });
    world.index += 1;
  }
};

const nobody: Scope = { orgId: null };

const open = (world: World): void => {
  const { random } = world;
  beginCommand(world);
  put(world, streams.installation, nobody, { event: { type: 'InstallationInitialised', data: { zone, jurisdiction: 'CN' } }, validTime: null });
  put(world, streams.defaultPolicy, nobody, { event: { type: 'PolicyAdopted', data: { ...randomPolicy(random), orgId: null } }, validTime: null });
  world.orgs.push(...Array.from({ length: 8 }, () => random.uuid() as OrgId));
  const openTree = (treeId: TreeId, kind: TreeKind, numbers: readonly number[]): void => {
    const standing: OrgId[] = [];
    const record = (event: TrackingEvent): void => { put(world, streams.organisationTree(treeId), nobody, { event, validTime: null }); };
    record({ type: 'TreeOpened', data: { treeId, jurisdiction: 'CN', kind } });
    for (const number of numbers) {
      const orgId = world.orgs[number - 1]!;
      const parentId = standing.length === 0 || random.chance(0.1) ? null : random.pick(standing);
      record({ type: 'OrgRegistered', data: { orgId, code: `CN-${String(number).padStart(6, '0')}-JT`, name: `单位${number}`, level: 'bureau', parentId } });
      standing.push(orgId);
    }
    world.standing.set(treeId, standing);
  };
  // The last organisation stands in no administrative tree, and some of the others stand in the party tree too, elsewhere.
  const administrative = [1, 2, 3, 4, 5, 6, 7];
  openTree(administrativeTreeId, 'administrative', administrative);
  openTree(random.uuid() as TreeId, 'party', [8, ...administrative.toReversed().filter(() => random.chance(0.7))]);
};

const around = (world: World): Surroundings => ({ today: todayOf(world), issueIds: world.issues.map((x) => x.id), measureIds: world.measures.map((x) => x.id) });

const changeTree = (world: World): void => {
  const { random } = world;
  const [treeId, orgs] = random.pick([...world.standing]);
  const [orgId, other] = [random.pick(orgs), random.pick(orgs)];
  const event: TrackingEvent = random.pick<TrackingEvent>([
    { type: 'OrgMoved', data: { orgId, parentId: random.chance(0.2) ? null : other } },
    { type: 'OrgMoved', data: { orgId, parentId: other } },
    { type: 'OrgMerged', data: { orgId, successorId: other } },
    { type: 'OrgDissolved', data: { orgId } },
    { type: 'OrgRenamed', data: { orgId, name: '新名称', code: `CN-${random.int(100_000, 999_999)}-JT` } },
  ]);
  if (orgId === other && event.type !== 'OrgDissolved' && event.type !== 'OrgRenamed') return;
  put(world, streams.organisationTree(treeId), nobody, { event, validTime: randomDate(random, todayOf(world)) });
};

const adoptPolicy = (world: World): void => {
  const { random } = world;
  const orgId = random.chance(0.8) ? random.pick(world.orgs) : null;
  const event: TrackingEvent = { type: 'PolicyAdopted', data: { ...randomPolicy(random), orgId } };
  put(world, orgId === null ? streams.defaultPolicy : streams.policy(orgId), { orgId }, { event, validTime: onDay(addDays(todayOf(world), random.int(-300, 30))) });
};

const setCalendar = (world: World): void => {
  const year = world.random.int(2020, 2024);
  put(world, streams.workingCalendar, nobody, { event: { type: 'CalendarYearSet', data: { year, workingDays: randomWorkingDays(world.random, year) } }, validTime: null });
};

/** A published report: its issues, measures, money and totals, known from a day in the past. */
const importReport = (world: World): void => {
  const { random } = world;
  const today = todayOf(world);
  const orgId = random.pick(world.orgs);
  const [feedback, asOf] = [addDays(today, -random.int(100, 400)), addDays(today, -random.int(0, 90))];
  const receivedOn = addDays(asOf, random.int(0, Math.max(0, Math.round((Date.parse(today) - Date.parse(asOf)) / 86_400_000))));
  const known = firstInstantOf(zone, receivedOn);
  const knownTime = known > nowOf(world) ? nowOf(world) : known;
  const undated = undatedBetween(feedback, asOf);
  const dated = (): FuzzyDate => (random.chance(0.5) ? undated : randomDate(random, asOf));
  const inspectionId = random.uuid() as InspectionId;
  const scope: Scope = { orgId, inspectionId };
  put(world, streams.inspection(inspectionId), scope,
    { event: { type: 'InspectionOpened', data: { inspectionId, orgId, kind: 'XUNCHA', types: ['REGULAR'], title: '常规巡察', committee: null, topic: null, term: null, round: 1 } }, validTime: onDay(feedback), knownTime },
    { event: { type: 'FeedbackDelivered', data: { recommendations: 3 } }, validTime: onDay(feedback), knownTime });
  for (let n = random.int(1, 4); n > 0; n -= 1) {
    const issueId = random.uuid() as IssueId;
    world.issues.push({ id: issueId, orgId, inspectionId });
    const status = issueStatusStated(random, around(world));
    const hidden = status.type === 'IssueStatusStated' && status.data.disclosure !== 'STATED';
    put(world, streams.issue(issueId), scope,
      { event: issueRegistered(random, { issueId, orgId, inspectionId }, n), validTime: random.chance(0.9) ? onDay(feedback) : randomDate(random, feedback), knownTime },
      { event: status, validTime: hidden ? onDay(asOf) : dated(), knownTime });
    if (random.chance(0.5)) put(world, streams.issue(issueId), scope, { event: { type: 'DeadlineSet', data: { planned: randomDeadline(random, asOf) } }, validTime: dated(), knownTime });
  }
  const reportId = random.uuid() as ReportId;
  put(world, streams.report(reportId), scope,
    { event: { type: 'ReportPublished', data: { reportId, orgId, inspectionIds: [inspectionId], title: '整改进展情况', asOf, asOfPrinted: null, publishedOn: asOf, url: null } }, validTime: onDay(asOf), knownTime },
    ...Array.from({ length: random.int(0, 3) }, (): Draft => ({ event: randomDeclaration(random), validTime: onDay(asOf), knownTime })));
};

const changeIssue = (world: World): void => {
  const { random } = world;
  const issue = random.pick(world.issues);
  const event = randomIssueEvent(random, around(world));
  const past = random.chance(0.2) ? instantOfMs(world.nowMs - random.int(1, 200) * 86_400_000) : null;
  put(world, streams.issue(issue.id), issue, { event, validTime: random.chance(0.5) ? onDay(todayOf(world)) : randomDate(random, todayOf(world)), knownTime: past });
};

const registerIssue = (world: World): void => {
  const issueId = world.random.uuid() as IssueId;
  const [orgId, inspectionId] = [world.random.pick(world.orgs), world.random.uuid() as InspectionId];
  world.issues.push({ id: issueId, orgId, inspectionId });
  const [validTime, planned] = [randomDate(world.random, todayOf(world)), randomDeadline(world.random, todayOf(world))];
  put(world, streams.issue(issueId), { orgId, inspectionId },
    { event: issueRegistered(world.random, { issueId, orgId, inspectionId }, world.issues.length), validTime },
    ...(world.random.chance(0.6) ? [{ event: { type: 'DeadlineSet', data: { planned } } as const, validTime }] : []));
};

const changeMeasure = (world: World): void => {
  const { random } = world;
  const validTime = randomDate(random, todayOf(world));
  if (world.measures.length > 0 && random.chance(0.6)) {
    const measure = random.pick(world.measures);
    put(world, streams.measure(measure.id), measure, { event: randomMeasureEvent(random, around(world)), validTime });
    return;
  }
  const { orgId, inspectionId } = random.pick(world.issues);
  const measureId = random.uuid() as MeasureId;
  put(world, streams.measure(measureId), { orgId, inspectionId }, { event: randomMeasureIdentity(random, { measureId, orgId, inspectionId }, around(world)), validTime });
  world.measures.push({ id: measureId, orgId, inspectionId });
};

const changeFunds = (world: World): void => {
  const { random } = world;
  const { orgId, inspectionId, id: issueId } = random.pick(world.issues);
  const known = world.cases.length > 0 && random.chance(0.6) ? random.pick(world.cases) : null;
  const owned = known ?? { id: random.uuid() as FundsCaseId, orgId, inspectionId };
  if (known === null) world.cases.push(owned);
  const streamId = streams.fundsCase(owned.id);
  const paid = world.facts.filter((f) => f.streamId === streamId && (f.event.type === 'FundsRecovered' || f.event.type === 'FundsReturned'));
  const money = { fundsCaseId: owned.id, orgId: owned.orgId, inspectionId: owned.inspectionId, issueIds: [issueId], money: randomMoney(random), kind: random.pick(fundsKinds) };
  const draws: (() => TrackingEvent)[] = [
    () => ({ type: 'IrregularFundsIdentified', data: money }),
    () => ({ type: 'FundsRecovered', data: { ...money, voucher: null } }),
    () => ({ type: 'FundsRecovered', data: { ...money, voucher: '收据' } }),
    () => ({ type: 'FundsReturned', data: { ...money, voucher: null } }),
  ];
  if (paid.length > 0) draws.push(
    () => ({ type: 'RecoveryAmountSpecified', data: { of: random.pick(paid).eventId, money: randomMoney(random) } }),
    () => ({ type: 'RecoveryReversed', data: { of: random.pick(paid).eventId, reason: '重复入账' } }));
  if (known !== null) draws.push(() => ({ type: 'FundsDuplicateLinked', data: { otherCaseId: random.pick(world.cases).id, statedBy: 'SOURCE', note: '可能重复' } }));
  put(world, streamId, owned, { event: random.pick(draws)(), validTime: randomDate(random, todayOf(world)) });
};

/** Events of streams that enter no figure of the dashboard: reading them must change nothing. */
const otherStreams = (world: World): void => {
  const { random } = world;
  const { orgId, inspectionId, id: issueId } = random.pick(world.issues);
  const validTime = randomDate(random, todayOf(world));
  if (random.chance(0.5)) {
    const planId = random.uuid() as PlanId;
    put(world, streams.plan(planId), { orgId, inspectionId }, { event: { type: 'PlanDrafted', data: { planId, orgId, inspectionId, title: '整改方案', issueIds: [issueId] } }, validTime });
  } else {
    const metricId = random.uuid() as MetricId;
    put(world, streams.metric(metricId), { orgId, inspectionId },
      { event: { type: 'MetricDefined', data: { metricId, orgId, inspectionId, issueId, code: 'patrols', name: '巡查人次', unit: '人次', direction: 'up' } }, validTime });
  }
};

/** The first facts hold the installation together and are never retracted. */
const retractable = (fact: TrackingFact): boolean =>
  !['InstallationInitialised', 'TreeOpened', 'OrgRegistered'].includes(fact.event.type) && !(fact.event.type === 'PolicyAdopted' && fact.validTime === null);

/** Of either kind; half of them with the right fact in the same append (a correction), some of them of a retraction itself. */
const retract = (world: World): void => {
  const { random } = world;
  const candidates = world.facts.filter(retractable);
  const retractions = candidates.filter((f) => f.event.type === 'FactsRetracted');
  const victim = retractions.length > 0 && random.chance(0.25) ? random.pick(retractions) : random.pick(candidates);
  const more = candidates.filter((f) => f.streamId === victim.streamId && f.event.type !== 'FactsRetracted' && random.chance(0.15));
  const ofRetraction = victim.event.type === 'FactsRetracted';
  const kind = ofRetraction || random.chance(0.5) ? 'entered-in-error' : 'withdrawn';
  const eventIds = [...new Set([victim, ...more].map((f) => f.eventId))];
  put(world, victim.streamId, victim.scope, { event: { type: 'FactsRetracted', data: { eventIds, reason: '更正', kind } }, validTime: null });
  if (ofRetraction || victim.validTime === null || random.chance(0.5)) return;
  put(world, victim.streamId, victim.scope,
    { event: victim.event, validTime: randomDate(random, victim.validTime.last), knownTime: kind === 'entered-in-error' ? victim.knownTime : null });
};

/** Takes back a whole append at once: one retraction a stream. */
const undoAppend = (world: World): void => {
  const { commandId } = world.random.pick(world.facts);
  const victims = world.facts.filter((f) => f.commandId === commandId && retractable(f));
  for (const [streamId, facts] of Map.groupBy(victims, (f) => f.streamId)) {
    const event: TrackingEvent = { type: 'FactsRetracted', data: { eventIds: facts.map((f) => f.eventId), reason: '撤销导入', kind: 'entered-in-error' } };
    put(world, streamId, facts[0]!.scope, { event, validTime: null });
  }
};

/**
 * A history over all streams, the same for the same seed and size: about `size` facts in gap-free positions from 1, recordedAt
 * never falling, knownTime at or before it, effective days before, at and after the recording, retractions of both kinds and of retractions.
 * It obeys the schemas, but not the rules of the commands: whatever counts, the figures must hold. A history that is to be recorded in a
 * store takes the store's `deriveEventId`, since retractions name the events by their ids.
 */
export const randomHistory = (seed: number, size: number, eventIdOf: EventIdOf = plainEventId): readonly TrackingFact[] => {
  const random = randomOf(seed);
  const world: World = {
    random, facts: [], versions: new Map(), meanStepMs: spanMs / Math.max(20, size), eventIdOf, nowMs: beginning, commandId: '' as CommandId, index: 0,
    orgs: [], standing: new Map(), issues: [], measures: [], cases: [],
  };
  open(world);
  const actions = [
    changeTree, changeTree, adoptPolicy, setCalendar, importReport, registerIssue, ...Array.from({ length: 12 }, () => changeIssue),
    changeMeasure, changeMeasure, changeMeasure, changeFunds, changeFunds, otherStreams, retract, retract, retract,
  ];
  beginCommand(world);
  importReport(world);
  while (world.facts.length < size) {
    beginCommand(world);
    if (random.chance(0.01)) undoAppend(world);
    else random.pick(actions)(world);
  }
  return world.facts;
};

/** Any cut of the history: old positions, days known before and after, effective days before, at, between and after those of the facts. */
export const randomCut = (seed: number, history: readonly TrackingFact[]): Cut => {
  const random = randomOf(seed);
  const near = random.pick(history);
  const knownAt = random.chance(0.4) ? history.at(-1)!.recordedAt : instantOfMs(msOfInstant(random.pick([near.knownTime, near.recordedAt])) + random.int(-1, 1));
  const days = history.flatMap(({ validTime }) => (validTime === null ? [] : [validTime.first, validTime.last]));
  const deadlines = history.flatMap(({ event }) => (event.type === 'DeadlineSet' ? [event.data.planned.last] : []));
  const validAt = random.pick([
    addDays(dayIn(zone, knownAt), random.int(-300, 300)),
    ...(days.length === 0 ? [] : [addDays(random.pick(days), random.int(-1, 1))]),
    ...(deadlines.length === 0 ? [] : [addDays(random.pick(deadlines), random.int(-40, 2))]),
  ]);
  return { atPosition: position(random.chance(0.5) ? history.length : random.int(0, history.length)), knownAt, validAt };
};

/** One append of a history: what a spec hands to a store to record it again, with the known times kept. */
export interface HistoryAppend {
  readonly commandId: CommandId;
  readonly entries: readonly { readonly streamId: StreamId; readonly facts: readonly NewFact<TrackingEvent>[] }[];
}

/**
 * The appends of a history in order. `recordedAt` is the store's again, so the oracle must then be fed with what the store gives back; the positions
 * stay the same.
 */
export const asNewFacts = (history: readonly TrackingFact[]): readonly HistoryAppend[] =>
  [...Map.groupBy(history, (f) => f.commandId)].map(([commandId, facts]) => ({
    commandId,
    entries: [...Map.groupBy(facts, (f) => f.streamId)].map(([streamId, ofStream]) => ({
      streamId,
      facts: ofStream.map(({ eventId, correlationId, actor, scope, classification, event, validTime, knownTime }) =>
        ({ eventId, commandId, correlationId, actor, scope, classification, event, validTime, knownTime })),
    })),
  }));
