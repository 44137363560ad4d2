/**
 * `npm run ci`: the static gates, the tiers of tests, and a boot of the built `dist`. Ends with a table of what ran
 * and what did not, and a line "N passed, N failed" counted from Jest's own results.
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { runStep, table } from './run-steps.mjs';
import { runServices } from './services.mjs';

const node = process.execPath;
const jest = (project) => [
  '--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js',
  '--ci', '--selectProjects', project, '--json', `--outputFile=.ci-out/${project}.json`,
];
mkdirSync('.ci-out', { recursive: true });

const rows = [];
const step = async (name, args) => {
  console.log(`\n━━ ${name}`);
  rows.push(await runStep(name, node, args));
};

await step('static gates', ['tools/check.mjs']);
for (const [name, project] of [['unit and property tests', 'unit'], ['tests on real PostgreSQL', 'int'], ['end-to-end tests', 'e2e']]) await step(name, jest(project));
console.log('\n━━ tests on real services');
const services = await runServices();
await step('built dist boots', ['tools/boot-dist.mjs']);

let { passed, failed, skipped } = services.sums;
for (const project of ['unit', 'int', 'e2e']) {
  const file = `.ci-out/${project}.json`;
  if (!existsSync(file)) { failed += 1; continue; }
  const result = JSON.parse(readFileSync(file, 'utf8'));
  passed += result.numPassedTests;
  failed += result.numFailedTests + result.numRuntimeErrorTestSuites;
  skipped += result.numPendingTests + result.numTodoTests;
  const row = rows.find((r) => r.name === { unit: 'unit and property tests', int: 'tests on real PostgreSQL', e2e: 'end-to-end tests' }[project]);
  row.note = `${result.numPassedTests} passed, ${result.numFailedTests} failed, ${result.numPendingTests} skipped`;
  if (result.numTotalTests === 0) { row.status = 'failed'; row.note = 'no test ran'; }
}
failed += rows.filter((row) => row.status === 'failed' && !/tests/.test(row.name)).length;
rows.push({ name: 'services: PostgreSQL 18 (embedded)', status: 'passed' }, ...services.rows.map((row) => ({ ...row, name: `services: ${row.name}` })));

console.log(`\n${table(rows)}\n`);
const red = rows.some((row) => row.status === 'failed');
console.log(`${passed} passed, ${Math.max(failed, red ? 1 : 0)} failed, ${skipped} skipped`);
process.exit(red || failed > 0 || skipped > 0 ? 1 : 0);
