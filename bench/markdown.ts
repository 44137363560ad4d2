import { summary, tableHead, tableLines, type BenchResult } from './results.ts';

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const listed = (values: Readonly<Record<string, string | number>>): string => Object.entries(values).map(([name, value]) => `${name} ${value}`).join(', ');

/** docs/reference/benchmarks.md; nothing in it that is not in the JSON. */
export const markdown = (result: BenchResult): string => `# Benchmarks of the event store

Made by \`npm run bench\` from [benchmarks.json](benchmarks.json), which holds every run; do not edit. Mode ${result.mode}, ${result.startedAt}, ${result.minutes.toFixed(1)} minutes,
commit ${result.commit}${result.changedFiles === 0 ? '' : ` with ${result.changedFiles} changed files`}.

- Machine: ${listed(result.machine)}; load average ${result.loadBefore.join(' ')} before, ${result.loadAfter.join(' ')} after.
- Versions: ${listed(result.versions)}.
- PostgreSQL, read back from the server: ${listed(result.settings)}.

## Results

${summary(result.rows).split('\n').map((text, i) => (i === 0 ? text : `- ${text}`)).join('\n')}

${line(tableHead)}
${line(tableHead.map(() => '---'))}
${result.rows.flatMap((row) => tableLines(row).map(line)).join('\n')}

## How it is measured

- All contestants of a row run on the same server one after another, in rounds whose order turns about (A B C, C B A, …), each run a closed loop of ${(result.rows[0]?.measureMs ?? 0) / 1000} s after a warm-up, in
  a process of its own. A checkpoint, a first warm-up, VACUUM and ANALYZE come before the first round of a row. A ratio is the median of the ratios within a round (in brackets: least and greatest); beside a snapshot, of the last
  third of the rounds. After the last run the rows of every table are counted; a difference from what was acknowledged ends the bench.
- Events are real ones of the domain (IssueRegistered, MeasurePlanned, DeadlineSet, PhaseResultReported, IssueAccepted, RectificationStarted; ${result.rows.find((row) => row.payload === 'real')?.meanBytes ?? '–'} bytes on average) made by the codec, and one of 205 bytes. The store and the raw
  driver are given the content as text; Emmett takes an object and writes the JSON itself. The rows "with schema, ids, salt and canonical JSON" include what a command does before it appends.
- Many streams: 5,000 that each caller uses in turn, alone, so that every contestant is given the exact version. Hot: one stream, expected version *any*; Emmett's callers try again at once when another was faster; the raw
  INSERT takes its version from a counter in the process.
- Emmett: \`autoMigration: 'None'\`, exact versions, a pool with as many connections as callers, all made before. Raw INSERT: a prepared statement on as many connections, one row, two unique indexes (position; stream and
  version), positions counted in the process: no version check, no table of command ids, no order of commits. Raw UNNEST: the same with binary arrays of 500 rows. Raw reader: arrays of text, pages of 5,000, JSON.parse.
- Bulk appends write 500 events into 50 streams. "At n events": the log holds that many in streams of 20 events when the first run begins.
`;
