// Goal: the published JSON Schema and page of the ledger say what the code takes.
// Method: compare docs/reference with what the schemas give; hold the samples against the published schema with another validator.
import { describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { readFileSync } from 'node:fs';
import { ledgerJsonSchema, recordSchemas } from './ledger-schema.ts';

const docs = new URL('../../../../docs/reference/', import.meta.url);
const published: object = JSON.parse(readFileSync(new URL('ledger.schema.json', docs), 'utf8')) as object;

describe('docs/reference/ledger.schema.json', () => {
  it('is what the code gives (node tools/gen-ledger-schema.mjs writes it)', () => {
    expect(published).toEqual(JSON.parse(JSON.stringify(ledgerJsonSchema())));
  });

  it.each(['ningbo-2022', 'liuba-2020', 'heshan-2025'])('takes every line of samples/%s.ndjson', (name) => {
    const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(published);
    const lines = readFileSync(new URL(`../../../../samples/${name}.ndjson`, import.meta.url), 'utf8').trimEnd().split('\n');
    for (const line of lines) expect([line, validate(JSON.parse(line))]).toEqual([line, true]);
  });
});

it('docs/reference/ledger.md tells of every kind and every field', () => {
  const page = readFileSync(new URL('ledger.md', docs), 'utf8');
  for (const [kind, schema] of Object.entries(recordSchemas)) {
    expect(page).toContain(`### \`${kind}\``);
    const section = page.split(`### \`${kind}\``)[1]?.split('\n### ')[0] ?? '';
    for (const field of Object.keys(schema.shape).filter((name) => name !== 'kind' && name !== 'key')) expect([kind, section.includes(`\`${field}\``), field]).toEqual([kind, true, field]);
  }
});
