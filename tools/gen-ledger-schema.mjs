// Writes docs/reference/ledger.schema.json and the tables of docs/reference/ledger.md from the schemas of the built code:
// npm run build && node tools/gen-ledger-schema.mjs
import { readFileSync, writeFileSync } from 'node:fs';
import { ledgerJsonSchema } from '../libs/tracking-app/dist/import/ledger-schema.js';

const schema = ledgerJsonSchema();
const reference = new URL('../docs/reference/', import.meta.url);
writeFileSync(new URL('ledger.schema.json', reference), `${JSON.stringify(schema, null, 1)}\n`);

const resolve = (node) => (node.$ref === undefined ? node : { ...resolve(schema.$defs[node.$ref.split('/').at(-1)]), ...node, $ref: undefined });
const withoutNull = (node) => {
  const { anyOf, ...rest } = resolve(node);
  const branches = anyOf?.filter((branch) => branch.type !== 'null');
  return branches?.length === 1 ? { ...resolve(branches[0]), ...(rest.description && { description: rest.description }), default: rest.default } : { anyOf, ...rest };
};
const typeOf = (given) => {
  const node = withoutNull(given);
  if (node.const !== undefined) return `\`${node.const}\``;
  if (node.enum !== undefined) return node.enum.map((value) => `\`${value}\``).join(', ');
  if (node.type === 'array') return `list of ${typeOf(node.items)}`;
  if (node.anyOf !== undefined) return 'date';
  if (node.type === 'object') return node.properties === undefined ? 'object' : `object: ${Object.keys(node.properties).map((name) => `\`${name}\``).join(', ')}`;
  return node.type;
};
const rowOf = (record, [name, given]) => {
  const node = withoutNull(given);
  const fallback = node.default === undefined || node.default === null || name === 'kind' ? '' : `; default \`${JSON.stringify(node.default)}\``;
  const need = record.required.includes(name) ? 'yes' : '';
  return `| \`${name}\` | ${need} | ${typeOf(given)}${fallback} | ${(node.description ?? '').replaceAll('|', '\\|')} |`;
};
const sections = schema.anyOf.map(resolve).map((record) => [
  `### \`${resolve(record.properties.kind).const}\``, '', ...(record.description === undefined ? [] : [record.description, '']),
  '| field | needed | value | |', '|---|---|---|---|', ...Object.entries(record.properties).filter(([name]) => name !== 'kind').map((entry) => rowOf(record, entry)), '',
].join('\n'));

const page = new URL('ledger.md', reference);
const [head] = readFileSync(page, 'utf8').split('<!-- from here on: tools/gen-ledger-schema.mjs -->');
writeFileSync(page, `${head}<!-- from here on: tools/gen-ledger-schema.mjs -->\n\n${sections.join('\n')}`);
