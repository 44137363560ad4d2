import { accept, nothing, reject, type Decision, type EventId, type Fact, type Rejection } from '@rectrail/kernel';
import type { FactsRetracted } from '../retraction/retraction.events.ts';
import { liveRejections, refuseFuture, type LiveSituation, type RejectionText } from '../time/live-command.ts';
import { isAssertedAlready, refuseIllegal, refuseTransition, sameData, transitionRejections } from '../time/transition.ts';
import type { MeasureCommand, MeasureCommandType } from './measure.commands.ts';
import type { MeasureEvent } from './measure.events.ts';
import { evolveMeasure, initialMeasureState, type MeasureState } from './measure.state.ts';
import { measureTransitions } from './measure.transitions.ts';

/** Every code with which a command on a measure is refused; each has a page under docs/problems. */
export const measureRejections = {
  ...liveRejections,
  ...transitionRejections,
  'unknown-measure': { en: 'The measure does not exist.', zh: '该整改措施不存在。' },
  'measure-already-planned': { en: 'A measure with this id already exists with other data.', zh: '该编号的整改措施已存在，且内容不同。' },
  'measure-without-issue': { en: 'A measure serves at least one issue.', zh: '整改措施须至少对应一个问题。' },
} as const satisfies Record<string, RejectionText>;

export type MeasureRejectionCode = keyof typeof measureRejections;
export type MeasureRejection = Rejection & { readonly code: MeasureRejectionCode };
export type MeasureSituation = LiveSituation<MeasureState>;
export type MeasureDecision = Decision<MeasureEvent, MeasureRejection>;
type Handler<K extends MeasureCommandType> = (command: MeasureCommand<K>, situation: MeasureSituation) => MeasureDecision;

const unknown = (): MeasureRejection => ({ code: 'unknown-measure', detail: 'the measure does not exist' });

const move = (command: MeasureCommand, situation: MeasureSituation, event: MeasureEvent): MeasureDecision => {
  if (situation.now.identity === null) return reject(unknown());
  if (isAssertedAlready(situation.now, event, command.on)) return nothing();
  const refused = refuseTransition(event.type, command.on, situation, measureTransitions);
  return refused === null ? accept(event) : reject(refused);
};

const plan: Handler<'PlanMeasure'> = (command, { now, today }) => {
  const { planned, ...identity } = command.data;
  if (now.identity !== null) {
    return sameData(now.identity, identity) && sameData(now.planned, planned) ? nothing()
      : reject({ code: 'measure-already-planned', detail: 'the measure exists with other data' });
  }
  if (identity.issueIds.length === 0) return reject({ code: 'measure-without-issue', detail: 'no issue is named' });
  const refused = refuseFuture(command.on, today);
  return refused === null ? accept({ type: 'MeasurePlanned', data: command.data }) : reject(refused);
};

const link: Handler<'LinkMeasureToIssue'> = (command, { now, today }) => {
  const refused = now.identity === null ? unknown() : refuseFuture(command.on, today);
  if (refused !== null) return reject(refused);
  return now.issueIds.includes(command.data.issueId) ? nothing() : accept({ type: 'MeasureLinkedToIssue', data: command.data });
};

const reportProgress: Handler<'ReportMeasureProgress'> = (command, situation) => move(command, situation, { type: 'MeasureProgressed', data: command.data });
const complete: Handler<'CompleteMeasure'> = (command, situation) => move(command, situation, { type: 'MeasureCompleted', data: command.data });
const suspend: Handler<'SuspendMeasure'> = (command, situation) => move(command, situation, { type: 'MeasureSuspended', data: command.data });
const resume: Handler<'ResumeMeasure'> = (command, situation) => move(command, situation, { type: 'MeasureResumed', data: command.data });
const makeStanding: Handler<'MakeMeasureStanding'> = (command, situation) => move(command, situation, { type: 'MeasureMadeStanding', data: command.data });
const withdraw: Handler<'WithdrawMeasure'> = (command, situation) => move(command, situation, { type: 'MeasureWithdrawn', data: command.data });
const state: Handler<'StateMeasure'> = (command) => accept({ type: 'MeasureStated', data: command.data });

const handlers: { readonly [K in MeasureCommandType]: Handler<K> } = {
  PlanMeasure: plan, LinkMeasureToIssue: link, ReportMeasureProgress: reportProgress, CompleteMeasure: complete, SuspendMeasure: suspend,
  ResumeMeasure: resume, MakeMeasureStanding: makeStanding, WithdrawMeasure: withdraw, StateMeasure: state,
};

/** Total: no typed input makes it throw. No events: already so. */
export const decideMeasure = <K extends MeasureCommandType>(command: MeasureCommand<K>, situation: MeasureSituation): MeasureDecision =>
  handlers[command.type](command, situation);

/** Events whose needs are not met, given the counting facts in fold order; see `unmetIssueNeeds`. */
export const unmetMeasureNeeds = (facts: readonly Fact<MeasureEvent | FactsRetracted>[]): readonly EventId[] => {
  const exists = facts.some(({ event }) => event.type === 'MeasurePlanned' || event.type === 'MeasureStated');
  if (!exists) return facts.map((fact) => fact.eventId);
  const unmet: EventId[] = [];
  let s = initialMeasureState;
  for (const fact of facts) {
    if (fact.source === undefined && refuseIllegal(s, fact.event.type, measureTransitions) !== null) unmet.push(fact.eventId);
    s = evolveMeasure(s, fact);
  }
  return unmet;
};
