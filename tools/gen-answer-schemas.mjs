// Writes apps/server/answer-schemas.json from the types of the answers: node tools/gen-answer-schemas.mjs
// With --check it writes nothing and fails where the file is not what the types say.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createGenerator } from 'ts-json-schema-generator';

const path = (relative) => fileURLToPath(new URL(`../${relative}`, import.meta.url));
const target = path('apps/server/answer-schemas.json');

const { definitions } = createGenerator({
  path: path('apps/server/src/openapi/answer-types.ts'), tsconfig: path('tools/answer-schemas.tsconfig.json'), type: 'Answers', skipTypeCheck: true, additionalProperties: false,
}).createSchema('Answers');

// `Page<IssueItem>` may not name a component of OpenAPI.
const named = (name) => decodeURIComponent(name).replace(/[^A-Za-z0-9]+/g, '-').replace(/^-|-$/g, '');
const renamed = (node) => {
  if (Array.isArray(node)) return node.map(renamed);
  if (typeof node !== 'object' || node === null) return node;
  return Object.fromEntries(Object.entries(node).map(([key, value]) =>
    [key, key === '$ref' && typeof value === 'string' ? `#/components/schemas/${named(value.slice('#/definitions/'.length))}` : renamed(value)]));
};

const { Answers: answers, ...rest } = definitions;
const text = `${JSON.stringify({
  answers: renamed(answers.properties),
  schemas: Object.fromEntries(Object.entries(rest).map(([name, schema]) => [named(name), renamed(schema)]).sort(([a], [b]) => (a < b ? -1 : 1))),
}, null, 1)}\n`;

if (!process.argv.includes('--check')) writeFileSync(target, text);
else if (readFileSync(target, 'utf8') !== text) {
  console.error('answer-schemas.json is not what the types of the answers say. Potential solutions: node tools/gen-answer-schemas.mjs');
  process.exit(1);
}
