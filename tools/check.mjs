/** `npm run check`: every static gate, one after another; the first failure does not hide the others. */
import { runStep, table } from './run-steps.mjs';

const node = process.execPath;
const bin = (name) => `node_modules/.bin/${name}`;
const steps = [
  ['types (tsc -b)', bin('tsc'), ['-b']],
  ['lint (eslint)', node, ['node_modules/eslint/bin/eslint.js', '.', '--max-warnings', '0']],
  ['layers (dependency-cruiser)', bin('depcruise'), ['--config', '.dependency-cruiser.mjs', 'libs', 'apps']],
  ['tidy', node, ['tools/tidy.mjs']],
];

const rows = [];
for (const [name, command, args] of steps) {
  console.log(`\n── ${name}`);
  rows.push(await runStep(name, command, args));
}
console.log(`\n${table(rows)}`);
process.exit(rows.every((row) => row.status === 'passed') ? 0 : 1);
