import type { OrgId, Rejection, TreeId } from '@rectrail/kernel';
import type { DomainCommand, LiveRejection, RejectionText } from '../time/live-command.ts';
import type { OrgLevel, TreeKind } from './organisation-tree.events.ts';

/** Opening and registering have no day: the existence of an organisation holds from the beginning of time (rules.md section 1). */
export type OrganisationTreeCommand =
  | { readonly type: 'OpenTree'; readonly data: { readonly treeId: TreeId; readonly jurisdiction: string; readonly kind: TreeKind } }
  | { readonly type: 'RegisterOrg'; readonly data: { readonly orgId: OrgId; readonly code: string; readonly name: string; readonly level: OrgLevel; readonly parentId: OrgId | null } }
  | DomainCommand<'MoveOrg', { readonly orgId: OrgId; readonly parentId: OrgId | null }>
  | DomainCommand<'RenameOrg', { readonly orgId: OrgId; readonly name: string; readonly code: string }>
  | DomainCommand<'MergeOrg', { readonly orgId: OrgId; readonly successorId: OrgId }>
  | DomainCommand<'DissolveOrg', { readonly orgId: OrgId }>;

export const organisationTreeRejections = {
  'unknown-tree': { en: 'The organisation tree has not been opened.', zh: '该组织树尚未建立。' },
  'tree-already-open': { en: 'The organisation tree is open already, with another jurisdiction or kind.', zh: '该组织树已建立，且辖区或类别不同。' },
  'unknown-organisation': { en: 'The organisation is not registered in this tree.', zh: '该组织树中没有登记此单位。' },
  'org-already-registered': { en: 'The organisation is registered already, with other data.', zh: '该单位已登记，且登记内容不同。' },
  'org-code-taken': { en: 'Another organisation holds this code.', zh: '该单位代码已被其他单位使用。' },
  'org-not-current': { en: 'The organisation had been merged or dissolved by that day.', zh: '该单位在生效日之前已合并或撤销。' },
  'tree-cycle': { en: 'The organisation would come to stand below itself.', zh: '此操作会使该单位成为自身的下级。' },
} as const satisfies Record<string, RejectionText>;

export type OrganisationTreeRejection = LiveRejection | (Rejection & { readonly code: keyof typeof organisationTreeRejections });
