import { rm } from 'node:fs/promises';

export default async function stopPostgres(): Promise<void> {
  const running = globalThis.rectrailTestPostgres;
  if (running === undefined) return;
  await running.server.stop();
  await rm(running.dataDir, { recursive: true, force: true });
}
