import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { appRejectionCodes, importRejectionCodes } from '@rectrail/tracking-app';
import * as domain from '@rectrail/tracking-domain';
import { describe, expect, it } from '@jest/globals';
import { problemIndex, problemPage, problemTable } from './problem-table.ts';

// Goal: every code has a status, two titles and a page. Method: the codes that the layers export against the table, the table
// against docs/problems (UPDATE_DOCS=1 rewrites the pages).
const pages = new URL('../../../../docs/problems/', import.meta.url);
const codes = Object.keys(problemTable);

describe('the problem table', () => {
  it('has a row for every code of the command layer and of imports', () => {
    expect([...appRejectionCodes, ...importRejectionCodes].filter((code) => !(code in problemTable))).toEqual([]);
  });

  it('has a row for every rejection of the domain, also of a noun that is new', () => {
    const rejections = Object.entries(domain).filter(([name]) => name.endsWith('Rejections')).map(([, table]) => table as Readonly<Record<string, unknown>>);
    expect(rejections.length).toBeGreaterThan(10);
    expect(rejections.flatMap((table) => Object.keys(table)).filter((code) => !(code in problemTable))).toEqual([]);
  });

  it.each(codes)('%s has a status of an error and a title in both languages', (code) => {
    const row = problemTable[code];
    expect(row?.status).toBeGreaterThanOrEqual(400);
    expect(row?.title).toMatch(/^[A-Z].{3,}[^.]$/);
    expect(row?.titleZh).toMatch(/^[^a-z]*\p{Script=Han}.*[^。]$/u);
  });

  it('answers 404 for what does not exist and only for that', () => {
    expect(codes.filter((code) => (problemTable[code]?.status === 404) !== (code.startsWith('unknown-') || code === 'route-not-found'))).toEqual([]);
  });

  it('has a page for every code, no page for another, and an index of them', () => {
    if (process.env['UPDATE_DOCS'] === '1') {
      rmSync(pages, { recursive: true, force: true });
      mkdirSync(pages);
      for (const code of codes) writeFileSync(new URL(`${code}.md`, pages), problemPage(code) ?? '');
      writeFileSync(new URL('README.md', pages), problemIndex());
    }
    expect(readdirSync(pages).sort()).toEqual(['README.md', ...codes.map((code) => `${code}.md`)].sort());
    expect(readFileSync(new URL('README.md', pages), 'utf8')).toBe(problemIndex());
    for (const code of codes) expect(readFileSync(new URL(`${code}.md`, pages), 'utf8')).toBe(problemPage(code));
  });

  it('knows no page of an unknown code', () => {
    expect(problemPage('nonsense')).toBeNull();
    expect(problemPage('toString')).toBeNull();
  });
});
