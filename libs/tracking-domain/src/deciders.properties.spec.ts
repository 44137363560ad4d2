// Goal: for every noun beside issue, measure and tree, decide and evolve are total, and what is accepted has what it needs.
// Method: fast-check runs random commands with random days against one stream, and folds random subsets in random order.
import { describe, expect, it } from '@jest/globals';
import {
  addDays, day, onDay,
  type Day, type Decision, type DomainEvent, type EventId, type Fact, type FundsCaseId, type FuzzyDate, type InspectionId, type OrgId, type PlanId, type ReportId,
} from '@rectrail/kernel';
import fc from 'fast-check';
import { decideFundsCase, unmetFundsCaseNeeds } from './funds-case/funds-case.decide.ts';
import type { FundsCaseCommand } from './funds-case/funds-case.commands.ts';
import { evolveFundsCase, fundsTotals, initialFundsCaseState } from './funds-case/funds-case.state.ts';
import type { InspectionCommand } from './inspection/inspection.commands.ts';
import { decideInspection, unmetInspectionNeeds } from './inspection/inspection.decide.ts';
import { evolveInspection, initialInspectionState } from './inspection/inspection.state.ts';
import { decideMetric, unmetMetricNeeds, type MetricCommand } from './metric/metric.decide.ts';
import { evolveMetric, initialMetricState } from './metric/metric.state.ts';
import type { PlanCommand } from './plan/plan.commands.ts';
import { decidePlan, unmetPlanNeeds } from './plan/plan.decide.ts';
import { evolvePlan, initialPlanState } from './plan/plan.state.ts';
import type { ReportCommand } from './report/report.commands.ts';
import { decideReport, unmetReportNeeds } from './report/report.decide.ts';
import { evolveReport, initialReportState } from './report/report.state.ts';
import { eventIdOf, streamOf, type GivenFact } from './testing/decider-specification.ts';
import { inFoldOrder } from './time/counting.ts';
import type { LiveSituation } from './time/live-command.ts';

interface DatedCommand { readonly on: FuzzyDate; readonly by: { readonly subject: string } }
interface Noun<S, E extends DomainEvent, C extends DatedCommand> {
  readonly name: string;
  /** Each command makes an event type of its own. */
  readonly kinds: number;
  readonly initial: S;
  readonly evolve: (state: S, fact: Fact<E>) => S;
  readonly decide: (command: C, situation: LiveSituation<S>) => Decision<E>;
  readonly unmet: (facts: readonly Fact<E>[]) => readonly EventId[];
  readonly command: fc.Arbitrary<C>;
}

const firstDay = day('2024-01-01');
const by = fc.constantFrom('a', 'b', 'c').map((subject) => ({ subject, orgId: null, role: 'unit' }));
/** A day or a few, so that first and last days differ. */
const on: fc.Arbitrary<FuzzyDate> = fc.tuple(fc.nat(12), fc.nat(3)).map(([from, days]) => ({ ...onDay(addDays(firstDay, from)), last: addDays(firstDay, from + days) }));

type Bodies<C extends { readonly type: string; readonly data: unknown }> = { readonly [T in C['type']]: fc.Arbitrary<Extract<C, { type: T }>['data']> };
const commandOf = <C extends DatedCommand & { readonly type: string; readonly data: unknown }>(bodies: Bodies<C>): fc.Arbitrary<C> =>
  fc.oneof(...Object.entries(bodies).map(([type, data]) => fc.record({ type: fc.constant(type), on, by, data: data as fc.Arbitrary<unknown> }))) as unknown as fc.Arbitrary<C>;

const empty = fc.constant({});
const orgId = fc.constantFrom('o1', 'o1', 'o1', 'o2').map((id) => id as OrgId);
const inspectionId = fc.constantFrom('n1', 'n2').map((id) => id as InspectionId);
const approver = fc.constantFrom('team', 'discipline', 'organisation');
const money = fc.option(fc.nat(1_000)).map((fen) => ({ fen: fen === null ? null : String(fen) }));
const ofCase = { fundsCaseId: fc.constant('f1' as FundsCaseId), orgId, inspectionId: fc.constant(null), issueIds: fc.constant([]), money, kind: fc.constant('OTHER' as const) };
const of = fc.integer({ min: 1, max: 8 }).map(eventIdOf);
const quantity = fc.record({ value: fc.constant('1'), unit: fc.constantFrom('人', '人次'), qualifier: fc.constant('exact' as const) });
const aDay = fc.nat(16).map((n): Day => addDays(firstDay, n));
const text = fc.constantFrom('x', 'y');

