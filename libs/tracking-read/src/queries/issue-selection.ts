import type { Cut, OrgId } from '@rectrail/kernel';
import { bucketOf, shownIssueStates, type DashboardFigures, type DeadlineCondition, type PolicyContent, type ShownIssueState } from '@rectrail/tracking-domain';
import { isDatedKind, issueClasses, issueKindsOf, type IssueClass } from '../figures/issue-class.ts';
import { withMoney } from './funds-conditions.ts';
import { listCounts } from './list-counts.ts';
import { hasText, isOfInspection } from './name-conditions.ts';
import { arrayText, listedOwners } from './org-order.ts';
import { findOrg, type ReadSession, type Selected } from './read-session.ts';
import { policyText } from './reference-data.ts';
import { areQuick, countOf, isAmong, noGuess, sizesOf, type Condition, type Group, type Guess, type Sizes, type Wanted } from './register-list.ts';
import type { IssuesRequest } from './requests.ts';
import type { Verdicts } from './verdicts.ts';

type IssueCounts = DashboardFigures['issues'];

/** The classes for which something holds: a bit for each number, as PostgreSQL reads bytes. */
const classesWhere = (holds: (one: IssueClass) => boolean): string => {
  const bits = new Uint8Array(Math.ceil(issueClasses.length / 8));
  for (const [number, one] of issueClasses.entries()) if (holds(one)) bits[number >> 3] = (bits[number >> 3] ?? 0) | (1 << (number & 7));
  return `\\x${Buffer.from(bits).toString('hex')}`;
};

/** What of a policy decides, and what it comes to as a text. */
interface ByPolicy { readonly part: (policy: PolicyContent) => object; readonly value: (policy: PolicyContent) => string; readonly condition: (value: string) => Condition }

/** A condition by the policy of each owner; owners for whom it comes to the same are taken together, thousands maybe, and asked of each row: by a hash. */
const byPolicy = ({ policies }: Verdicts, { part, value, condition }: ByPolicy): Condition => (param) => {
  // Without a policy there is no issue either.
  if (policies === null) return 'false';
  const values = new Map<string, string>();
  const valueOf = (policy: PolicyContent): string => {
    const content = policyText(part(policy));
    const known = values.get(content) ?? value(policy);
    values.set(content, known);
    return known;
  };
  const rest = valueOf(policies.rest);
  const others = new Map<string, OrgId[]>();
  for (const [owner, policy] of policies.own) {
    const other = valueOf(policy);
    if (other === rest) continue;
    const owners = others.get(other);
    if (owners === undefined) others.set(other, [owner]);
    else owners.push(owner);
  }
  if (others.size === 0) return condition(rest)(param);
  const cases = [...others].map(([other, owners]) => `when ${isAmong('r.org_id', param(arrayText(owners)))} then ${condition(other)(param)}`);
  return `case ${cases.join(' ')} else ${condition(rest)(param)} end`;
};

/** Read once, while a function of a parameter is called for each row. */
const isOfClasses = (classes: string): Condition => (param) => `get_bit(${param(classes)}::bytea, r.class) = 1`;

const isInBucket = (verdicts: Verdicts, bucket: NonNullable<IssuesRequest['bucket']>): Condition =>
  byPolicy(verdicts, { part: ({ buckets }) => buckets, value: (policy) => classesWhere((one) => bucketOf(policy, one) === bucket), condition: isOfClasses });

/** Rules.md section 5: what is closed, has no date or is not disclosed is so whatever the day; all else by its date. */
const isIn = (verdicts: Verdicts, { validAt }: Cut, condition: DeadlineCondition): Condition => {
  const near = (sign: string): Condition =>
    byPolicy(verdicts, { part: ({ dueSoon }) => dueSoon, value: (policy) => verdicts.nearUntil(policy), condition: (until) => (param) => `r.due ${sign} ${param(until)}::date` });
  switch (condition) {
    case 'NOT_DISCLOSED': return isOfClasses(classesWhere(({ disclosure }) => disclosure !== 'STATED'));
    case 'OVERDUE': return (param) => `r.due < ${param(validAt)}::date`;
    case 'DUE_SOON': return (param) => `r.due >= ${param(validAt)}::date and ${near('<=')(param)}`;
    case 'ON_TRACK': return (param) => `r.due >= ${param(validAt)}::date and ${near('>')(param)}`;
    case 'NO_DEADLINE':
    case 'DONE_IN_TIME':
    case 'DONE_LATE':
    case 'DONE': return isOfClasses(classesWhere(({ disclosure, deadline }) => disclosure === 'STATED' && deadline === condition));
  }
};

/** What an issue with an open date may be. */
const datedConditions = ['OVERDUE', 'DUE_SOON', 'ON_TRACK'] as const satisfies readonly DeadlineCondition[];

const isDated = (condition: DeadlineCondition): boolean => datedConditions.some((one) => one === condition);
const datedCount = ({ byDeadline }: IssueCounts): number => datedConditions.reduce((sum, condition) => sum + byDeadline[condition].count, 0);

const statesOf = ({ state, deadline }: IssuesRequest): readonly ShownIssueState[] =>
  (state !== undefined ? [state] : deadline === 'NOT_DISCLOSED' ? ['NOT_DISCLOSED'] : shownIssueStates);

const kindsOf = (request: IssuesRequest): readonly number[] => {
  const { deadline, disagreement } = request;
  return issueKindsOf(statesOf(request), { ...(deadline !== undefined && { isDated: isDated(deadline) }), ...(disagreement !== undefined && { disagreement }) });
};

