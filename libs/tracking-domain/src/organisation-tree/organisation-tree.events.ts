import type { DomainEvent, OrgId, TreeId } from '@rectrail/kernel';

export const treeKinds = ['administrative', 'party', 'discipline'] as const;
export type TreeKind = (typeof treeKinds)[number];
export const orgLevels = ['country', 'province', 'municipality', 'city', 'district', 'county', 'township', 'bureau', 'unit', 'branch'] as const;
export type OrgLevel = (typeof orgLevels)[number];

/** Stream `org-tree-{treeId}`. `TreeOpened` and `OrgRegistered` have no validTime: they are cut by position alone. */
export type OrganisationTreeEvent =
  | DomainEvent<'TreeOpened', { readonly treeId: TreeId; readonly jurisdiction: string; readonly kind: TreeKind }>
  | DomainEvent<'OrgRegistered', { readonly orgId: OrgId; readonly code: string; readonly name: string; readonly level: OrgLevel; readonly parentId: OrgId | null }>
  | DomainEvent<'OrgMoved', { readonly orgId: OrgId; readonly parentId: OrgId | null }>
  | DomainEvent<'OrgRenamed', { readonly orgId: OrgId; readonly name: string; readonly code: string }>
  | DomainEvent<'OrgMerged', { readonly orgId: OrgId; readonly successorId: OrgId }>
  | DomainEvent<'OrgDissolved', { readonly orgId: OrgId }>;
