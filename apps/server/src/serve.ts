import { ConfigurationInvalid, createLogger, readConfiguration } from '@rectrail/platform';
import { startServer } from './server.ts';

/** How long the whole shutdown may take beyond the grace of running requests, milliseconds. */
const shutdownMsMax = 30_000;

const main = async (): Promise<void> => {
  const configuration = readConfiguration(process.env);
  const logger = createLogger({ level: configuration.logLevel });
  // A signal that comes during the start waits for its end: as process 1 of a container nothing else would hear it.
  let starting = startServer(configuration, logger);
  const closing = new AbortController();
  const stop = (signal: NodeJS.Signals): void => {
    if (closing.signal.aborted) return;
    closing.abort();
    logger.info({ signal }, 'stopping');
    const stuck = setTimeout(() => { logger.fatal('the shutdown takes too long'); process.exit(1); }, configuration.shutdownGraceMs + shutdownMsMax);
    starting.then((server) => server.close()).then(() => { clearTimeout(stuck); process.exit(0); }, (error: unknown) => { logger.fatal({ err: error }, 'the shutdown failed'); process.exit(1); });
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, stop);
  for (;;) {
    const server = await starting;
    const { url, adminTokenFile, superseded } = server;
    logger.info({ url, adminTokenFile, roles: configuration.roles }, 'ready');
    await superseded;
    if (closing.signal.aborted) return;
    logger.info('another epoch of the log has begun: starting again');
    starting = server.close().then(() => startServer(configuration, logger));
  }
};

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof ConfigurationInvalid ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
