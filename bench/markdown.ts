import { summary, type BenchResult, type RowResult } from './results.ts';
import { tableHeads, tableLines } from './tables.ts';

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const listed = (values: Readonly<Record<string, string | number>>): string => Object.entries(values).map(([name, value]) => `${name} ${value}`).join(', ');

const headings: Readonly<Record<RowResult['kind'], string>> = { rate: 'Rates', latency: 'Reads over HTTP', figures: 'Histories, read models, replay' };

const table = (kind: RowResult['kind'], all: readonly RowResult[]): string => {
  const rows = all.filter((row) => row.kind === kind);
  return rows.length === 0 ? '' : `
## ${headings[kind]}

${line(tableHeads[kind])}
${line(tableHeads[kind].map(() => '---'))}
${rows.flatMap((row) => tableLines(row).map(line)).join('\n')}
`;
};

/** A page of docs/reference; nothing in it that is not in the JSON of that name. */
export const markdown = (result: BenchResult, name: string): string => {
  const rates = result.rows.filter((row) => row.kind === 'rate');
  const measureMs = rates.find((row) => row.unit === 'events/s')?.measureMs ?? 0;
  const realBytes = rates.find((row) => row.payload === 'real')?.meanBytes ?? '–';
  return `# Benchmarks

Made by \`npm run bench\` from [${name}.json](${name}.json), which holds every run; do not edit. Mode ${result.mode}, ${result.startedAt}, ${result.minutes.toFixed(1)} minutes,
commit ${result.commit}${result.changedFiles === 0 ? '' : ` with ${result.changedFiles} changed files`}.

- Machine: ${listed(result.machine)}; load average ${result.loadBefore.join(' ')} before, ${result.loadAfter.join(' ')} after.
- Versions: ${listed(result.versions)}.
- PostgreSQL, read back from the server: ${listed(result.settings)}.

## Results

${summary(result.rows).split('\n').map((text, i) => (i === 0 ? text : `- ${text}`)).join('\n')}
${result.failures.map(({ key, error }) => `- Not measured: ${key}: ${error}\n`).join('')}${table('rate', result.rows)}${table('latency', result.rows)}${table('figures', result.rows)}
## How rates are measured

- All contestants of a row run on the same server one after another, in rounds whose order turns about (A B C, C B A, …), each run a closed loop of ${measureMs / 1000} s after a warm-up, in
  a process of its own. A checkpoint, a first warm-up, VACUUM and ANALYZE come before the first round of a row. A ratio is the median of the ratios within a round (in brackets: least and greatest); beside a snapshot, of the last
  third of the rounds. After the last run the rows of every table are counted; a difference from what was acknowledged fails the row.
- Events are real ones of the domain (IssueRegistered, MeasurePlanned, DeadlineSet, PhaseResultReported, IssueAccepted, RectificationStarted; ${realBytes} bytes on average) made by the codec, and one of 205 bytes. The store and the raw
  driver are given the content as text; Emmett takes an object and writes the JSON itself. The rows "with schema, ids, salt and canonical JSON" include what a command does before it appends.
- Many streams: 5,000 that each caller uses in turn, alone, so that every contestant is given the exact version. Hot: one stream, expected version *any*; Emmett's callers try again at once when another was faster; the raw
  INSERT takes its version from a counter in the process.
- Emmett: \`autoMigration: 'None'\`, exact versions, a pool with as many connections as callers, all made before. Raw INSERT: a prepared statement on as many connections, one row, two unique indexes (position; stream and
  version), positions counted in the process: no version check, no table of command ids, no order of commits. Raw UNNEST: the same with binary arrays of 500 rows. Raw reader: arrays of text, pages of 5,000, JSON.parse.
- Bulk appends write 500 events into 50 streams. "At n events": at the end of a generated history, to streams of it drawn at random; reads take whole streams of five events.
- Requests of dashboards: today's, without any cut, of organisations of all levels, against handlers of bare Nest on Fastify and bare Fastify that send the bytes of one such answer.

## How reads are measured

- Histories come from the generator (\`rectrail generate\`, seed 1): by years (a million events a year) and by density (always ten years); 10 M events are the end of both. Read models are made by the bulk path of a rebuild.
- For each history a server as in production runs (built, a process of its own, default settings, role \`api\`; beside a writer \`projector\` too), all at the same time; a client process with one kept connection to each asks one, then the next, each sampled
  in the same way: an organisation of a level drawn evenly from five, validAt and knownAt drawn from the span and 60 days after it, by the tree of then or (a quarter) of now, at the head of the log. A tenth as many dashboards stand at a position
  from the last nine tenths of the log, apart. Every answer must be 2xx. p50 and p99 are those of all requests after a warm-up (ten times as long for proofs, whose server has just begun); the files
  of the read models have been read once before, so that the operating system has them as far as its memory goes.
- Beside a writer: another process appends what comes next in the same history through the store, at a steady pace, while the server projects and answers; reads name no position, so each waits for the
  head at its arrival (docs/adr/0004); the last line names the one at which the writer began.
- Live projection: the same writer at rising paces; lag is the age of the oldest event that some projection has not taken in, by PostgreSQL's clock, looked at every 50 ms; under a second at all of them, and no less than 97 % of the pace.
- Rebuild: all projections at the same time, beside the rows that are there, indexes, statistics and swap included. COPY: the same rows in binary from files through the bare driver, a connection for each projection, then the same indexes, VACUUM and ANALYZE.
- Kafka: a broker of Maven's artifacts on the same machine, one node, topics of six partitions. Relay, writer, consumer and bare producer are a process each. A command is an append that a history tells next, timed from before
  it to the consumer's hands by the machine's clock. The bare producer sends the records that the relay sent, one call each at the same pace, or in batches as large as the relay's. Consumers commit no offsets: what a consumer does with them is its own.
  The bare relay reads the row that a notification tells of and sends it, with neither state, order nor checkpoint.
- Naive replay: the figures module over the whole log, read and decoded anew for each dashboard. Its digests are those of the server, or the row fails.
- Memory is the resident memory of a process that does nothing else.
`;
};