const plan: Noun<typeof initialPlanState, Parameters<typeof unmetPlanNeeds>[0][number]['event'], PlanCommand> = {
  name: 'plan', kinds: 6, initial: initialPlanState, evolve: evolvePlan, decide: decidePlan, unmet: unmetPlanNeeds,
  command: commandOf<PlanCommand>({
    DraftPlan: fc.record({ planId: fc.constant('p' as PlanId), orgId, inspectionId, title: text, issueIds: fc.constant([]) }),
    SubmitPlan: fc.record({ approvers: fc.uniqueArray(approver, { maxLength: 2 }) }),
    ConsentToPlan: fc.record({ approver }),
    ReturnPlan: fc.record({ approver, reason: text }),
    RevisePlan: fc.record({ title: text, issueIds: fc.constant([]) }),
    IssuePlan: empty,
  }),
};

const inspection: Noun<typeof initialInspectionState, Parameters<typeof unmetInspectionNeeds>[0][number]['event'], InspectionCommand> = {
  name: 'inspection', kinds: 7, initial: initialInspectionState, evolve: evolveInspection, decide: decideInspection, unmet: unmetInspectionNeeds,
  command: commandOf<InspectionCommand>({
    OpenInspection: fc.record({
      inspectionId, orgId, kind: fc.constant('XUNCHA' as const), types: fc.constant([]), title: text, committee: fc.constant(null), topic: fc.constant(null), term: fc.constant(null), round: fc.constant(null),
    }),
    AssignTeam: fc.record({ team: text }),
    StartFieldwork: empty,
    EndFieldwork: empty,
    DeliverFeedback: fc.record({ recommendations: fc.constant(null) }),
    AttachSpecialCheck: fc.record({ topic: text }),
    LinkPreviousRound: fc.record({ inspectionId }),
  }),
};

const fundsCase: Noun<typeof initialFundsCaseState, Parameters<typeof unmetFundsCaseNeeds>[0][number]['event'], FundsCaseCommand> = {
  name: 'funds case', kinds: 6, initial: initialFundsCaseState, evolve: evolveFundsCase, decide: decideFundsCase, unmet: unmetFundsCaseNeeds,
  command: commandOf<FundsCaseCommand>({
    IdentifyFunds: fc.record(ofCase),
    RecoverFunds: fc.record({ ...ofCase, voucher: fc.constant(null) }),
    ReturnFunds: fc.record({ ...ofCase, voucher: fc.constant(null) }),
    SpecifyRecoveryAmount: fc.record({ of, money }),
    ReverseRecovery: fc.record({ of, reason: text }),
    LinkFundsDuplicate: fc.record({ otherCaseId: fc.constantFrom('f1', 'f2').map((id) => id as FundsCaseId), statedBy: fc.constant('PERSON' as const), note: text }),
  }),
};

const report: Noun<typeof initialReportState, Parameters<typeof unmetReportNeeds>[0][number]['event'], ReportCommand> = {
  name: 'report', kinds: 5, initial: initialReportState, evolve: evolveReport, decide: decideReport, unmet: unmetReportNeeds,
  command: commandOf<ReportCommand>({
    PublishReport: fc.record({ reportId: fc.constant('r' as ReportId), orgId, inspectionIds: fc.constant([]), title: text, asOf: aDay, asOfPrinted: fc.constant(null), publishedOn: aDay, url: fc.constant(null) }),
    DeclareFigure: fc.record({
      key: text, scope: empty, basis: fc.constant('issue' as const), kind: fc.constant(null), breakdown: fc.constant(null), subsetOf: fc.constant(null), flow: fc.constant('stock' as const),
      period: fc.constant(null), quantity, printed: text,
    }),
    DeclareRate: fc.record({
      key: text, scope: empty, basis: fc.constant(null), value: fc.constant('95.8'), numeratorKey: fc.constant(null), denominatorKey: fc.constant(null), rounding: fc.constant('unknown' as const),
      changePoints: fc.constant(null), printed: text,
    }),
    ExplainDiscrepancy: fc.record({ discrepancyKey: text, explanation: text }),
    NoteDiscrepancy: fc.record({ discrepancyKey: text, kind: text, declared: fc.constant(null), found: fc.constant(null), note: text }),
  }),
};

