export * from './dashboard.ts';
export * from './deadlines.ts';
export * from './funds.ts';
export * from './lateness.ts';
export * from './discrepancies.ts';
export { issueViews, type IssueView, type IssueViews } from './issue-view.ts';
export { worldOf } from './world.ts';
export * from './purged.ts';
