import type { Cut, Day } from '@rectrail/kernel';
import { bucketOf, doneStates, shownIssueStates, type DashboardFigures, type DeadlineCondition, type PolicyContent, type ShownIssueState } from '@rectrail/tracking-domain';
import { rolledUpOf } from '../figures/figure-columns.ts';
import { issueClasses, issueKind, type IssueClass } from '../figures/issue-class.ts';
import { figureSumsOf } from './figures.ts';
import { withMoney } from './funds-conditions.ts';
import { hasText, isOfInspection } from './name-conditions.ts';
import { listedOwners } from './org-order.ts';
import { findOrg, type ReadSession, type Selected } from './read-session.ts';
import { countOf, sizesOf, type Condition, type Group, type Sizes, type Wanted } from './register-list.ts';
import type { IssuesRequest } from './requests.ts';
import { Verdicts } from './verdicts.ts';

type IssueCounts = DashboardFigures['issues'];

/** The numbers of the classes for which something holds. */
const classesWhere = (holds: (one: IssueClass) => boolean): readonly number[] => issueClasses.flatMap((one, number) => (holds(one) ? [number] : []));

/** A condition by the policy of each owner; owners for whom it comes to the same are taken together. */
const byPolicy = <T>({ policies }: Verdicts, valueOf: (policy: PolicyContent) => T, condition: (value: T) => Condition): Condition => (param) => {
  // Without a policy there is no issue either.
  if (policies === null) return 'false';
  const rest = valueOf(policies.rest);
  const others = Map.groupBy([...policies.own].map(([owner, policy]) => ({ owner, value: valueOf(policy) })), ({ value }) => JSON.stringify(value));
  others.delete(JSON.stringify(rest));
  if (others.size === 0) return condition(rest)(param);
  const cases = [...others.values()].flatMap((group) => group.slice(0, 1).map(({ value }) =>
    `when r.org_id = any(${param(group.map(({ owner }) => owner))}::uuid[]) then ${condition(value)(param)}`));
  return `case ${cases.join(' ')} else ${condition(rest)(param)} end`;
};

const isOfClasses = (classes: readonly number[]): Condition => (param) => `r.class = any(${param(classes)}::smallint[])`;

const isInBucket = (verdicts: Verdicts, bucket: NonNullable<IssuesRequest['bucket']>): Condition =>
  byPolicy(verdicts, (policy) => classesWhere((one) => bucketOf(policy, one) === bucket), isOfClasses);

const isDue: Condition = () => 'r.due is not null';
const isNotDue: Condition = () => 'r.due is null';

/** Rules.md section 5: what is closed, has no date or is not disclosed is so whatever the day; all else by its date. */
const isIn = (verdicts: Verdicts, { validAt }: Cut, condition: DeadlineCondition): Condition => {
  const near = (compare: (until: Day) => Condition): Condition => byPolicy(verdicts, (policy) => verdicts.nearUntil(policy), compare);
  switch (condition) {
    case 'NOT_DISCLOSED': return isOfClasses(classesWhere(({ disclosure }) => disclosure !== 'STATED'));
    case 'OVERDUE': return (param) => `r.due < ${param(validAt)}::date`;
    case 'DUE_SOON': return (param) => `r.due >= ${param(validAt)}::date and ${near((until) => (of) => `r.due <= ${of(until)}::date`)(param)}`;
    case 'ON_TRACK': return (param) => `r.due >= ${param(validAt)}::date and ${near((until) => (of) => `r.due > ${of(until)}::date`)(param)}`;
    case 'NO_DEADLINE':
    case 'DONE_IN_TIME':
    case 'DONE_LATE':
    case 'DONE': return isOfClasses(classesWhere(({ disclosure, deadline }) => disclosure === 'STATED' && deadline === condition));
  }
};

const kindsOf = (states: readonly ShownIssueState[], disagreement: boolean | undefined): readonly number[] =>
  states.flatMap((state) => [false, true].filter((one) => one === (disagreement ?? one)).map((one) => issueKind(state, one)));

/** States in which an issue may have an open date. */
const openStates = shownIssueStates.filter((state) => state !== 'NOT_DISCLOSED' && !doneStates.has(state));

const conditionsOn: Readonly<Partial<Record<DeadlineCondition, readonly ShownIssueState[]>>> = {
  OVERDUE: openStates, DUE_SOON: openStates, ON_TRACK: openStates, NOT_DISCLOSED: ['NOT_DISCLOSED'],
};

const statesOf = ({ state, deadline }: IssuesRequest): readonly ShownIssueState[] => {
  const possible = deadline === undefined ? shownIssueStates : conditionsOn[deadline] ?? shownIssueStates;
  return state === undefined ? possible : possible.filter((one) => one === state);
};