const metric: Noun<typeof initialMetricState, Parameters<typeof unmetMetricNeeds>[0][number]['event'], MetricCommand> = {
  name: 'metric', kinds: 3, initial: initialMetricState, evolve: evolveMetric, decide: decideMetric, unmet: unmetMetricNeeds,
  command: commandOf<MetricCommand>({
    DefineMetric: fc.record({
      metricId: fc.constant('m' as never), orgId, inspectionId: fc.constant(null), issueId: fc.constant(null), code: text, name: text, unit: fc.constantFrom('人', '人次'), direction: fc.constant('none' as const),
    }),
    ObserveMetric: fc.record({ quantity, period: fc.constant(null), printed: fc.constant(null), attributes: empty }),
    SetMetricTarget: fc.record({ quantity, planned: on }),
  }),
};

/** The stream that comes of the commands, each decided on the states of its day and of today, as the runner does it. */
const run = <S, E extends DomainEvent, C extends DatedCommand>(noun: Noun<S, E, C>, commands: readonly C[]): readonly GivenFact<E>[] => {
  const today = addDays(firstDay, 14);
  const facts: GivenFact<E>[] = [];
  let stream: readonly Fact<E>[] = [];
  for (const command of commands) {
    const stateOn = (validAt: Day): S => stream.filter(({ validTime }) => (validTime?.last ?? validAt) <= validAt).reduce(noun.evolve, noun.initial);
    const decision = noun.decide(command, { then: stateOn(command.on.last), now: stateOn(today), today });
    if (!decision.ok || decision.events.length === 0) continue;
    facts.push(...decision.events.map((event) => ({ on: command.on, event, subject: command.by.subject, orgId: null, imported: false, known: '2024-01-01' })));
    stream = inFoldOrder(streamOf<E>(...facts));
  }
  return facts;
};

const properties = <S, E extends DomainEvent, C extends DatedCommand>(noun: Noun<S, E, C>): void => {
  // Half of the time in the order of their days, so that long histories come about.
  const commands = fc.tuple(fc.array(noun.command, { maxLength: 40, size: 'max' }), fc.boolean())
    .map(([given, sorted]) => (sorted ? given.toSorted((a, b) => (a.on.last < b.on.last ? -1 : 1)) : given));

  describe(noun.name, () => {
    it('never throws in decide, and what it accepts has what it needs in the stream', () => {
      fc.assert(fc.property(commands, (given) => {
        expect(noun.unmet(inFoldOrder(streamOf<E>(...run(noun, given))))).toEqual([]);
      }), { numRuns: 100 });
    });

    it('accepts each of its commands in some history', () => {
      const accepted = fc.sample(commands, { numRuns: 150, seed: 1 }).flatMap((given) => run(noun, given)).map(({ event }) => event.type);
      expect(new Set(accepted).size).toBe(noun.kinds);
    });

    it('folds any subset in any order, and decides on it', () => {
      fc.assert(fc.property(commands, fc.infiniteStream(fc.boolean()), fc.nat(), noun.command, (given, keep, turn, next) => {
        const stream = streamOf<E>(...run(noun, given)).filter(() => keep.next().value);
        const at = stream.length === 0 ? 0 : turn % stream.length;
        const turned = [...stream.slice(at), ...stream.slice(0, at)].toReversed();
        const decision = noun.decide(next, { then: stream.reduce(noun.evolve, noun.initial), now: turned.reduce(noun.evolve, noun.initial), today: addDays(firstDay, 14) });
        expect(typeof decision.ok).toBe('boolean');
      }), { numRuns: 100 });
    });
  });
};

properties(plan);
properties(inspection);
properties(fundsCase);
properties(report);
properties(metric);

describe('the sums of a funds case', () => {
  it('are never negative, and never count an entry twice', () => {
    fc.assert(fc.property(fc.array(fundsCase.command, { maxLength: 40 }), (given) => {
      const facts = run(fundsCase, given);
      const { recovered } = fundsTotals(streamOf(...facts).reduce(evolveFundsCase, initialFundsCaseState));
      const payments = facts.filter(({ event }) => event.type === 'FundsRecovered').length;
      expect(recovered.unknownAmounts).toBeLessThanOrEqual(payments);
      expect(recovered.fen >= 0n && recovered.fen <= 1_000n * BigInt(payments)).toBe(true);
    }));
  });
});
