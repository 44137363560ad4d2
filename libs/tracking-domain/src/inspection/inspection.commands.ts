import type { InspectionId, Rejection } from '@rectrail/kernel';
import type { DomainCommand, LiveRejection, RejectionText } from '../time/live-command.ts';
import type { InspectionIdentity } from './inspection.state.ts';

export type InspectionCommand =
  | DomainCommand<'OpenInspection', InspectionIdentity>
  | DomainCommand<'AssignTeam', { readonly team: string }>
  | DomainCommand<'StartFieldwork', Record<string, never>>
  | DomainCommand<'EndFieldwork', Record<string, never>>
  | DomainCommand<'DeliverFeedback', { readonly recommendations: number | null }>
  | DomainCommand<'AttachSpecialCheck', { readonly topic: string }>
  | DomainCommand<'LinkPreviousRound', { readonly inspectionId: InspectionId }>;

export const inspectionRejections = {
  'unknown-inspection': { en: 'The inspection has not been opened.', zh: '该巡视巡察尚未建立。' },
  'inspection-already-open': { en: 'The inspection is open already, with other data.', zh: '该巡视巡察已建立，且登记内容不同。' },
  'fieldwork-not-started': { en: 'The fieldwork has not started by that day.', zh: '截至该日，现场巡视巡察尚未开始。' },
  'fieldwork-already-started': { en: 'The fieldwork started on another day; correct that instead.', zh: '已登记现场巡视巡察的开始日期，如有误请更正。' },
  'fieldwork-already-ended': { en: 'The fieldwork ended on another day; correct that instead.', zh: '已登记现场巡视巡察的结束日期，如有误请更正。' },
  'feedback-already-delivered': { en: 'The feedback was delivered already; correct it instead.', zh: '反馈意见已送达，如有误请更正。' },
  'previous-round-is-itself': { en: 'An inspection cannot be its own previous round.', zh: '不能将巡视巡察关联为自身的上一轮。' },
} as const satisfies Record<string, RejectionText>;

export type InspectionRejection = LiveRejection | (Rejection & { readonly code: keyof typeof inspectionRejections });