const wantedIssues = async (session: ReadSession, request: IssuesRequest, { members }: Selected, verdicts: Verdicts): Promise<Wanted> => {
  const { bucket, deadline, track, aspect, inspection, assisting, money, q } = request;
  const { rows, names, judging } = money === undefined ? { rows: [], names: [], judging: 0 } : await withMoney(session, money);
  const assistant = assisting === undefined ? undefined : findOrg(session, assisting).orgId;
  return {
    kind: 'issue', ...listedOwners(session, members), states: kindsOf(request), judging, guess: noGuess,
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

/** What is known of the whole selection; see `ListCounts`. */
interface Known { readonly counts: IssueCounts; readonly isExact: boolean; readonly isJudged: boolean }

/** What the roll-ups count that a filter by itself leaves. */
const countsBy = ({ state, bucket, deadline }: IssuesRequest, { counts, isJudged }: Known): readonly number[] => [
  ...(state === undefined ? [] : [counts.byState[state].count]),
  ...(bucket === undefined || !isJudged ? [] : [counts.byBucket[bucket].count]),
  ...(deadline === undefined || !isJudged ? [] : [counts.byDeadline[deadline].count]),
];

/** Whether the roll-ups count just what the filters leave. */
const isCounted = ({ track, aspect, inspection, assisting, money, disagreement, q, state, bucket, deadline }: IssuesRequest, { isExact, isJudged }: Known): boolean =>
  isExact && (isJudged || (bucket ?? deadline) === undefined)
  && [track, aspect, inspection, assisting, money, disagreement, q].every((filter) => filter === undefined)
  && [state, bucket, deadline].filter((filter) => filter !== undefined).length < 2;

/** About which part of all issues a filter leaves of which the roll-ups say nothing. */
const guessedParts = { track: 0.2, aspect: 0.1, inspection: 0.001, assisting: 0.001, money: 0.05, disagreement: 0.002, q: 0.02 } as const;

const guessOf = (request: IssuesRequest, known: Known): Guess => {
  const ofStates = statesOf(request).reduce((sum, state) => sum + known.counts.byState[state].count, 0);
  const holding = request.deadline !== undefined && isDated(request.deadline) ? Math.min(ofStates, datedCount(known.counts)) : ofStates;
  const parts = (Object.keys(guessedParts) as (keyof typeof guessedParts)[]).filter((filter) => request[filter] !== undefined && request[filter] !== 'none' && request[filter] !== false);
  return { holding, wanted: parts.reduce((part, filter) => part * guessedParts[filter], Math.min(holding, ...countsBy(request, known))) };
};

/** What is guessed of the whole, at most so much. */
const noMore = ({ holding, wanted }: Guess, atMost: number | undefined): Guess =>
  (atMost === undefined ? { holding, wanted } : { holding: Math.min(holding ?? atMost, atMost), wanted: Math.min(wanted ?? atMost, atMost) });

const groupsOf = (wanted: Wanted, { sort, order }: Pick<IssuesRequest, 'sort' | 'order'>, known: Known | null): readonly Group[] => {
  const [counts, descending] = [known?.counts ?? null, order === 'desc'];
  switch (sort) {
    case 'due': {
      const { yes: dated = [], no: others = [] } = Object.groupBy(wanted.states, (kind) => (isDatedKind(kind) ? 'yes' : 'no'));
      return [
        { wanted: { ...wanted, states: dated, guess: noMore(wanted.guess, counts === null ? undefined : datedCount(counts)) }, order: { by: 'due', descending } },
        { wanted: { ...wanted, states: others }, order: { by: 'number', descending: false } },
      ];
    }
    case 'state': return (descending ? shownIssueStates.toReversed() : shownIssueStates).map((state) => {
      // A state that is known to be empty is not looked for, but keeps its place.
      const isEmpty = known?.isExact === true && known.counts.byState[state].count === 0;
      const states = isEmpty ? [] : wanted.states.filter((kind) => issueKindsOf([state]).includes(kind));
      return { wanted: { ...wanted, states, guess: noMore(wanted.guess, counts?.byState[state].count) }, order: { by: 'number', descending: false } };
    });
    case 'changed': return [{ wanted, order: { by: 'valid_from', descending } }];
    case 'number':
    case undefined: return [{ wanted, order: { by: 'number', descending } }];
  }
};

export interface IssueSelection { readonly groups: readonly Group[]; readonly sizes: Sizes; readonly total: () => Promise<number | null> }

/** `counts`: the figures of the whole selection by the policies of the read, where they have been asked already. */
export interface Judged { readonly selected: Selected; readonly verdicts: Verdicts; readonly counts?: IssueCounts }

const knownOf = async (session: ReadSession, { policy }: IssuesRequest, members: Selected['members']): Promise<Known> => {
  const { counts: { issues }, isExact, isJudged } = await listCounts(session, members);
  // One policy for all is in no roll-up.
  return { counts: issues, isExact, isJudged: isJudged && policy === undefined };
};

/** The issues that are asked for, as groups of a list. Roll-ups that have not been asked are asked only where they save more than they cost. */
export const issueSelection = async (session: ReadSession, request: IssuesRequest, { selected, verdicts, counts }: Judged): Promise<IssueSelection> => {
  const wanted = await wantedIssues(session, request, selected, verdicts);
  const sizes = await sizesOf(session, wanted);
  const known = counts !== undefined ? { counts, isExact: true, isJudged: true } : areQuick(sizes) ? null : await knownOf(session, request, selected.members);
  const guessed: Wanted = known === null ? wanted : { ...wanted, guess: guessOf(request, known) };
  const count = known !== null && isCounted(request, known) ? Math.min(known.counts.total, ...countsBy(request, known)) : null;
  return { groups: groupsOf(guessed, request, known), sizes, total: () => (count === null ? countOf(session, guessed, sizes) : Promise.resolve(count)) };
};
