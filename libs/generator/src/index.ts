export { eventsBesideMin, growths, provinceHistory, ProvinceRefused, spanOf, type Growth, type ProvinceOptions } from './province-history.ts';
export { organisationsMin } from './province.ts';
export type { RecordedEvent } from './journal.ts';
export type { CalendarYear } from './pace.ts';
