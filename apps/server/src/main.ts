/**
 * Of each of the two halves in which V8 keeps young objects, MiB. It would let them grow to 32 and more: a collection takes 20 to 80 ms then, which every request and message in
 * the process waits for, and what lies outside the heap is freed once a second at best. With 8 it takes 4 ms (ADR 14).
 */
const youngHalfMiB = 8;

/** An operator's own word stands. */
const isChosen = [process.env['NODE_OPTIONS'] ?? '', ...process.execArgv].some((option) => /max[-_]semi[-_]space[-_]size/.test(option));

// The process goes on as itself, with its id, its files and whoever waits for it; the option counts from the start of Node on, so nothing is loaded before. Not on Windows.
if (!isChosen && process.execve !== undefined) {
  process.execve(process.execPath, [process.execPath, `--max-semi-space-size=${youngHalfMiB}`, ...process.execArgv, ...process.argv.slice(1)], process.env);
}

await import('./serve.ts');
