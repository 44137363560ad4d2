import type { ProblemType } from '@rectrail/platform';
import {
  calendarRejections, fundsCaseRejections, inspectionRejections, installationRejections, issueRejections, liveRejections, measureRejections, metricRejections,
  organisationTreeRejections, planRejections, policyRejections, purgeRejections, reminderRejections, reportRejections, retractionRejections, sourceRejections,
  subscriptionRejections, transitionRejections, type RejectionText,
} from '@rectrail/tracking-domain';

/** A row of the problem table; `help` is the text of its page: what happened and what to do. */
export interface Problem extends ProblemType { readonly help: string }

const rejections = {
  ...liveRejections, ...transitionRejections, ...organisationTreeRejections, ...inspectionRejections, ...planRejections, ...issueRejections,
  ...measureRejections, ...fundsCaseRejections, ...policyRejections, ...calendarRejections, ...reportRejections, ...metricRejections,
  ...sourceRejections, ...subscriptionRejections, ...installationRejections, ...retractionRejections, ...reminderRejections, ...purgeRejections,
} as const satisfies Record<string, RejectionText>;

type DomainCode = keyof typeof rejections;

/** What no state of the world could make right: the request itself is unusable (422). All else may be accepted another time (409). */
const unusable: ReadonlySet<string> = new Set<DomainCode>([
  'effective-in-future', 'source-in-future', 'policy-not-total', 'policy-lights-disordered', 'policy-approver-twice', 'as-of-after-publication', 'figure-not-as-of',
  'owner-assists-itself', 'nothing-assigned', 'duplicate-of-itself', 'nothing-to-retract',
]);

const statusOf = (code: string): number => (code.startsWith('unknown-') ? 404 : unusable.has(code) ? 422 : 409);

const help = (status: number): string => {
  if (status === 404) return 'The request names something that does not exist. Check the id.';
  return status === 422
    ? 'The rule refuses the request as it is, whatever the state of things; `detail` says what contradicts what. Nothing was stored.'
    : 'A rule of the domain refuses the command in the present state; `detail` and the further members say which fact stands against it. Read the resource again and decide anew. Nothing was stored.';
};

/** Every refusal of the domain's rules; their words stand beside the rules. */
export const domainProblems: Readonly<Record<DomainCode, Problem>> = Object.fromEntries(
  Object.entries<RejectionText>(rejections).map(([code, { en, zh }]) => {
    const status = statusOf(code);
    return [code, { status, title: en.replace(/\.$/, ''), titleZh: zh.replace(/。$/, ''), help: help(status) }];
  }),
  // The entries are those of `rejections`, one for one.
) as Readonly<Record<DomainCode, Problem>>;
