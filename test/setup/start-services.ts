import { KafkaBroker, kafkaMissing } from '@rectrail/messaging/testing';
import startPostgres from './start-postgres.ts';

declare global {
  var rectrailTestKafka: KafkaBroker | undefined;
}

/** A PostgreSQL and, where none is given and one can be started, one Kafka broker for all specs. tools/services.mjs leaves out the specs whose need is not met. */
export default async function startServices(): Promise<void> {
  await startPostgres();
  if (process.env['RECTRAIL_TEST_KAFKA_BROKERS'] !== undefined || kafkaMissing() !== null) return;
  globalThis.rectrailTestKafka = await KafkaBroker.open();
  process.env['RECTRAIL_TEST_KAFKA_BROKERS'] = globalThis.rectrailTestKafka.address;
}
