import type { OrgId } from '@rectrail/kernel';
import { idOf, OrgMembers, type TreeAtCut } from './tree-at-cut.ts';

export interface SignedOrg { readonly orgId: OrgId; readonly sign: 1 | -1 }

/**
 * Organisations, each with all below it in the reference tree, that add up to the owners, each once: one that is wanted while its parent is not is added, one that
 * is not wanted while its parent is is taken away. Owners outside the reference tree stand alone.
 */
export const signedCover = (reference: TreeAtCut, owners: ReadonlySet<OrgId>): readonly SignedOrg[] => {
  const members = OrgMembers.of(reference.record, owners);
  const cover: SignedOrg[] = [];
  const put = (number: number, sign: 1 | -1): void => { cover.push({ orgId: idOf(reference.record, number), sign }); };
  for (const number of members.numbers) {
    if (!members.hasNumber(reference.parentNumber(number))) put(number, 1);
    reference.forEachChild(number, (child) => { if (!members.hasNumber(child)) put(child, -1); });
  }
  if (members.size < owners.size) for (const orgId of owners) if (!members.has(orgId)) cover.push({ orgId, sign: 1 });
  return cover;
};
