import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestServer, type Json, type TestServer } from '../support/api.ts';

// Goal: the tutorial works exactly as printed. Method: every http block of the page is sent in order; its `# keep` and `# expect` lines are obeyed.
const page = readFileSync(join(import.meta.dirname, '../../docs/tutorial/first-round.md'), 'utf8');
const blocks = [...page.matchAll(/```http\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');

const kept: Record<string, string> = {};
const filled = (text: string): string => text.replace(/\$([a-z]+)/g, (_whole, name: string) => kept[name] ?? `$${name}`);
const at = (value: Json, path: string): Json => path.split('.').reduce<Json>((inner, key) => inner?.[key], value);

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  kept['admin'] = server.token;
});
afterAll(async () => { await server.close(); });

describe('docs/tutorial/first-round.md', () => {
  it('has its requests', () => { expect(blocks.length).toBeGreaterThan(20); });

  it.each(blocks.map((block) => [block.split('\n')[0] ?? '', block]))('%s', async (_title, block) => {
    const [first = '', ...lines] = block.trim().split('\n');
    const [, method = '', path = '', who = ''] = /^(GET|POST) (\S+) as ([a-z]+)$/.exec(first) ?? [];
    const remarks = lines.filter((line) => line.startsWith('# '));
    const headers = Object.fromEntries(lines.filter((line) => /^[A-Z][A-Za-z-]+: /.test(line)).map((line) => filled(line).split(': ') as [string, string]));
    const body = lines.find((line) => line.startsWith('{'));
    const reply = await server.call(method, filled(path), { token: kept[who] ?? 'nobody', headers, ...(body === undefined ? {} : { body: filled(body) }) });

    const statusWanted = remarks.map((line) => /^# expect status (\d+)$/.exec(line)?.[1]).find((status) => status !== undefined);
    expect({ status: statusWanted === undefined ? Math.floor(reply.status / 100) : reply.status, body: reply.body })
      .toEqual({ status: statusWanted === undefined ? 2 : Number(statusWanted), body: reply.body });
    for (const remark of remarks) {
      const keep = /^# keep (\S+) as ([a-z]+)$/.exec(remark);
      if (keep !== null) kept[keep[2] ?? ''] = String(at(reply.body, keep[1] ?? ''));
      const wanted = /^# expect (\S+) = (.+)$/.exec(remark);
      if (wanted !== null) expect(String(at(reply.body, wanted[1] ?? ''))).toBe(wanted[2]);
      expect(keep ?? wanted ?? /^# expect status/.exec(remark)).not.toBeNull();
    }
  });
});
