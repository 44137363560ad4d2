/**
 * How an event type stands on the wire. `upcasters[n]` turns `data` of version n into version n + 1 and is pure; there is
 * one for every version below `schemaVersion`. The schema is of the newest version.
 */
export interface EventDefinition {
  readonly type: string;
  readonly schemaVersion: number;
  readonly schema: { safeParse(data: unknown): { readonly success: boolean; readonly error?: unknown } };
  readonly upcasters: Readonly<Record<number, (data: unknown) => unknown>>;
}
