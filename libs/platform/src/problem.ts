/** What stands for a code in the server's problem table. */
export interface ProblemType {
  readonly status: number;
  readonly title: string;
  readonly titleZh: string;
}

/** Where a request is wrong: a JSON pointer into its body, a parameter, a header, or a line (and key) of a ledger. */
export interface ProblemPlace {
  readonly pointer?: string;
  readonly parameter?: string;
  readonly header?: string;
  readonly line?: number;
  readonly key?: string;
  readonly code?: string;
  readonly detail: string;
}

export interface ProblemInput {
  readonly code: string;
  readonly type: ProblemType;
  readonly detail: string;
  readonly instance: string;
  readonly correlationId: string;
  readonly errors?: readonly ProblemPlace[];
  readonly extensions?: Readonly<Record<string, unknown>>;
}

export const problemMediaType = 'application/problem+json; charset=utf-8';

/** An RFC 9457 problem: its own members first, then extensions, which never overrule them. */
export const problemDocument = ({ code, type, detail, instance, correlationId, errors, extensions }: ProblemInput): Readonly<Record<string, unknown>> => {
  const own = { type: `/problems/${code}`, title: type.title, titleZh: type.titleZh, status: type.status, detail, instance, code, correlationId, errors: errors ?? [] };
  return { ...own, ...extensions, ...own };
};
