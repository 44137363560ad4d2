import type { DomainEvent, InspectionId, OrgId } from '@rectrail/kernel';

/** 巡视, 巡察, or what else finds issues. */
export const inspectionKinds = ['XUNSHI', 'XUNCHA', 'AUDIT', 'SPECIAL_CHECK', 'OTHER'] as const;
export type InspectionKind = (typeof inspectionKinds)[number];
/** 常规, 专项, “回头看”, 政治, 机动, 提级; none where the source prints none. */
export const inspectionTypes = ['REGULAR', 'SPECIAL', 'LOOK_BACK', 'POLITICAL', 'MOBILE', 'ESCALATED'] as const;
export type InspectionType = (typeof inspectionTypes)[number];

/** Stream `inspection-{inspectionId}`. */
export type InspectionEvent =
  | DomainEvent<'InspectionOpened', {
      readonly inspectionId: InspectionId;
      readonly orgId: OrgId;
      readonly kind: InspectionKind;
      readonly types: readonly InspectionType[];
      readonly title: string;
      readonly committee: string | null;
      readonly topic: string | null;
      readonly term: string | null;
      readonly round: number | null;
    }>
  | DomainEvent<'TeamAssigned', { readonly team: string }>
  | DomainEvent<'FieldworkStarted', Record<string, never>>
  | DomainEvent<'FieldworkEnded', Record<string, never>>
  | DomainEvent<'FeedbackDelivered', { readonly recommendations: number | null }>
  | DomainEvent<'SpecialCheckAttached', { readonly topic: string }>
  | DomainEvent<'PreviousRoundLinked', { readonly inspectionId: InspectionId }>;
