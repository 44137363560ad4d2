import { setTimeout as sleep } from 'node:timers/promises';
import { lastSequences, type KafkaLog, type KafkaSettings } from '@rectrail/messaging';
import type { Logger } from '@rectrail/platform';
import type { CheckpointFolder } from './checkpoint-folder.ts';
import type { LogFence } from './log-fence.ts';
import { logOfSource, type Sighting } from './sightings.ts';

/** How long the beginning of all writing waits for Kafka, ms: a group is joined in three seconds where brokers wait for further members. */
const kafkaWaitMs = 15_000;
const kafkaRetryMs = 30_000;

export interface OutsideOptions {
  readonly logId: string;
  readonly fence: LogFence;
  /** Null where no checkpoints are published as files. */
  readonly folder: CheckpointFolder | null;
  /** Null where there are no brokers. */
  readonly kafka: { readonly settings: KafkaSettings; readonly log: KafkaLog } | null;
  readonly logger: Logger;
}

/** What lies in Kafka of this log, whichever epoch told it: the newest event that the relay has had acknowledged. */
const toldToKafka = async (logId: string, { settings, log }: NonNullable<OutsideOptions['kafka']>): Promise<readonly Sighting[]> =>
  [...await lastSequences(settings, log)].flatMap(([source, size]) => {
    const told = logOfSource(source);
    return told?.logId === logId ? [{ epoch: told.epoch, size, root: null, by: 'kafka' } as const] : [];
  });

/**
 * Holds the log against what is kept outside its database, before anything is written. Brokers that do not answer in time hold nothing up: they are asked again, and the log is
 * closed then if need be. @throws Error where the folder is another log's
 */
export const lookOutside = async ({ logId, fence, folder, kafka, logger }: OutsideOptions, opened: AsyncDisposableStack): Promise<void> => {
  const published = await folder?.newest() ?? null;
  if (published !== null) await fence.see([published]);
  if (kafka === null) return;
  const stop = new AbortController();
  const ask = async (): Promise<boolean> => {
    try {
      await fence.see(await toldToKafka(logId, kafka));
      return true;
    } catch (error) {
      if (!stop.signal.aborted) logger.warn({ err: error }, 'whether more of the log was told to Kafka than there is here cannot be asked, and is asked again');
      return false;
    }
  };
  const first = ask();
  const asking = first.then(async (isAnswered) => {
    // All that the sleep rejects with is the abort.
    for (let done = isAnswered; !done && !stop.signal.aborted; done = await ask()) await sleep(kafkaRetryMs, undefined, { signal: stop.signal }).catch(() => undefined);
  });
  fence.waitFor(Promise.race([first, sleep(kafkaWaitMs, undefined, { ref: false })]));
  opened.defer(async () => {
    stop.abort();
    await asking;
  });
};
