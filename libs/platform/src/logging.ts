import { destination, pino, type DestinationStream, type Logger } from 'pino';

export type { Logger } from 'pino';

/** Of an error only what helps: drivers hang whole connections on theirs. */
const errorForLog = (error: unknown): unknown =>
  (error instanceof Error ? { name: error.name, code: 'code' in error ? error.code : undefined, message: error.message, stack: error.stack, cause: error.cause instanceof Error ? error.cause.message : undefined } : error);

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
