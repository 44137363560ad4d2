import { assertNever, type Fact, type FuzzyDate, type InspectionId, type IssueId, type OrgId, type PlanId } from '@rectrail/kernel';
import type { FactsRetracted } from '../retraction/retraction.events.ts';
import type { Basis } from '../time/live-command.ts';
import type { PlanEvent } from './plan.events.ts';

export const planStatuses = ['DRAFTED', 'SUBMITTED', 'RETURNED', 'ISSUED'] as const;
export type PlanStatus = (typeof planStatuses)[number];

export interface PlanIdentity { readonly planId: PlanId; readonly orgId: OrgId; readonly inspectionId: InspectionId }

/** `subject` is who gave it, so that nobody consents twice, not even in two roles. */
export interface PlanConsent { readonly approver: string; readonly subject: string; readonly on: FuzzyDate | null }

export interface PlanState {
  /** Null until the plan was drafted. */
  readonly identity: PlanIdentity | null;
  /** Null exactly where `identity` is, but for facts whose draft does not count. */
  readonly status: PlanStatus | null;
  readonly title: string;
  readonly issueIds: readonly IssueId[];
  /** Of the submission at hand; a return or a revision ends them. */
  readonly approvers: readonly string[];
  readonly consents: readonly PlanConsent[];
  readonly returned: { readonly approver: string; readonly reason: string; readonly on: FuzzyDate | null } | null;
  /** Of the last version issued, 0 before the first. */
  readonly version: number;
  /** The issues of that version: those of a revision count once it is issued too. */
  readonly issuedFor: readonly IssueId[];
  readonly issuedOn: FuzzyDate | null;
  /** The last step other than a consent: what the next step builds on. */
  readonly lastStep: Basis | null;
}

export const initialPlanState: PlanState = {
  identity: null, status: null, title: '', issueIds: [], approvers: [], consents: [], returned: null, version: 0, issuedFor: [], issuedOn: null, lastStep: null,
};

export const evolvePlan = (state: PlanState, fact: Fact<PlanEvent | FactsRetracted>): PlanState => {
  const event = fact.event;
  const on = fact.validTime;
  const stepped: PlanState = on === null ? state : { ...state, lastStep: { type: event.type, last: on.last } };
  switch (event.type) {
    case 'PlanDrafted': {
      const { title, issueIds, ...identity } = event.data;
      return { ...stepped, identity, status: 'DRAFTED', title, issueIds };
    }
    case 'PlanSubmitted': return { ...stepped, status: 'SUBMITTED', approvers: event.data.approvers, consents: [], returned: null };
    case 'PlanConsented': return { ...state, consents: [...state.consents, { approver: event.data.approver, subject: fact.actor.subject, on }] };
    case 'PlanReturned': return { ...stepped, status: 'RETURNED', returned: { ...event.data, on } };
    case 'PlanRevised': return { ...stepped, status: 'DRAFTED', title: event.data.title, issueIds: event.data.issueIds, approvers: [], consents: [] };
    case 'PlanIssued': return { ...stepped, status: 'ISSUED', version: event.data.version, issuedFor: state.issueIds, issuedOn: on };
    case 'FactsRetracted': return state;
    default: return assertNever(event);
  }
};

/** Approvers of the submission who have not consented. */
export const missingConsents = (state: PlanState): readonly string[] =>
  state.approvers.filter((approver) => state.consents.every((consent) => consent.approver !== approver));
