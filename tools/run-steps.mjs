/** Runs the named steps one after another, keeps their output, and tells what ran, how long, and how it ended. */
import { spawn } from 'node:child_process';

/** @returns {Promise<{name: string, status: 'passed'|'failed', seconds: number, output: string}>} */
export const runStep = (name, command, args, options = {}) =>
  new Promise((resolve) => {
    const started = Date.now();
    let output = '';
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    const keep = (chunk) => { output += chunk; if (options.quiet !== true) process.stdout.write(chunk); };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (error) => { output += String(error); });
    child.on('close', (code) => { resolve({ name, status: code === 0 ? 'passed' : 'failed', seconds: (Date.now() - started) / 1000, output }); });
  });

export const table = (rows) => {
  const width = Math.max(...rows.map((row) => row.name.length));
  return rows.map((row) => `  ${row.name.padEnd(width)}  ${row.status.padEnd(8)} ${row.seconds === undefined ? '' : `${row.seconds.toFixed(1)} s`.padStart(9)}  ${row.note ?? ''}`.trimEnd()).join('\n');
};
