import { mkdtemp, chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres, type RunningPostgres } from '@rectrail/platform';

declare global {
  var rectrailTestPostgres: { readonly server: RunningPostgres; readonly dataDir: string } | undefined;
}

/** One embedded PostgreSQL a Jest project; each spec makes a database of its own on it. */
export default async function startPostgres(): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'rectrail-test-'));
  await chmod(dataDir, 0o755);
  const server = await startEmbeddedPostgres({ dataDir });
  globalThis.rectrailTestPostgres = { server, dataDir };
  process.env['RECTRAIL_TEST_POSTGRES_URL'] = server.url;
}
