import { canonicalJson, sha256Hex } from '@rectrail/event-store';
import type { OrgId } from '@rectrail/kernel';
import { figureDefinitions, type DashboardFigures, type DeclaredValue } from '@rectrail/tracking-domain';
import { addSums, noFigures, rolledUpOf, type FigureSums } from '../figures/figure-columns.ts';
import type { DashboardAnswer, DashboardChildrenAnswer } from './answers.ts';
import { declaredBy } from './declared.query.ts';
import { figureSumsOf } from './figures.ts';
import { purgedContents } from './purged.ts';
import { labelOf, readAt, select, treeChosen, type ReadContext, type ReadSession } from './read-session.ts';
import type { PolicyChoice, RollUpRequest } from './requests.ts';
import type { Owners } from './sums.ts';
import { among } from './tree-at-cut.ts';
import { Verdicts } from './verdicts.ts';

export const digestOf = (figures: unknown): string => sha256Hex(canonicalJson(figures));

const dashboardFigures = (sums: FigureSums, declared: readonly DeclaredValue[] = []): DashboardFigures => {
  const { issues, measures, funds: { recovered, returned } } = rolledUpOf(sums);
  return { issues, measures, funds: { recovered, returned }, declared };
};

/** The figures of a selection, and what the organisation itself declares. */
export const dashboardOf = async (
  session: ReadSession, { org, owners }: { readonly org: OrgId | null; readonly owners: Owners }, verdicts: Verdicts,
): Promise<{ readonly figures: DashboardFigures; readonly digest: string }> => {
  const { whole } = await figureSumsOf(session, owners, [], verdicts);
  const figures = dashboardFigures(whole, org === null ? [] : (await declaredBy(session, [org])).get(org));
  return { figures, digest: digestOf(figures) };
};

/** `rectrail.dashboard/1` of an organisation and all below it, or of the whole forest. */
export const dashboard = (context: ReadContext, request: RollUpRequest & PolicyChoice): Promise<DashboardAnswer> =>
  readAt(context, request, async (session) => {
    const { org, members } = select(session, request.org);
    const verdicts = new Verdicts(session, request.policy);
    const { figures, digest } = await dashboardOf(session, { org: org?.orgId ?? null, owners: members }, verdicts);
    return {
      cut: session.cut, definition: figureDefinitions.dashboard, digest, org, ...treeChosen(session, request), policy: verdicts.chosen,
      figures, assumptions: verdicts.assumptions, purged: await purgedContents(session, members),
    };
  }, 'generic');

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
    const { org, members } = select(session, request.org);
    const verdicts = new Verdicts(session, request.policy);
    const parts = partsOf(session, org?.orgId ?? null);
    const within = (child: OrgId): Owners => (members === null ? session.rollUp.members(child) : among(session.rollUp.members(child), members));
    const sums = await figureSumsOf(session, members, parts.map(within), verdicts);
    const declaredOf = await declaredBy(session, org === null ? parts : [org.orgId, ...parts]);
    const children = parts.map((child, index) => {
      const label = labelOf(session, child) ?? { orgId: child, code: '', name: '' };
      return { ...label, figures: dashboardFigures(sums.parts[index] ?? noFigures, declaredOf.get(child)) };
    });
    const own = sums.parts.reduce((rest, part) => addSums(rest, part, -1n), sums.whole);
    const declared = org === null ? [] : declaredOf.get(org.orgId);
    const figures = { total: dashboardFigures(sums.whole, declared), own: dashboardFigures(own, declared), children };
    return {
      cut: session.cut, definition: figureDefinitions.dashboard, digest: digestOf(figures), org, ...treeChosen(session, request), policy: verdicts.chosen,
      ...figures, assumptions: verdicts.assumptions,
    };
  }, 'generic');
