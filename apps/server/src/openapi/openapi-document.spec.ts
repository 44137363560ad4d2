import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { batchBody, commandDefinitions } from '@rectrail/tracking-app';
import { describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { commandExamples } from './command-examples.ts';
import { readExamples } from './read-examples.ts';

// Goal: what /openapi.json says of answers and requests is true. Method: the committed schemas against the types that they are made
// from, examples against the schemas of their commands; test/http/openapi.e2e.spec.ts holds real answers against them.
describe('the OpenAPI document', () => {
  it('has the schemas that the types of the answers make', () => {
    expect(() => execFileSync(process.execPath, ['tools/gen-answer-schemas.mjs', '--check'], { cwd: new URL('../../../..', import.meta.url), stdio: 'pipe' })).not.toThrow();
  });

  it.each(Object.entries(commandExamples))('has an example of %s that its command takes', (name, example) => {
    const schema = name === 'Batch' ? batchBody : commandDefinitions.find((definition) => definition.name === name)?.body;
    expect(schema?.safeParse(example).error?.issues).toBeUndefined();
    expect(schema).toBeDefined();
  });

  it.each(Object.entries(readExamples))('has an example of %s that is as its schema says', (name, example) => {
    const { answers, schemas } = JSON.parse(readFileSync(new URL('../../answer-schemas.json', import.meta.url), 'utf8')) as { answers: Readonly<Record<string, object>>; schemas: object };
    const validate = new Ajv2020({ strict: false, validateFormats: false }).compile({ ...answers[name], components: { schemas } });
    expect([validate(example), validate.errors]).toEqual([true, null]);
  });

  it('lets no name of a schema stand for two', () => {
    const { schemas } = JSON.parse(readFileSync(new URL('../../answer-schemas.json', import.meta.url), 'utf8')) as { schemas: Readonly<Record<string, unknown>> };
    const others = new Set([...commandDefinitions.map(({ name }) => name), 'Problem', 'CommandAnswer', 'BatchAnswer', 'Readiness', 'Health']);
    expect(Object.keys(schemas).filter((name) => others.has(name))).toEqual([]);
  });
});
