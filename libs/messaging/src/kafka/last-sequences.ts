import { kafkaClient, type KafkaLog, type KafkaSettings } from './connection.ts';
import { keptRanges, readRanges } from './record-ranges.ts';
import { topicNames } from './topics.ts';

/** Of each partition: a relay that begins anew after a crash repeats some, so that the last one need not be the greatest. */
const recordsLookedAt = 20n;

/** The greatest sequence that the topics of messages and checkpoints hold near their ends, by `source`: so far the log was told. @throws where the brokers do not answer */
export const lastSequences = async (settings: KafkaSettings, log: KafkaLog): Promise<ReadonlyMap<string, number>> => {
  const kafka = kafkaClient(settings, log);
  const { messages, checkpoints } = topicNames(settings.topicPrefix);
  const kept = await keptRanges(kafka, [...Object.values(messages), checkpoints]);
  const ends = kept.map((range) => ({ ...range, from: range.to - recordsLookedAt > range.from ? range.to - recordsLookedAt : range.from }));
  const last = new Map<string, number>();
  for (const { record: { headers = {} } } of await readRanges(kafka, `${settings.topicPrefix}-last-sequences`, ends)) {
    const [source, sequence] = [String(headers['ce_source']), Number(String(headers['ce_sequence']))];
    if (Number.isSafeInteger(sequence)) last.set(source, Math.max(last.get(source) ?? 0, sequence));
  }
  return last;
};
