import { knownFen, type Money } from '@rectrail/kernel';
import {
  decideFundsCase, decideInspection, decideIssue, decideMeasure, decideMetric, decidePlan, decideReport, evolveFundsCase, evolveInspection, evolveIssue, evolveMeasure,
  evolveMetric, evolvePlan, evolveReport, initialFundsCaseState, initialInspectionState, initialIssueState, initialMeasureState, initialMetricState, initialPlanState,
  initialReportState, unmetFundsCaseNeeds, unmetInspectionNeeds, unmetIssueNeeds, unmetMeasureNeeds, unmetMetricNeeds, unmetPlanNeeds, unmetReportNeeds,
  type FundsCaseCommand, type FundsCaseEvent, type FundsCaseState, type InspectionCommand, type InspectionEvent, type InspectionState, type IssueCommand, type IssueCommandType,
  type IssueEvent, type IssueState, type MeasureCommand, type MeasureCommandType, type MeasureEvent, type MeasureState, type MetricCommand, type MetricEvent, type MetricState,
  type PlanCommand, type PlanEvent, type PlanState, type ReportCommand, type ReportEvent, type ReportState,
} from '@rectrail/tracking-domain';
import { deadline, numberOf } from './dates.ts';
import type { AggregateKind } from './live-aggregate.ts';
import type { Random } from './random.ts';
import { account, effect, issueTitle } from './texts.ts';

const nothingElse = (): null => null;

export const inspectionKind: AggregateKind<InspectionState, InspectionCommand, InspectionEvent> = {
  initial: initialInspectionState, evolve: evolveInspection, decide: decideInspection, unmet: unmetInspectionNeeds, vary: nothingElse,
};

export const planKind: AggregateKind<PlanState, PlanCommand, PlanEvent> = {
  initial: initialPlanState, evolve: evolvePlan, decide: decidePlan, unmet: unmetPlanNeeds, vary: nothingElse,
};

export const reportKind: AggregateKind<ReportState, ReportCommand, ReportEvent> = {
  initial: initialReportState, evolve: evolveReport, decide: decideReport, unmet: unmetReportNeeds, vary: nothingElse,
};

type IssueVariations = { readonly [K in IssueCommandType]?: (random: Random, data: IssueCommand<K>['data']) => IssueCommand<K>['data'] };
/** What else might have been meant. */
const issueVariations: IssueVariations = {
  RegisterIssue: (random, data) => ({ ...data, title: issueTitle(random) }),
  ReportProgress: (random) => ({ text: account(random) }),
  StateNextStep: (random, data) => ({ ...data, text: account(random) }),
  ReportPhaseResult: (random, data) => ({ ...data, result: effect(random) }),
  CompletePhase: (random, data) => ({ ...data, result: effect(random) }),
  ReportCompletion: (random, data) => ({ ...data, result: effect(random) }),
  VerifyIssue: (random, data) => ({ ...data, record: `复核记录（${random.int(1, 99)}）` }),
  SetDeadline: (random, { planned }) => ({ planned: deadline(random, numberOf(planned.last) + random.int(-20, 40)) }),
  TallySubFindings: (random, data) => ({ ...data, found: data.found + random.int(1, 3) }),
};

const varyIssue = <K extends IssueCommandType>(random: Random, command: IssueCommand<K>): IssueCommand | null => {
  const vary = issueVariations[command.type];
  // The type and its data belong together, which a spread does not show.
  return vary === undefined ? null : { ...command, data: vary(random, command.data) } as IssueCommand;
};

export const issueKind: AggregateKind<IssueState, IssueCommand, IssueEvent> = {
  initial: initialIssueState, evolve: evolveIssue, decide: decideIssue, unmet: unmetIssueNeeds, vary: varyIssue,
};

type MeasureVariations = { readonly [K in MeasureCommandType]?: (random: Random, data: MeasureCommand<K>['data']) => MeasureCommand<K>['data'] };
const measureVariations: MeasureVariations = {
  ReportMeasureProgress: (random) => ({ text: account(random) }),
  CompleteMeasure: (random, data) => ({ ...data, result: effect(random) }),
};

const varyMeasure = <K extends MeasureCommandType>(random: Random, command: MeasureCommand<K>): MeasureCommand | null => {
  const vary = measureVariations[command.type];
  return vary === undefined ? null : { ...command, data: vary(random, command.data) } as MeasureCommand;
};

export const measureKind: AggregateKind<MeasureState, MeasureCommand, MeasureEvent> = {
  initial: initialMeasureState, evolve: evolveMeasure, decide: decideMeasure, unmet: unmetMeasureNeeds, vary: varyMeasure,
};

/** Another amount of the same size: a figure misread, a digit too few. */
const otherAmount = (random: Random, money: Money): Money => {
  const fen = knownFen(money);
  const other = random.chance(0.3) ? fen / 10n : (fen * BigInt(random.int(80, 120))) / 100n;
  return { fen: String(other - (other % 100n)) };
};

const varyFunds = (random: Random, command: FundsCaseCommand): FundsCaseCommand | null => {
  if (!('money' in command.data) || command.data.money.fen === null) return null;
  const money = otherAmount(random, command.data.money);
  if (command.type === 'IdentifyFunds') return { ...command, data: { ...command.data, money } };
  if (command.type === 'RecoverFunds') return { ...command, data: { ...command.data, money } };
  return command.type === 'ReturnFunds' ? { ...command, data: { ...command.data, money } } : null;
};

export const fundsCaseKind: AggregateKind<FundsCaseState, FundsCaseCommand, FundsCaseEvent> = {
  initial: initialFundsCaseState, evolve: evolveFundsCase, decide: decideFundsCase, unmet: unmetFundsCaseNeeds, vary: varyFunds,
};

export const metricKind: AggregateKind<MetricState, MetricCommand, MetricEvent> = {
  initial: initialMetricState, evolve: evolveMetric, decide: decideMetric, unmet: unmetMetricNeeds,
  vary: (random, command) => (command.type === 'ObserveMetric'
    ? { ...command, data: { ...command.data, quantity: { ...command.data.quantity, value: String(random.int(1, 900)) } } } : null),
};
