/** One fault and its place: an RFC 6901 pointer into the request's body, or the name of a header; in a ledger the pointer is into the record on `line`. */
export interface RejectionPlace {
  readonly line?: number;
  /** Of the ledger's record. */
  readonly key?: string;
  readonly pointer?: string;
  readonly header?: string;
  readonly code: string;
  readonly detail: string;
}

/**
 * What the command layer itself refuses, beside the domain's rejections; every code has a row in the server's problem table.
 * `validation-failed` and `personal-data-in-text` name each place in `errors`.
 */
export const appRejectionCodes = [
  'validation-failed',
  'personal-data-in-text',
  'unknown-command',
  'too-many-commands',
  'outside-jurisdiction',
  'administrator-only',
  'precondition-required',
  'stream-version-conflict',
  'plan-required',
  'plan-not-issued',
  'issue-not-in-plan',
  'owned-by-another',
  'already-retracted',
  'unknown-organisation',
  'unknown-inspection',
  'unknown-policy',
  'unknown-plan',
  'unknown-issue',
  'unknown-measure',
  'unknown-funds-case',
  'unknown-report',
  'unknown-metric',
  'unknown-reminder',
  'unknown-event',
  'unknown-subscription',
  'unknown-purge',
  'purge-unsupported',
  'endpoint-refused',
  'too-many-subscriptions',
] as const;
export type AppRejectionCode = (typeof appRejectionCodes)[number];

/** A command is refused: nothing of its unit is written. `extensions` go into the problem as they are. */
export class CommandRejected extends Error {
  readonly code: string;
  readonly detail: string;
  readonly errors: readonly RejectionPlace[];
  readonly extensions: Readonly<Record<string, unknown>>;

  constructor(code: string, detail: string, options: { readonly errors?: readonly RejectionPlace[]; readonly extensions?: Readonly<Record<string, unknown>> } = {}) {
    super(`${code}: ${detail}`);
    this.name = 'CommandRejected';
    this.code = code;
    this.detail = detail;
    this.errors = options.errors ?? [];
    this.extensions = options.extensions ?? {};
  }

  /** The same refusal with its place in the body. */
  at(pointer: string): CommandRejected {
    return new CommandRejected(this.code, this.detail, { errors: [{ pointer, code: this.code, detail: this.detail }], extensions: this.extensions });
  }

  /** The same refusal as a request sees it that holds the refused command, with its `body`, at `prefix` (`/commands/3`). */
  inside(prefix: string): CommandRejected {
    const errors = this.errors.length === 0
      ? [{ pointer: prefix, code: this.code, detail: this.detail }]
      : this.errors.map(({ pointer, code, detail }) => ({ pointer: pointer === undefined ? prefix : `${prefix}/body${pointer}`, code, detail }));
    return new CommandRejected(this.code, this.detail, { errors, extensions: this.extensions });
  }
}
