export { asNewFacts, randomCut, randomHistory, type HistoryAppend } from './histories.ts';
