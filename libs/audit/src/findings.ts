/** What can be wrong with a log. Stable: scripts go by them. */
export const findingCodes = [
  'content-altered', 'content-missing', 'content-invalid', 'leaf-malformed', 'leaf-altered', 'event-missing', 'position-out-of-order', 'stream-version-gap', 'recorded-at-falls', 'event-id-wrong',
  'command-repeated', 'command-differs', 'type-differs', 'root-differs', 'tree-differs', 'checkpoint-unsigned', 'checkpoint-forged', 'checkpoint-malformed', 'checkpoint-foreign', 'checkpoint-missing',
  'witnesses-missing', 'log-too-short', 'bundle-damaged', 'figures-differ', 'read-model-differs',
] as const;
export type FindingCode = (typeof findingCodes)[number];

/** One thing that is wrong. `position`: the first that is bad; up to `positionTo` where nothing that was kept says which. Null where it is none of an event's. */
export interface Finding {
  readonly code: FindingCode;
  readonly position: number | null;
  readonly positionTo?: number;
  readonly detail: string;
}

export const finding = (code: FindingCode, position: number | null, detail: string, positionTo?: number): Finding => ({
  code, position, ...(positionTo !== undefined && positionTo !== position && { positionTo }), detail,
});
