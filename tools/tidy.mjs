/**
 * Gates on the repository itself that no compiler knows: sizes, leftovers, dead links, what must not stand in a project.
 * Prints every finding with its file and exits 1 if there is any.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { encoding: 'utf8' }).split('\n').filter((file) => file !== '' && existsSync(file));
const findings = [];
const find = (file, text) => { findings.push(`${file}: ${text}`); };
const text = (file) => readFileSync(file, 'utf8');

const sources = files.filter((file) => /^(apps|libs|bench)\/.*\.ts$/.test(file));
for (const file of sources.filter((name) => !/\.(spec|type|events)\.ts$|\/testing\/|index\.ts$|main\.ts$/.test(name))) {
  const lines = text(file).split('\n').length - 1;
  if (lines < 8) find(file, `only ${lines} lines: put it where it is used`);
}
/** A package's barrels are the entry points that its `exports` name; any other index.ts is an inner barrel. */
const isEntryPoint = (file) => {
  const [folder, name] = file.split('/');
  const { exports = {} } = JSON.parse(text(`${folder}/${name}/package.json`));
  return Object.values(exports).some((entry) => `${folder}/${name}/${entry.source.slice(2)}` === file);
};
for (const file of sources.filter((name) => /^(apps|libs)\/.*\/index\.ts$/.test(name))) if (!isEntryPoint(file)) find(file, 'an inner barrel: only the entry points of package.json have one');

const forbidden = [
  [/\b(FIXME|XXX)\b/, 'a leftover marker'],
  [/\bTODO\b(?! #\d+)/, 'a TODO without an issue number'],
  [/registry\.npmjs\.org|repo1?\.maven\.org|deb\.debian\.org|pypi\.org|proxy\.golang\.org/, 'the host of a package registry'],
  [/\/work\/(main|shared|\.library)|\/root\//, 'a path of one machine'],
  [/\bit\.only\(|\bdescribe\.only\(|\bit\.skip\(|\bdescribe\.skip\(|\bxit\(/, 'a focused or skipped test'],
];
for (const file of files.filter((name) => /\.(ts|mjs|json|md|yml|yaml|ndjson)$/.test(name) && name !== 'tools/tidy.mjs')) {
  const content = text(file);
  for (const [pattern, what] of forbidden) if (pattern.test(content)) find(file, what);
}

for (const [file, max] of [['README.md', 150], ['README.zh-CN.md', 150]]) if (!existsSync(file)) find(file, 'missing'); else if (text(file).split('\n').length > max) find(file, `more than ${max} lines`);
for (const file of files.filter((name) => /^libs\/[^/]+\/README\.md$/.test(name))) if (text(file).split('\n').length > 45) find(file, 'more than 45 lines');
for (const file of files.filter((name) => /^docs\/adr\/\d{4}-.*\.md$/.test(name))) if (text(file).split('\n').length > 65) find(file, 'an ADR of more than 65 lines');
for (const lib of new Set(files.filter((name) => /^libs\//.test(name)).map((name) => name.split('/')[1]))) if (!existsSync(`libs/${lib}/README.md`)) find(`libs/${lib}`, 'has no README.md');

for (const file of files.filter((name) => /\.md$/.test(name))) {
  for (const [, target] of text(file).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
    if (/^[a-z]+:/.test(target)) continue;
    if (!existsSync(normalize(join(dirname(file), target)))) find(file, `dead link to ${target}`);
  }
}

if (findings.length > 0) {
  console.error(findings.join('\n'));
  console.error(`${findings.length} findings`);
  process.exit(1);
}
console.log(`tidy: ${files.length} files, nothing found`);
