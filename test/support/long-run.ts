import { appendFileSync } from 'node:fs';

/** Where tools/long.mjs collects what its parts counted; unset in the ordinary run, which says nothing. */
const report = process.env['RECTRAIL_TEST_REPORT'];

/** How far a long part is, for whoever watches it. */
export const tellProgress = (text: string): void => {
  if (report !== undefined) process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`);
};

/** What a part counted, for docs/reference/long-run.md; counts of the same name are added. */
export const tellCounts = (counts: Readonly<Record<string, number>>): void => {
  if (report !== undefined) appendFileSync(report, `${JSON.stringify(counts)}\n`);
};
