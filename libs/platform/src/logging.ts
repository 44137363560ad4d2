import { destination, pino, type DestinationStream, type Logger } from 'pino';

export type { Logger } from 'pino';

/** What stands in double quotes may be a value that somebody wrote. */
export const withoutValues = (text: string): string => text.replaceAll(/"[^"]*("|$)/g, '"…"');

/** PostgreSQL quotes the value that it cannot read (class 22, data exceptions), V8 the text that is no JSON. */
const quotesValues = (error: Error): boolean => error instanceof SyntaxError || ('code' in error && typeof error.code === 'string' && /^22...$/.test(error.code));

const toldOf = (error: Error, text: string | undefined): string | undefined => (text !== undefined && quotesValues(error) ? withoutValues(text) : text);

/** Of an error only what helps: drivers hang whole connections on theirs. */
const errorForLog = (error: unknown): unknown => (error instanceof Error ? {
  name: error.name, code: 'code' in error ? error.code : undefined, message: toldOf(error, error.message), stack: toldOf(error, error.stack),
  cause: error.cause instanceof Error ? toldOf(error.cause, error.cause.message) : undefined,
} : error);

/**
 * JSON lines on standard error, so that standard output stays free for a command's own result. Neither tokens nor bodies are ever
 * handed to it; the redaction is a second wall.
 */
export const createLogger = (options: { readonly level: string; readonly stream?: DestinationStream }): Logger =>
  pino(
    {
      level: options.level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      serializers: { err: errorForLog },
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: ['authorization', 'token', 'secret', 'password', 'body', '*.authorization', '*.token', '*.secret', '*.password', '*.body'], censor: '[redacted]' },
    },
    options.stream ?? destination({ fd: 2, sync: true }),
  );
