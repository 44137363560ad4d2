import { accept, assertNever, nothing, reject, type Decision, type EventId, type Fact, type FuzzyDate } from '@rectrail/kernel';
import type { FactsRetracted } from '../retraction/retraction.events.ts';
import { withoutBeginning } from '../stream-needs.ts';
import { refuseBeforeBasis, refuseFuture, type Basis, type LiveSituation } from '../time/live-command.ts';
import type { InspectionCommand, InspectionRejection } from './inspection.commands.ts';
import type { InspectionEvent } from './inspection.events.ts';
import type { InspectionIdentity, InspectionState } from './inspection.state.ts';

type InspectionDecision = Decision<InspectionEvent, InspectionRejection>;
type Situation = LiveSituation<InspectionState>;
type Command<T extends InspectionCommand['type']> = Extract<InspectionCommand, { type: T }>;

const basis = (type: InspectionEvent['type'], on: FuzzyDate | null): Basis | null => (on === null ? null : { type, last: on.last });

/** The inspection is open, and no later than the command takes effect. */
const notOpen = (on: FuzzyDate, { now, correction }: Situation): InspectionRejection | null =>
  now.identity === null
    ? { code: 'unknown-inspection', detail: 'the inspection has not been opened' }
    : refuseBeforeBasis(on, basis('InspectionOpened', now.openedOn), correction);

const sameIdentity = (a: InspectionIdentity, b: InspectionIdentity): boolean =>
  a.inspectionId === b.inspectionId && a.orgId === b.orgId && a.kind === b.kind && a.title === b.title && a.committee === b.committee
  && a.topic === b.topic && a.term === b.term && a.round === b.round && a.types.join() === b.types.join();

const open = (command: Command<'OpenInspection'>, { now }: Situation): InspectionDecision => {
  if (now.identity === null) return accept({ type: 'InspectionOpened', data: command.data });
  return sameIdentity(now.identity, command.data) && now.openedOn?.last === command.on.last
    ? nothing()
    : reject({ code: 'inspection-already-open', detail: `the inspection was opened on ${now.openedOn?.last}` });
};

const startFieldwork = (command: Command<'StartFieldwork'>, { now }: Situation): InspectionDecision => {
  const started = now.fieldworkStarted;
  if (started === null) return accept({ type: 'FieldworkStarted', data: {} });
  return started.on?.last === command.on.last ? nothing() : reject({ code: 'fieldwork-already-started', detail: `the fieldwork started on ${started.on?.last}` });
};

const endFieldwork = (command: Command<'EndFieldwork'>, { then, now }: Situation): InspectionDecision => {
  const ended = now.fieldworkEnded;
  if (ended !== null) {
    return ended.on?.last === command.on.last ? nothing() : reject({ code: 'fieldwork-already-ended', detail: `the fieldwork ended on ${ended.on?.last}` });
  }
  return then.fieldworkStarted === null
    ? reject({ code: 'fieldwork-not-started', detail: `the fieldwork has not started by ${command.on.last}` })
    : accept({ type: 'FieldworkEnded', data: {} });
};

/** Once: every deadline and every undated fact is counted from it, so a second one would move them all. */
const deliverFeedback = (command: Command<'DeliverFeedback'>, { now }: Situation): InspectionDecision => {
  const delivered = now.feedback;
  if (delivered === null) return accept({ type: 'FeedbackDelivered', data: command.data });
  return delivered.on?.last === command.on.last && delivered.recommendations === command.data.recommendations
    ? nothing()
    : reject({ code: 'feedback-already-delivered', detail: `the feedback was delivered on ${delivered.on?.last}`, eventId: delivered.eventId });
};

const linkPreviousRound = ({ data }: Command<'LinkPreviousRound'>, { then, now }: Situation): InspectionDecision => {
  if (data.inspectionId === now.identity?.inspectionId) return reject({ code: 'previous-round-is-itself', detail: `${data.inspectionId} is the inspection itself` });
  return then.previousRounds.includes(data.inspectionId) ? nothing() : accept({ type: 'PreviousRoundLinked', data });
};

/** `situation.then` is the state on the last day of the command's `on`, `situation.now` today's. */
export const decideInspection = (command: InspectionCommand, situation: Situation): InspectionDecision => {
  const refusal = refuseFuture(command.on, situation.today) ?? (command.type === 'OpenInspection' ? null : notOpen(command.on, situation));
  if (refusal !== null) return reject(refusal);
  switch (command.type) {
    case 'OpenInspection': return open(command, situation);
    case 'AssignTeam': return situation.then.team === command.data.team ? nothing() : accept({ type: 'TeamAssigned', data: command.data });
    case 'StartFieldwork': return startFieldwork(command, situation);
    case 'EndFieldwork': return endFieldwork(command, situation);
    case 'DeliverFeedback': return deliverFeedback(command, situation);
    case 'AttachSpecialCheck':
      return situation.then.specialChecks.includes(command.data.topic) ? nothing() : accept({ type: 'SpecialCheckAttached', data: command.data });
    case 'LinkPreviousRound': return linkPreviousRound(command, situation);
    default: return assertNever(command);
  }
};

/** Everything needs the opening; the end of the fieldwork needs its start. */
export const unmetInspectionNeeds = (countingFacts: readonly Fact<InspectionEvent | FactsRetracted>[]): readonly EventId[] => {
  const started = countingFacts.some(({ event }) => event.type === 'FieldworkStarted');
  const unstarted = countingFacts.filter(({ event }) => event.type === 'FieldworkEnded' && !started);
  return [...new Set([...withoutBeginning(countingFacts, 'InspectionOpened'), ...unstarted.map(({ eventId }) => eventId)])];
};
