/**
 * Branded identifiers: plain strings and safe integers at run time, told apart by the compiler.
 * Ids of aggregates are UUIDs in lower case; codes (`CN-330200-JT`) are not ids and may change.
 */
declare const brand: unique symbol;
type Branded<T, B extends string> = T & { readonly [brand]: B };

export type StreamId = Branded<string, 'StreamId'>;
export type EventId = Branded<string, 'EventId'>;
export type CommandId = Branded<string, 'CommandId'>;

export type OrgId = Branded<string, 'OrgId'>;
export type InspectionId = Branded<string, 'InspectionId'>;
export type PlanId = Branded<string, 'PlanId'>;
export type IssueId = Branded<string, 'IssueId'>;
export type MeasureId = Branded<string, 'MeasureId'>;
export type FundsCaseId = Branded<string, 'FundsCaseId'>;
export type ReportId = Branded<string, 'ReportId'>;
export type MetricId = Branded<string, 'MetricId'>;
export type SubscriptionId = Branded<string, 'SubscriptionId'>;
export type PurgeId = Branded<string, 'PurgeId'>;
/** The place of a notice in the register of its organisation: `{orgId}-{year}-{number}`. */
export type ReminderId = Branded<string, 'ReminderId'>;
export type TreeId = Branded<string, 'TreeId'>;
/** An opaque reference into the person directory; a name never stands in an event. */
export type PersonRef = Branded<string, 'PersonRef'>;

/** Place in the one gap-free global order, from 1; 0 is "before the first event". */
export type Position = Branded<number, 'Position'>;
/** Place in a stream, from 1; 0 is "the stream has no event". */
export type StreamVersion = Branded<number, 'StreamVersion'>;

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export const isUuid = (text: string): boolean => uuid.test(text);

const nonNegativeSafeInteger = (value: number, what: string): number => {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${what} must be a non-negative safe integer, got ${value}`);
  return value;
};

/** @throws RangeError unless `value` is a non-negative safe integer. */
export const position = (value: number): Position => nonNegativeSafeInteger(value, 'position') as Position;
/** @throws RangeError unless `value` is a non-negative safe integer. */
export const streamVersion = (value: number): StreamVersion => nonNegativeSafeInteger(value, 'streamVersion') as StreamVersion;
export const streamId = (value: string): StreamId => value as StreamId;
