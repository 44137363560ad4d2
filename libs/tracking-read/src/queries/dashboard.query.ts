import { canonicalJson, sha256Hex } from '@rectrail/event-store';
import type { Day, OrgId, Position, ReportId } from '@rectrail/kernel';
import { figureDefinitions, withRecognisedBases, type DashboardFigures, type DeclaredValue } from '@rectrail/tracking-domain';
import { schema } from '../database/rows.ts';
import { addSums, noFigures, rolledUpOf, type FigureSums } from '../figures/figure-columns.ts';
import type { DashboardAnswer, DashboardChildrenAnswer } from './answers.ts';
import { figureSumsOf, type Owners } from './figures.ts';
import { labelOf, readAt, select, type ReadContext, type ReadSession } from './read-session.ts';
import type { PolicyChoice, RollUpRequest } from './requests.ts';
import { Verdicts } from './verdicts.ts';

export const digestOf = (figures: unknown): string => sha256Hex(canonicalJson(figures));

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

const dashboardFigures = (sums: FigureSums, declared: readonly DeclaredValue[]): DashboardFigures => {
  const { issues, measures, funds: { recovered, returned } } = rolledUpOf(sums);
  return { issues, measures, funds: { recovered, returned }, declared };
};

const setOf = (owners: readonly OrgId[] | null): Owners => (owners === null ? null : new Set(owners));

/** `rectrail.dashboard/1` of an organisation and all below it, or of the whole forest. */
export const dashboard = (context: ReadContext, request: RollUpRequest & PolicyChoice): Promise<DashboardAnswer> =>
  readAt(context, request, async (session) => {
    const { org, owners } = select(session, request.org);
    const verdicts = new Verdicts(session, request.policy);
    const { whole } = await figureSumsOf(session, setOf(owners), [], verdicts);
    const figures = dashboardFigures(whole, await declaredBy(session, org?.orgId ?? null));
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
    const { org, owners } = select(session, request.org);
    const verdicts = new Verdicts(session, request.policy);
    const selected = setOf(owners);
    const parts = partsOf(session, org?.orgId ?? null);
    const within = (child: OrgId): Owners => new Set(session.rollUp.subtree(child).filter((below) => selected?.has(below) ?? true));
    const sums = await figureSumsOf(session, selected, parts.map(within), verdicts);
    const children = [];
    for (const [index, child] of parts.entries()) {
      const label = labelOf(session, child) ?? { orgId: child, code: '', name: '' };
      children.push({ ...label, figures: dashboardFigures(sums.parts[index] ?? noFigures, await declaredBy(session, child)) });
    }
    const own = sums.parts.reduce((rest, part) => addSums(rest, part, -1n), sums.whole);
    const declared = await declaredBy(session, org?.orgId ?? null);
    return {
      cut: session.cut, definition: figureDefinitions.dashboard, org, children,
      total: dashboardFigures(sums.whole, declared), own: dashboardFigures(own, declared),
      assumptions: verdicts.assumptions,
    };
  });
