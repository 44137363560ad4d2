import stopPostgres from './stop-postgres.ts';

export default async function stopServices(): Promise<void> {
  await globalThis.rectrailTestKafka?.close();
  await stopPostgres();
}
