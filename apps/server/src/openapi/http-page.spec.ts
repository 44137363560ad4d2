import { readFileSync, writeFileSync } from 'node:fs';
import { commandDefinitions } from '@rectrail/tracking-app';
import { describe, expect, it } from '@jest/globals';
import { readDefinitions } from '../http/read-table.ts';
import { httpPage } from './http-page.ts';
import { openApiDocument } from './openapi-document.ts';

// Goal: the page and the OpenAPI document say what the tables say. Method: make both, compare (UPDATE_DOCS=1 rewrites the page).
describe('the reference of the HTTP interface', () => {
  it('is generated from the tables', () => {
    const page = new URL('../../../../docs/reference/http.md', import.meta.url);
    const made = httpPage(commandDefinitions, readDefinitions);
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(page, made);
    expect(readFileSync(page, 'utf8')).toBe(made);
  });

  const { paths } = openApiDocument({ version: '0', commands: commandDefinitions, reads: readDefinitions }) as { paths: Record<string, Record<string, { operationId: string; parameters?: { name?: string; required?: boolean }[] }>> };
  const operations = Object.values(paths).flatMap((path) => Object.values(path));

  it('names each operation once', () => {
    const ids = operations.map(({ operationId }) => operationId);
    expect(ids.length).toBeGreaterThanOrEqual(commandDefinitions.length + readDefinitions.length);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('demands If-Match exactly where the command does', () => {
    const demanding = operations.filter(({ parameters = [] }) => parameters.some(({ name, required }) => name === 'If-Match' && required === true)).map(({ operationId }) => operationId.toLowerCase());
    expect(demanding.sort()).toEqual(commandDefinitions.filter(({ ifMatch }) => ifMatch === 'required').map(({ name }) => name.toLowerCase()).sort());
    expect(demanding.length).toBeGreaterThan(0);
  });

  it('gives no two commands or reads the same route', () => {
    const routes = [...commandDefinitions.map(({ path }) => `POST ${path}`), ...readDefinitions.map(({ path }) => `GET ${path}`)];
    expect(new Set(routes).size).toBe(routes.length);
  });
});
