import { canonicalJson, sha256Hex } from '@rectrail/event-store';
import type { Day, OrgId, Position, ReportId } from '@rectrail/kernel';
import {
  buckets, deadlineConditions, figureDefinitions, shownIssueStates, shownMeasureStates, withRecognisedBases,
  type Count, type DashboardFigures, type DeclaredValue, type Sum,
} from '@rectrail/tracking-domain';
import { schema } from '../database/rows.ts';
import { parsePair, shownIssueState, type IssueCell } from '../projections/issue-projection.ts';
import { parseMeasureCell } from '../projections/measure-projection.ts';
import type { DashboardAnswer, DashboardChildrenAnswer } from './answers.ts';
import { labelOf, readAt, select, type ReadContext, type ReadSession } from './read-session.ts';
import type { PolicyChoice, RollUpRequest } from './requests.ts';
import { cellSums, type CellSum } from './sums.ts';
import { Verdicts } from './verdicts.ts';

export const digestOf = (figures: unknown): string => sha256Hex(canonicalJson(figures));

/** Counts by class, every class present: in it by last days, and not in it by them but by first days (rules.md section 4). */
export const tally = <X extends string>(classes: readonly X[]): { readonly counts: Record<X, Count>; add(last: X | null, first: X | null, n: number): void } => {
  const entries = classes.map((x) => [x, { count: 0, undetermined: 0 }] as const);
  // Every class has just been given its entry.
  const counts = Object.fromEntries(entries) as Record<X, { count: number; undetermined: number }>;
  return {
    counts,
    add: (last, first, n) => {
      if (last !== null) counts[last].count += n;
      if (first !== null && first !== last) counts[first].undetermined += n;
    },
  };
};

const mapCell = <T>(cell: IssueCell | null, classOf: (cell: IssueCell) => T): T | null => (cell === null ? null : classOf(cell));

const issueFigures = (sums: readonly CellSum[], verdicts: Verdicts): DashboardFigures['issues'] => {
  const [byState, byBucket, byDeadline] = [tally(shownIssueStates), tally(buckets), tally(deadlineConditions)];
  let total = 0;
  for (const { orgId, cell, n } of sums) {
    const { last, first } = parsePair(cell);
    if (last !== null) total += n;
    byState.add(mapCell(last, shownIssueState), mapCell(first, shownIssueState), n);
    byBucket.add(mapCell(last, (c) => verdicts.bucket(orgId, c)), mapCell(first, (c) => verdicts.bucket(orgId, c)), n);
    byDeadline.add(mapCell(last, (c) => verdicts.condition(orgId, c)), mapCell(first, (c) => verdicts.condition(orgId, c)), n);
  }
  return { total, byState: byState.counts, byBucket: byBucket.counts, byDeadline: byDeadline.counts };
};

const measureFigures = (sums: readonly CellSum[]): DashboardFigures['measures'] => {
  const byState = tally(shownMeasureStates);
  let [total, shared] = [0, 0];
  for (const { cell, n } of sums) {
    const { last, first, links } = parseMeasureCell(cell);
    if (last !== null) total += n;
    shared += Math.max(0, links - 1) * n;
    byState.add(last, first, n);
  }
  return { total, shared, byState: byState.counts };
};

export const moneySum = (sums: readonly CellSum[], direction: string): Sum => {
  const ofDirection = sums.filter((sum) => sum.cell === direction);
  return { fen: String(ofDirection.reduce((fen, sum) => fen + sum.fen, 0n)), unknownAmounts: ofDirection.reduce((n, sum) => n + sum.n, 0) };
};

interface DeclarationRow {
  readonly key: string;
  readonly basis: string | null;
  readonly value: string | null;
  readonly unit: string;
  readonly stream_id: string;
  readonly as_of: Day;
  readonly position: Position;
}

