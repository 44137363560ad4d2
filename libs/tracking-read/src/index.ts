export * from './queries/answers.ts';
