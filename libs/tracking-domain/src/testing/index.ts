export { asNewFacts, randomCut, randomHistory, type HistoryAppend } from './histories.ts';
export { randomOf, type Random } from './random.ts';