/** Of the organisation's own reports, never those below it: of each key the latest as-of, of equals the one about the whole, then the latest recorded. */
const declaredBy = async ({ tx, cut }: ReadSession, org: OrgId | null): Promise<readonly DeclaredValue[]> => {
  if (org === null) return [];
  const rows = await tx.query<DeclarationRow>(
    `select distinct on (d.key collate "C") d.key, d.basis, d.value, d.unit, d.stream_id
       from (select (e.fact #>> '{event,data,key}')
                      || coalesce('[' || (e.fact #>> '{event,data,breakdown,by}') || '=' || (e.fact #>> '{event,data,breakdown,value}') || ']', '') as key,
                    (e.fact #> '{event,data,scope}') - 'orgsCovered' - 'orgsInScope' = '{}'::jsonb as of_the_whole,
                    e.fact #>> '{event,data,basis}' as basis,
                    case e.type when 'RollUpRateDeclared' then '%' else e.fact #>> '{event,data,quantity,unit}' end as unit,
                    case e.type when 'RollUpRateDeclared' then e.fact #>> '{event,data,value}' else e.fact #>> '{event,data,quantity,value}' end as value,
                    e.stream_id, s.valid_from, e.position
               from ${schema}.event_standing s join ${schema}.event e using (position)
              where s.type in ('RollUpDeclared', 'RollUpRateDeclared') and s.org_id = $1
                and s.valid_from <= $2 and s.known_from <= $3 and $3 < s.known_to and s.pos_from <= $4 and $4 < s.pos_to) d
      order by d.key collate "C", d.valid_from desc, d.of_the_whole desc, d.position desc`,
    [org, cut.validAt, cut.knownAt, cut.atPosition],
  );
  return withRecognisedBases(rows.map(({ key, basis, value, unit, stream_id }) =>
    ({ key, basis, value, unit, reportId: stream_id.slice('report-'.length) as ReportId })));
};

/** Sums of the whole selection, from which the figures of any part of it are made. */
interface Sums { readonly issues: readonly CellSum[]; readonly measures: readonly CellSum[]; readonly funds: readonly CellSum[] }

const sumsOf = async (session: ReadSession, owners: readonly OrgId[] | null): Promise<Sums> => ({
  issues: await cellSums(session, 'issue_point', owners),
  measures: await cellSums(session, 'measure_point', owners),
  funds: await cellSums(session, 'funds_point', owners),
});

const figuresOf = ({ issues, measures, funds }: Sums, verdicts: Verdicts, declared: readonly DeclaredValue[]): DashboardFigures => ({
  issues: issueFigures(issues, verdicts),
  measures: measureFigures(measures),
  funds: { recovered: moneySum(funds, 'recovered'), returned: moneySum(funds, 'returned') },
  declared,
});

const partOf = ({ issues, measures, funds }: Sums, isPart: (owner: OrgId) => boolean): Sums => {
  const ofPart = (sum: CellSum): boolean => isPart(sum.orgId);
  return { issues: issues.filter(ofPart), measures: measures.filter(ofPart), funds: funds.filter(ofPart) };
};

/** `rectrail.dashboard/1` of an organisation and all below it, or of the whole forest. */
export const dashboard = (context: ReadContext, request: RollUpRequest & PolicyChoice): Promise<DashboardAnswer> =>
  readAt(context, request, async (session) => {
    const { org, owners } = select(session, request.org);
    const verdicts = new Verdicts(session, request.policy);
    const figures = figuresOf(await sumsOf(session, owners), verdicts, await declaredBy(session, org?.orgId ?? null));
    return { cut: session.cut, definition: figureDefinitions.dashboard, digest: digestOf(figures), org, figures, assumptions: verdicts.assumptions, purged: 0 };
  });

/** The organisations side by side: children of the one asked for, else roots; of these, and as roots, only what the caller may see. */
const partsOf = ({ rollUp: tree, visible }: ReadSession, org: OrgId | null): readonly OrgId[] => {
  if (org !== null) return tree.children(org).filter((child) => visible?.has(child) ?? true);
  if (visible === null) return tree.roots;
  const isTop = (orgId: OrgId): boolean => {
    const parent = tree.orgs.get(orgId)?.parentId ?? null;
    return tree.orgs.has(orgId) && (parent === null || !visible.has(parent));
  };
  return [...visible].filter(isTop);
};

/** The same, split: own + Σ children = total, number by number (`declared` is never added). Without an organisation the roots are the children. */
export const dashboardChildren = (context: ReadContext, request: RollUpRequest & PolicyChoice): Promise<DashboardChildrenAnswer> =>
  readAt(context, request, async (session) => {
    const { rollUp } = session;
    const { org, owners } = select(session, request.org);
    const verdicts = new Verdicts(session, request.policy);
    const sums = await sumsOf(session, owners);
    const parts = partsOf(session, org?.orgId ?? null);
    const childOf = new Map(parts.flatMap((child) => rollUp.subtree(child).map((below) => [below, child] as const)));
    const children = [];
    for (const child of parts) {
      const label = labelOf(session, child) ?? { orgId: child, code: '', name: '' };
      children.push({ ...label, figures: figuresOf(partOf(sums, (owner) => childOf.get(owner) === child), verdicts, await declaredBy(session, child)) });
    }
    const declared = await declaredBy(session, org?.orgId ?? null);
    return {
      cut: session.cut, definition: figureDefinitions.dashboard, org, children,
      total: figuresOf(sums, verdicts, declared), own: figuresOf(partOf(sums, (owner) => !childOf.has(owner)), verdicts, declared),
      assumptions: verdicts.assumptions,
    };
  });
