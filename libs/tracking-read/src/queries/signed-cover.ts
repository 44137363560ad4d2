import type { OrgId } from '@rectrail/kernel';
import type { OrgTree } from '@rectrail/tracking-domain';

/**
 * Organisations, each with all below it in the reference tree, that add up to the owners: one that is wanted while its parent is not is added, one that is not wanted while its parent is is
 * taken away; owners outside the tree stand alone.
 */
export const signedCover = (reference: OrgTree, owners: ReadonlySet<OrgId>): readonly { readonly orgId: OrgId; readonly sign: 1 | -1 }[] => {
  const cover: { orgId: OrgId; sign: 1 | -1 }[] = [];
  for (const { orgId, parentId } of reference.orgs.values()) {
    const [isWanted, isParentWanted] = [owners.has(orgId), parentId !== null && owners.has(parentId)];
    if (isWanted !== isParentWanted) cover.push({ orgId, sign: isWanted ? 1 : -1 });
  }
  for (const orgId of owners) if (!reference.orgs.has(orgId)) cover.push({ orgId, sign: 1 });
  return cover;
};
