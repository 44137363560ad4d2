/** `npm run check`: every static gate, side by side; what each says is printed as a whole, and the first failure does not hide the others. */
import { runStep, table } from './run-steps.mjs';

const node = process.execPath;
const bin = (name) => `node_modules/.bin/${name}`;
const steps = [
  ['types (tsc -b)', bin('tsc'), ['-b']],
  ['lint (eslint)', node, ['node_modules/eslint/bin/eslint.js', '.', '--max-warnings', '0']],
  ['layers (dependency-cruiser)', bin('depcruise'), ['--config', '.dependency-cruiser.mjs', 'libs', 'apps']],
  ['tidy', node, ['tools/tidy.mjs']],
];

const rows = await Promise.all(steps.map(async ([name, command, args]) => {
  const row = await runStep(name, command, args, { quiet: true });
  console.log(`\n── ${name}\n${row.output}`);
  return row;
}));
console.log(`\n${table(rows)}`);
process.exit(rows.every((row) => row.status === 'passed') ? 0 : 1);
