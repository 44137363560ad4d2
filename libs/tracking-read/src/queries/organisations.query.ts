import { streamVersion, type OrgId, type TreeId } from '@rectrail/kernel';
import type { OrgNode, OrgTree } from '@rectrail/tracking-domain';
import type { OrganisationAnswer, OrganisationItem, OrganisationsAnswer, TreesAnswer } from './answers.ts';
import { limitOf } from './cursor.ts';
import { paged } from './paging.ts';
import { findOrg, readAt, type ReadContext } from './read-session.ts';
import type { OrganisationsRequest, ReadRequest } from './requests.ts';

const item = (treeId: TreeId, { orgId, code, name, level, parentId, mergedInto, dissolvedOn }: OrgNode): OrganisationItem =>
  ({ treeId, orgId, code, name, level, parentId, mergedInto, dissolvedOn });

/** All organisations of a tree, parents before children. */
const inOrder = (tree: OrgTree): readonly OrgId[] => tree.roots.flatMap((root) => tree.subtree(root));

/** The trees themselves, the administrative one first. */
export const trees = (context: ReadContext, request: ReadRequest): Promise<TreesAnswer> =>
  readAt(context, request, ({ reference, cut }) => Promise.resolve({
    cut,
    items: reference.trees(cut.atPosition).flatMap(({ treeId, version }) => {
      const { tree } = reference.tree(treeId, cut);
      return tree === null ? [] : [{ treeId, kind: tree.kind, jurisdiction: tree.jurisdiction, streamVersion: streamVersion(version) }];
    }),
  }));

/** Whether a text is part of the name or of the code. */
const hasText = (q: string | undefined): ((one: { readonly tree: OrgTree; readonly orgId: OrgId }) => boolean) => {
  if (q === undefined) return () => true;
  const text = q.toLowerCase();
  return ({ tree, orgId }) => {
    const node = tree.orgs.get(orgId);
    return node !== undefined && [node.name, node.code].some((own) => own.toLowerCase().includes(text));
  };
};

/**
 * The trees at the cut or one of them, or one organisation and all below it, page by page. A page ends at a place in the trees at the cut, which do not
 * change while the caller's jurisdiction may.
 */
export const organisations = (context: ReadContext, request: OrganisationsRequest): Promise<OrganisationsAnswer> =>
  paged(context, 'organisations', request, (session, after, next) => {
    const { reference, cut, visible } = session;
    const isVisible = (orgId: OrgId): boolean => visible?.has(orgId) ?? true;
    const named = reference.trees(cut.atPosition).filter(({ treeId }) => treeId === (request.tree ?? treeId));
    const trees = named.map(({ treeId, version }) => ({ treeId, version, tree: reference.tree(treeId, cut) }));
    const found = request.org === undefined ? null : findOrg(session, request.org);
    const places = trees.flatMap(({ treeId, tree }) => (found === null ? inOrder(tree) : tree.subtree(found.orgId)).map((orgId) => ({ treeId, tree, orgId })));
    const isWanted = hasText(request.q);
    const wanted = places.flatMap((one, place) => (isVisible(one.orgId) && isWanted(one) ? [{ ...one, place }] : []));
    const [size, rest] = [limitOf(request.limit), wanted.filter(({ place }) => place > Number(after?.[0] ?? -1))];
    const items = rest.slice(0, size).flatMap(({ treeId, tree, orgId }) => {
      const node = tree.orgs.get(orgId);
      return node === undefined ? [] : [item(treeId, node)];
    });
    const last = rest.length > size ? rest[size - 1] : undefined;
    return Promise.resolve({
      cut, items, total: wanted.length, nextCursor: last === undefined ? null : next([last.place]),
      leftOut: trees.flatMap(({ tree }) => tree.leftOut.filter(({ orgId }) => isVisible(orgId)).map(({ orgId, parentId, reason }) => ({ orgId, parentId, reason }))),
      trees: trees.map(({ treeId, version }) => ({ treeId, streamVersion: streamVersion(version) })),
    });
  });

/** @throws ReadRejected `unknown-organisation`, `outside-jurisdiction`. */
export const organisation = (context: ReadContext, idOrCode: string, request: ReadRequest): Promise<OrganisationAnswer> =>
  readAt(context, request, (session) => {
    const { reference, cut } = session;
    const { orgId } = findOrg(session, idOrCode);
    for (const { treeId, version } of reference.trees(cut.atPosition)) {
      const node = reference.tree(treeId, cut).orgs.get(orgId);
      if (node === undefined) continue;
      const own = reference.ownPolicy(orgId, cut);
      const policy = { own: own !== null, content: own ?? reference.defaultPolicy(cut) };
      return Promise.resolve({ cut, organisation: item(treeId, node), streamVersion: streamVersion(version), policy });
    }
    throw new Error(`organisation ${orgId} was found in a tree and is in none`);
  });
