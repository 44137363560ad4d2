export * from './queries/answers.ts';
export * from './queries/requests.ts';
export * from './queries/tracking-read.ts';
