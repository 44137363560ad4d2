/** What a command comes to: events to append (none: already so), or a rejection with a literal `code`. */
export type Decision<E, R extends Rejection = Rejection> =
  | { readonly ok: true; readonly events: readonly E[] }
  | { readonly ok: false; readonly rejection: R };

/** Why a command is refused: a stable `code` (docs/problems), a sentence, and what the caller needs to mend it. */
export interface Rejection {
  readonly code: string;
  readonly detail: string;
  readonly [extension: string]: unknown;
}

export const accept = <E>(...events: readonly E[]): { readonly ok: true; readonly events: readonly E[] } => ({ ok: true, events });
export const nothing = (): { readonly ok: true; readonly events: readonly never[] } => ({ ok: true, events: [] });
export const reject = <R extends Rejection>(rejection: R): { readonly ok: false; readonly rejection: R } => ({ ok: false, rejection });

/** Makes a forgotten case a compile error; at run time it means that the types lied. @throws Error always. */
export const assertNever = (value: never): never => {
  throw new Error(`unexpected value: ${JSON.stringify(value)}`);
};
