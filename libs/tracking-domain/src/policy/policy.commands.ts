import type { OrgId, Rejection } from '@rectrail/kernel';
import type { DomainCommand, RejectionText } from '../time/live-command.ts';
import type { PolicyContent } from './policy.events.ts';

/** `orgId` null is the installation's default. The day may lie in the future: a policy is announced before it holds, and changes no verdict before its day. */
export type PolicyCommand = DomainCommand<'AdoptPolicy', PolicyContent & { readonly orgId: OrgId | null }>;

export const policyRejections = {
  'policy-not-total': { en: 'The last bucket rule, and only the last, must have an empty `when`.', zh: '最后一条归类规则（且仅最后一条）的条件必须为空，以保证每个问题都有归类。' },
  'policy-lights-disordered': { en: 'The lights must come in order, each with fewer days left than the one before.', zh: '亮灯规则须按剩余天数由多到少排列，且不得重复。' },
  'policy-approver-twice': { en: 'An approver is named twice.', zh: '会签单位重复。' },
} as const satisfies Record<string, RejectionText>;

export type PolicyRejection = Rejection & { readonly code: keyof typeof policyRejections };
