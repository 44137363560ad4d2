import type { Cut, Day, IssueId, OrgId } from '@rectrail/kernel';
import { countingFacts, countingFactsByFirstDays, countingRetractions, eventTitles, isIssueStatusAssertion, streams } from '@rectrail/tracking-domain';
import { schema } from '../database/rows.ts';
import { parsePair } from '../figures/cell-texts.ts';
import { dueOf, shownIssueState, type IssueCell } from '../figures/cells.ts';
import { issueTimeline, type IssueName, type IssueViewDetail } from '../projections/issue-register.ts';
import { wholeName, wholeView } from '../projections/register-details.ts';
import { beliefEvent } from './beliefs.ts';
import { wholeStreams, type FactSource, type TrackingFact } from './counting-facts.ts';
import type { ChangeCause, ChangingEvent, ComparedIssue, JudgedIssue } from './over-time.ts';
import type { ReadSession } from './read-session.ts';
import { arrayText } from './org-order.ts';
import { atCut, type Owners } from './sums.ts';
import type { Verdicts } from './verdicts.ts';

/** One of two looks at the same issues. */
export interface Side {
  readonly session: ReadSession;
  readonly verdicts: Verdicts;
  readonly owners: Owners;
}

/** An issue at a cut: its cells by last and by first days, and what is shown of it; null where it exists by first days only. */
export interface SideRow {
  readonly id: IssueId;
  readonly orgId: OrgId;
  readonly cell: string;
  readonly named: IssueName | null;
  readonly detail: Omit<IssueViewDetail, 'cell'> | null;
}

interface RegisterRow extends Omit<SideRow, 'cell' | 'detail'> { readonly detail: IssueViewDetail | null }

/** The register shows nothing of what exists by first days only: it is folded from its facts. */
const cellByFirstDays = (stream: readonly TrackingFact[], cut: Cut): string => {
  // The stream is that of an issue.
  const facts = countingFactsByFirstDays(stream, cut, isIssueStatusAssertion) as unknown as Parameters<typeof issueTimeline.evolve>[1][];
  const state = facts.reduce((before, fact) => issueTimeline.evolve(before, fact), issueTimeline.initial);
  return issueTimeline.view(issueTimeline.initial, state)?.cell ?? '';
};

/** Those of the issues that exist at the cut. */
export const rowsAt = async (source: FactSource, { tx, cut }: ReadSession, ids: readonly IssueId[]): Promise<ReadonlyMap<IssueId, SideRow>> => {
  const rows = await tx.query<RegisterRow>(
    `select r.id, r.org_id as "orgId", case when n.id is not null then ${wholeName('issue', 'n')} end as named, ${wholeView('issue', 'd')} as detail
       from ${schema}.issue_row r left join ${schema}.issue_name n using (id, name) left join ${schema}.issue_view d using (id, view)
      where r.id = any($4::uuid[]) and ${atCut('r', ['$1', '$2', '$3'])}`,
    [cut.validAt, cut.knownAt, cut.atPosition, arrayText(ids)],
  );
  const unshown = await wholeStreams(source, rows.filter(({ detail }) => detail === null).map(({ id }) => streams.issue(id)), cut.atPosition);
  return new Map(rows.map(({ detail, ...row }) => [row.id, { ...row, cell: detail?.cell ?? cellByFirstDays(unshown.get(streams.issue(row.id)) ?? [], cut), detail }]));
};

const judged = ({ verdicts }: Side, owner: OrgId, cell: IssueCell): JudgedIssue => ({ state: shownIssueState(cell), bucket: verdicts.bucket(owner, cell) });

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

const isSelected = ({ owners }: Side, row: SideRow | undefined): row is SideRow => row !== undefined && (owners?.has(row.orgId) ?? true);

