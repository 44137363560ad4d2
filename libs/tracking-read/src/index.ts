export * from './queries/answers.ts';
export * from './queries/requests.ts';
export * from './queries/over-time.ts';
export * from './queries/reminders.ts';
export { figureNames, figureNamesIn } from './queries/figure-names.ts';
export * from './queries/tracking-read.ts';
export * from './open-tracking-read.ts';
export { organisationRef } from './projections/references.ts';
