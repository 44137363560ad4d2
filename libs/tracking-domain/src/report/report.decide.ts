import { accept, assertNever, nothing, onDay, reject, type Decision, type EventId, type Fact } from '@rectrail/kernel';
import type { FactsRetracted } from '../retraction/retraction.events.ts';
import { withoutBeginning } from '../stream-needs.ts';
import { refuseBeforeBasis, refuseFuture, type LiveSituation } from '../time/live-command.ts';
import type { ReportCommand, ReportRejection } from './report.commands.ts';
import type { ReportEvent } from './report.events.ts';
import type { ReportIdentity, ReportState } from './report.state.ts';

type ReportDecision = Decision<ReportEvent, ReportRejection>;
type Situation = LiveSituation<ReportState>;
type Command<T extends ReportCommand['type']> = Extract<ReportCommand, { type: T }>;

const sameReport = (a: ReportIdentity, b: ReportIdentity): boolean =>
  a.reportId === b.reportId && a.orgId === b.orgId && a.inspectionIds.join() === b.inspectionIds.join() && a.title === b.title
  && a.asOf === b.asOf && a.asOfPrinted === b.asOfPrinted && a.publishedOn === b.publishedOn && a.url === b.url;

const publish = ({ data }: Command<'PublishReport'>, { now, today }: Situation): ReportDecision => {
  if (data.asOf > data.publishedOn) return reject({ code: 'as-of-after-publication', detail: `as of ${data.asOf}, published on ${data.publishedOn}`, pointer: '/asOf' });
  const future = refuseFuture(onDay(data.publishedOn), today);
  if (future !== null) return reject(future);
  if (now.identity === null) return accept({ type: 'ReportPublished', data });
  return sameReport(now.identity, data) ? nothing() : reject({ code: 'report-already-published', detail: `report ${data.reportId} was published on ${now.identity.publishedOn}` });
};

const notAsOf = (command: Command<'DeclareFigure' | 'DeclareRate'>, { asOf }: ReportIdentity): ReportRejection | null => (command.on.last === asOf ? null : {
  code: 'figure-not-as-of', detail: `the report is as of ${asOf}, the figure was to take effect on ${command.on.last}`,
});

/** What a report prints is kept as printed, even where it contradicts itself: a figure is never refused for its value. */
const decideOnReport = (command: Exclude<ReportCommand, Command<'PublishReport'>>, identity: ReportIdentity, { then, correction }: Situation): ReportDecision => {
  switch (command.type) {
    case 'DeclareFigure': {
      const refusal = notAsOf(command, identity);
      return refusal === null ? accept({ type: 'RollUpDeclared', data: command.data }) : reject(refusal);
    }
    case 'DeclareRate': {
      const refusal = notAsOf(command, identity);
      return refusal === null ? accept({ type: 'RollUpRateDeclared', data: command.data }) : reject(refusal);
    }
    case 'ExplainDiscrepancy': {
      const refusal = refuseBeforeBasis(command.on, { type: 'ReportPublished', last: identity.publishedOn }, correction);
      if (refusal !== null) return reject(refusal);
      return then.explanations.get(command.data.discrepancyKey) === command.data.explanation ? nothing() : accept({ type: 'DiscrepancyExplained', data: command.data });
    }
    case 'NoteDiscrepancy': return accept({ type: 'DiscrepancyNoted', data: command.data });
    default: return assertNever(command);
  }
};

/** `situation.then` is the state on the last day of the command's `on`, `situation.now` today's. */
export const decideReport = (command: ReportCommand, situation: Situation): ReportDecision => {
  const future = refuseFuture(command.on, situation.today);
  if (future !== null) return reject(future);
  if (command.type === 'PublishReport') return publish(command, situation);
  const identity = situation.now.identity;
  return identity === null ? reject({ code: 'unknown-report', detail: 'the report has not been published' }) : decideOnReport(command, identity, situation);
};

export const unmetReportNeeds = (countingFacts: readonly Fact<ReportEvent | FactsRetracted>[]): readonly EventId[] => withoutBeginning(countingFacts, 'ReportPublished');