export const shownOn = (side: Side, row: SideRow | undefined): ComparedIssue => {
  if (!isSelected(side, row)) return { exists: false, possibly: null };
  const { last, first } = parsePair(row.cell);
  const possible = first === null ? null : judged(side, row.orgId, first);
  const { named, detail } = row;
  if (last === null || named === null || detail === null) return { exists: false, possibly: possible };
  const shown = judged(side, row.orgId, last);
  return {
    exists: true, ...shown, possibly: isSame(possible, shown) ? null : possible, condition: side.verdicts.condition(row.orgId, last),
    keptState: last.state, track: last.track, disclosure: last.disclosure, basis: last.basis, due: dueOf(last),
    planned: detail.planned, striving: detail.striving, closedOn: detail.closedOn,
    numberPath: named.numberPath, title: named.title, heading: named.heading, aspect: named.aspect, strand: named.strand, annex: named.annex,
    assistingOrgIds: named.assistingOrgIds, printedStatus: detail.printedStatus, continuation: detail.continuation, residuals: detail.residuals,
    disagreement: detail.disagreement, claim: detail.claim === null ? null : { ...detail.claim },
  };
};

/** Fields that differ; of an issue that exists on one side only nothing else is compared. */
export const changedFields = (before: ComparedIssue, after: ComparedIssue): readonly string[] => {
  const [a, b]: readonly Readonly<Record<string, unknown>>[] = [{ ...before }, { ...after }];
  const compared = before.exists === after.exists ? Object.keys(before) : ['exists', 'possibly'];
  return compared.filter((field) => !isSame(a?.[field], b?.[field]));
};

const countingPositions = (stream: readonly TrackingFact[], cut: Cut): ReadonlySet<number> =>
  new Set([...countingFacts(stream, cut), ...countingRetractions(stream, cut)].map(({ position }) => position));

const firstDayPositions = (stream: readonly TrackingFact[], cut: Cut): ReadonlySet<number> =>
  new Set(countingFactsByFirstDays(stream, cut, isIssueStatusAssertion).map(({ position }) => position));

/** The events of a whole stream that count at one of the cuts alone, retractions included; by first days too where those are what changed. */
export const changingEvents = (stream: readonly TrackingFact[], { from, to }: { readonly from: Cut; readonly to: Cut }, changed: readonly string[]): readonly ChangingEvent[] => {
  const countings = [countingPositions, ...(changed.includes('possibly') ? [firstDayPositions] : [])].map((at) => [at(stream, from), at(stream, to)] as const);
  return stream.flatMap((fact): readonly ChangingEvent[] => {
    const only = countings.find(([before, after]) => before.has(fact.position) !== after.has(fact.position));
    return only === undefined ? [] : [{ ...beliefEvent(fact), title: eventTitles[fact.event.type], countsAt: only[0].has(fact.position) ? 'from' : 'to' }];
  });
};

/** What the later facts are: judged as the one side does and as the other, and on the day of the one and of the other. */
const judgements = (from: Side, to: Side, { orgId, cell }: SideRow): Readonly<Record<'policy' | 'time', boolean>> => {
  const { last, first } = parsePair(cell);
  const [bucketsOf, conditionOf] = [
    ({ verdicts }: Side) => [last, first].map((one) => (one === null ? null : verdicts.bucket(orgId, one))),
    ({ verdicts }: Side, on: Day) => (last === null ? null : verdicts.condition(orgId, last, on)),
  ];
  const [earlier, later] = [from.session.cut.validAt, to.session.cut.validAt];
  return {
    policy: !isSame(bucketsOf(from), bucketsOf(to)) || conditionOf(from, earlier) !== conditionOf(to, earlier),
    time: conditionOf(to, earlier) !== conditionOf(to, later),
  };
};

interface Found {
  readonly rows: readonly [from: SideRow | undefined, to: SideRow | undefined];
  readonly changed: readonly string[];
  readonly events: readonly ChangingEvent[];
}

export const causesOf = ([from, to]: readonly [Side, Side], { rows: [before, after], changed, events }: Found): readonly ChangeCause[] => {
  const orgId = after?.orgId ?? before?.orgId;
  const owned = [from, to].map(({ owners }) => orgId !== undefined && (owners?.has(orgId) ?? true));
  const isJudged = changed.some((field) => field === 'bucket' || field === 'condition' || field === 'possibly');
  const by = isJudged && isSelected(to, after) ? judgements(from, to, after) : { policy: false, time: false };
  const found = { events: events.length > 0, time: by.time, policy: by.policy, organisation: owned[0] !== owned[1] };
  return (['events', 'time', 'policy', 'organisation'] as const).filter((cause) => found[cause]);
};
