import type { DomainEvent, EventId, FundsCaseId, InspectionId, IssueId, Money, OrgId } from '@rectrail/kernel';

/** What the money was: 津补贴, 慰问费, 多报销, …; `ALLOWANCE_AND_FESTIVAL` where the source merges two. */
export const fundsKinds = ['ALLOWANCE', 'FESTIVAL_MONEY', 'ALLOWANCE_AND_FESTIVAL', 'EXCESS_REIMBURSEMENT', 'OTHER'] as const;
export type FundsKind = (typeof fundsKinds)[number];

interface FundsCaseIdentity {
  readonly fundsCaseId: FundsCaseId;
  readonly orgId: OrgId;
  readonly inspectionId: InspectionId | null;
  readonly issueIds: readonly IssueId[];
}

/** Stream `funds-case-{fundsCaseId}`. A report may state a recovery whose identification it does not print, so any of the first three may come first. */
export type FundsCaseEvent =
  | DomainEvent<'IrregularFundsIdentified', FundsCaseIdentity & { readonly money: Money; readonly kind: FundsKind }>
  | DomainEvent<'FundsRecovered', FundsCaseIdentity & { readonly money: Money; readonly kind: FundsKind; readonly voucher: string | null }>
  | DomainEvent<'FundsReturned', FundsCaseIdentity & { readonly money: Money; readonly kind: FundsKind; readonly voucher: string | null }>
  /** The amount of an earlier recovery or return whose amount was unknown. */
  | DomainEvent<'RecoveryAmountSpecified', { readonly of: EventId; readonly money: Money }>
  | DomainEvent<'RecoveryReversed', { readonly of: EventId; readonly reason: string }>
  /** A source or a person states that two cases may count the same money; shown, never inferred, never deducted. */
  | DomainEvent<'FundsDuplicateLinked', { readonly otherCaseId: FundsCaseId; readonly statedBy: 'SOURCE' | 'PERSON'; readonly note: string }>;
