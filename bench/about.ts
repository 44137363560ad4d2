import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, cpus, loadavg, platform, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { markdown } from './markdown.ts';
import type { BenchResult } from './results.ts';
import type { BenchServer } from './server.ts';

const git = (...args: string[]): string => {
  try {
    return execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    // An exported tree has no history; the result says so.
    return '';
  }
};

const versionOf = (name: string): string => {
  const entry = createRequire(import.meta.url).resolve(name);
  const [root] = /^.*node_modules[/\\](@[^/\\]+[/\\])?[^/\\]+/.exec(entry) ?? [''];
  return (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version;
};

/** What the figures were measured with. */
export const about = (server: BenchServer): Pick<BenchResult, 'commit' | 'changedFiles' | 'machine' | 'versions' | 'settings'> => {
  const { server_version: postgres = '', ...settings } = server.settings;
  return {
    commit: git('rev-parse', 'HEAD') || 'unknown',
    changedFiles: git('status', '--porcelain').split('\n').filter((text) => text !== '').length,
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, memoryGiB: Math.round(totalmem() / 2 ** 30), os: `${platform()} ${release()} ${arch()}`,
      disk: server.inMemory ? 'MEMORY (tmpfs): a flush costs nothing, so these figures mean little' : 'disk', flushMs: Number(server.flushMs.toFixed(3)),
    },
    versions: { node: process.versions.node, postgresql: postgres, pg: versionOf('pg'), 'emmett-postgresql': versionOf('@event-driven-io/emmett-postgresql'), nest: versionOf('@nestjs/core'), fastify: versionOf('fastify') },
    settings,
  };
};

export const load = (): number[] => loadavg().map((value) => Number(value.toFixed(2)));

/** A list of numbers on one line. */
const jsonText = (result: BenchResult): string => `${JSON.stringify(result, null, 1).replace(/\[\s+(-?[\d.e+-]+(?:,\s+-?[\d.e+-]+)*)\s+\]/g, (_, numbers: string) => `[${numbers.replace(/\s+/g, ' ')}]`)}\n`;

/** Every run, in bench-out; answers the file. */
export const writeRaw = (result: BenchResult): string => {
  mkdirSync('bench-out', { recursive: true });
  const file = join('bench-out', `${result.startedAt.replaceAll(':', '-')}.json`);
  writeFileSync(file, jsonText(result));
  return file;
};

/** The same and its Markdown, for the documentation; answers the files. */
export const writeDocs = (result: BenchResult, name: string): readonly string[] => {
  const files = { [`docs/reference/${name}.json`]: jsonText(result), [`docs/reference/${name}.md`]: markdown(result, name) };
  for (const [file, text] of Object.entries(files)) writeFileSync(file, text);
  return Object.keys(files);
};
