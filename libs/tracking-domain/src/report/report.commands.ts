import type { Rejection } from '@rectrail/kernel';
import type { DomainCommand, LiveRejection, RejectionText } from '../time/live-command.ts';
import type { DeclaredFigure, DeclaredRate } from './report.events.ts';
import type { NotedDiscrepancy, ReportIdentity } from './report.state.ts';

/** A report takes effect when published, its figures on its as-of day. */
export type ReportCommand =
  | DomainCommand<'PublishReport', ReportIdentity>
  | DomainCommand<'DeclareFigure', DeclaredFigure>
  | DomainCommand<'DeclareRate', DeclaredRate>
  | DomainCommand<'ExplainDiscrepancy', { readonly discrepancyKey: string; readonly explanation: string }>
  | DomainCommand<'NoteDiscrepancy', NotedDiscrepancy>;

export const reportRejections = {
  'unknown-report': { en: 'The report has not been published.', zh: '该整改情况报告尚未公布。' },
  'report-already-published': { en: 'The report was published already, with other data.', zh: '该报告已公布，且登记内容不同。' },
  'as-of-after-publication': { en: 'A report cannot speak of a day after its publication.', zh: '报告的截止日期不得晚于公布日期。' },
  'figure-not-as-of': { en: 'A declared figure takes effect on the as-of day of its report.', zh: '申报数据须自报告截止日期起生效。' },
} as const satisfies Record<string, RejectionText>;

export type ReportRejection = LiveRejection | (Rejection & { readonly code: keyof typeof reportRejections });
