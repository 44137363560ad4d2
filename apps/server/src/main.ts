import { youngHeapOption } from './young-heap.ts';

/** An operator's own word stands. */
const isChosen = [process.env['NODE_OPTIONS'] ?? '', ...process.execArgv].some((option) => /max[-_]semi[-_]space[-_]size/.test(option));

// The process goes on as itself, with its id, its files and whoever waits for it; the option counts from the start of Node on, so nothing is loaded before. Not on Windows.
if (!isChosen && process.execve !== undefined) {
  process.execve(process.execPath, [process.execPath, youngHeapOption, ...process.execArgv, ...process.argv.slice(1)], process.env);
}

await import('./serve.ts');
