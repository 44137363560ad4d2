import { readFileSync, writeFileSync } from 'node:fs';
import { Writable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { createLogger } from './logging.ts';
import { createMetrics, metricsPage } from './metrics.ts';
import { problemDocument } from './problem.ts';

// Goal: nothing secret is logged, metrics carry the prefix, a problem keeps its own members. Method: look at what comes out.
describe('logging', () => {
  it('redacts tokens and bodies', () => {
    const lines: string[] = [];
    const stream = new Writable({ write: (chunk: Buffer, _encoding, done) => { lines.push(chunk.toString()); done(); } });
    createLogger({ level: 'info', stream }).info({ authorization: 'Bearer rct_a_b', request: { token: 'rct_a_b', body: { title: '秘密' } } }, 'hello');
    expect(lines.join('')).toContain('hello');
    expect(lines.join('')).not.toMatch(/rct_a_b|秘密/);
  });

  it('leaves out the values that PostgreSQL and JSON.parse quote', () => {
    const lines: string[] = [];
    const stream = new Writable({ write: (chunk: Buffer, _encoding, done) => { lines.push(chunk.toString()); done(); } });
    const parsed = (): unknown => { try { return JSON.parse('秘密 text'); } catch (error) { return error; } };
    const ofPostgres = Object.assign(new Error('invalid input syntax for type uuid: "秘密"'), { code: '22P02' });
    const logger = createLogger({ level: 'info', stream });
    for (const err of [parsed(), ofPostgres, new Error('outer', { cause: ofPostgres })]) logger.error({ err }, 'failed');
    expect(lines.join('')).toContain('invalid input syntax for type uuid: \\"…\\"');
    expect(lines.join('')).not.toMatch(/秘密 text|秘密\\"/);
    logger.error({ err: Object.assign(new Error('duplicate key value violates unique constraint "issue_pkey"'), { code: '23505' }) }, 'failed');
    expect(lines.at(-1)).toContain('issue_pkey');
  });
});

describe('metrics', () => {
  it('all begin with rectrail_', async () => {
    const metrics = createMetrics();
    metrics.headPosition.set(7);
    const text = await metrics.registry.metrics();
    expect(text).toContain('rectrail_head_position 7');
    expect(text.split('\n').filter((line) => line !== '' && !line.startsWith('#') && !line.startsWith('rectrail_'))).toEqual([]);
  });
});

describe('what is written about metrics', () => {
  it('is docs/reference/metrics.md, with all of them (UPDATE_DOCS=1 rewrites the page)', () => {
    const page = new URL('../../../docs/reference/metrics.md', import.meta.url);
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(page, metricsPage());
    expect(readFileSync(page, 'utf8')).toBe(metricsPage());
  });

  it('names in the alert rules only metrics that there are', () => {
    interface Rule { readonly alert: string; readonly expr: string; readonly annotations: { readonly summary: string; readonly runbook?: string } }
    const docs = new URL('../../../docs/how-to/prometheus.rules.yml', import.meta.url);
    const { groups }: { readonly groups: readonly { readonly rules: readonly Rule[] }[] } = parse(readFileSync(docs, 'utf8'));
    const known = new Set(createMetrics().registry.getMetricsAsArray().flatMap(({ name }) => [name, `${name}_bucket`, `${name}_count`, `${name}_sum`]));
    const rules = groups.flatMap((group) => group.rules);
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    for (const { alert, expr, annotations } of rules) {
      expect([alert, (expr.match(/rectrail_\w+/g) ?? []).filter((name) => !known.has(name))]).toEqual([alert, []]);
      if (annotations.runbook !== undefined) expect(() => readFileSync(new URL(`../../../${annotations.runbook}`, import.meta.url))).not.toThrow();
    }
  });
});

describe('a problem', () => {
  it('is not overruled by an extension', () => {
    const type = { status: 409, title: 'Taken', titleZh: '已被占用' };
    expect(problemDocument({ code: 'taken', type, detail: 'd', instance: '/x', correlationId: 'c', extensions: { status: 200, currentVersion: 3 } }))
      .toEqual({ type: '/problems/taken', title: 'Taken', titleZh: '已被占用', status: 409, detail: 'd', instance: '/x', code: 'taken', correlationId: 'c', errors: [], currentVersion: 3 });
  });
});