const wantedIssues = async (session: ReadSession, request: IssuesRequest, { members }: Selected, verdicts: Verdicts): Promise<Wanted> => {
  const { bucket, deadline, track, aspect, inspection, assisting, money, disagreement, q } = request;
  const { rows, names } = money === undefined ? { rows: [], names: [] } : await withMoney(session, money);
  const assistant = assisting === undefined ? undefined : findOrg(session, assisting).orgId;
  return {
    kind: 'issue', ...listedOwners(session, members), states: kindsOf(statesOf(request), disagreement), atMost: null,
    rows: [
      ...rows,
      ...(bucket === undefined ? [] : [isInBucket(verdicts, bucket)]),
      ...(deadline === undefined ? [] : [isIn(verdicts, session.cut, deadline)]),
      ...(track === undefined ? [] : [isOfClasses(classesWhere((one) => one.track === track))]),
    ],
    names: [
      ...names,
      ...(aspect === undefined ? [] : [((param) => `n.detail ->> 'aspect' = ${param(aspect)}`) satisfies Condition]),
      ...(inspection === undefined ? [] : [isOfInspection(inspection)]),
      ...(assistant === undefined ? [] : [((param) => `n.detail -> 'assistingOrgIds' ? ${param(assistant)}`) satisfies Condition]),
      ...(q === undefined ? [] : [hasText(q)]),
    ],
  };
};

/** What the roll-ups count that a filter by itself leaves. */
const countsBy = ({ state, bucket, deadline }: IssuesRequest, counts: IssueCounts): readonly number[] => [
  ...(state === undefined ? [] : [counts.byState[state].count]), ...(bucket === undefined ? [] : [counts.byBucket[bucket].count]),
  ...(deadline === undefined ? [] : [counts.byDeadline[deadline].count]),
];

const isSingle = ({ track, aspect, inspection, assisting, money, disagreement, q, ...others }: IssuesRequest): boolean =>
  [track, aspect, inspection, assisting, money, disagreement, q].every((filter) => filter === undefined)
  && [others.state, others.bucket, others.deadline].filter((filter) => filter !== undefined).length < 2;

const groupsOf = (wanted: Wanted, { sort, order }: Pick<IssuesRequest, 'sort' | 'order'>, counts: IssueCounts | null): readonly Group[] => {
  const descending = order === 'desc';
  const least = (...known: readonly (number | undefined)[]): number | null => {
    const bounds = [wanted.atMost ?? undefined, ...known].filter((bound) => bound !== undefined);
    return bounds.length === 0 ? null : Math.min(...bounds);
  };
  switch (sort) {
    case 'due': {
      const open = counts === null ? undefined : counts.byDeadline.OVERDUE.count + counts.byDeadline.DUE_SOON.count + counts.byDeadline.ON_TRACK.count;
      const dated = { ...wanted, states: wanted.states.filter((kind) => kindsOf(openStates, undefined).includes(kind)), rows: [...wanted.rows, isDue], atMost: least(open) };
      return [{ wanted: dated, order: { by: 'due', descending } }, { wanted: { ...wanted, rows: [...wanted.rows, isNotDue] }, order: { by: 'number', descending: false } }];
    }
    case 'state': return (descending ? shownIssueStates.toReversed() : shownIssueStates).map((state) => {
      const states = wanted.states.filter((kind) => kindsOf([state], undefined).includes(kind));
      return { wanted: { ...wanted, states, atMost: least(counts?.byState[state].count) }, order: { by: 'number', descending: false } };
    });
    case 'changed': return [{ wanted, order: { by: 'valid_from', descending } }];
    case 'number':
    case undefined: return [{ wanted, order: { by: 'number', descending } }];
  }
};

export interface IssueSelection { readonly groups: readonly Group[]; readonly sizes: Sizes; readonly total: () => Promise<number | null> }

/** `counts`: what the roll-ups say of the whole selection by the policies of the read, where they have been asked already. */
export interface Judged { readonly selected: Selected; readonly verdicts: Verdicts; readonly counts?: IssueCounts }

/** The issues that are asked for, as groups of a list. Roll-ups that have not been asked are asked only where they save more than they cost. */
export const issueSelection = async (session: ReadSession, request: IssuesRequest, { selected, verdicts, counts }: Judged): Promise<IssueSelection> => {
  const wanted = await wantedIssues(session, request, selected, verdicts);
  const sizes = await sizesOf(session, wanted);
  const isByPolicy = request.policy !== undefined && (request.bucket !== undefined || request.deadline !== undefined);
  const asked = async (): Promise<IssueCounts> => rolledUpOf((await figureSumsOf(session, selected.members, [], new Verdicts(session, undefined))).whole).issues;
  const known = counts ?? (sizes.few === null ? await asked() : null);
  // One policy for all is in no roll-up: its buckets and conditions are known only where the whole selection was judged by it.
  const filtered = known === null || (isByPolicy && counts === undefined) ? [] : countsBy(request, known);
  const bounded: Wanted = { ...wanted, atMost: known === null ? null : Math.min(known.total, ...filtered) };
  const isCounted = known !== null && isSingle(request) && !(isByPolicy && counts === undefined);
  return { groups: groupsOf(bounded, request, known), sizes, total: isCounted ? () => Promise.resolve(bounded.atMost) : () => countOf(session, bounded, sizes) };
};
