import { Writable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { createLogger } from './logging.ts';
import { createMetrics } from './metrics.ts';
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

describe('a problem', () => {
  it('is not overruled by an extension', () => {
    const type = { status: 409, title: 'Taken', titleZh: '已被占用' };
    expect(problemDocument({ code: 'taken', type, detail: 'd', instance: '/x', correlationId: 'c', extensions: { status: 200, currentVersion: 3 } }))
      .toEqual({ type: '/problems/taken', title: 'Taken', titleZh: '已被占用', status: 409, detail: 'd', instance: '/x', code: 'taken', correlationId: 'c', errors: [], currentVersion: 3 });
  });
});
