// Keeps the state of every subject that Rectrail tells of, in one file, and serves figures of it to a dashboard. Plain Node 24, no dependency: copy it and change it.
// RECTRAIL_URL and RECTRAIL_TOKEN say where from; FEED_FILE, PORT, FEED_ORG (an organisation and all below it) and FEED_CHECK_MS have defaults.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const { RECTRAIL_URL = 'http://127.0.0.1:3000', RECTRAIL_TOKEN = '', FEED_FILE = 'feed.json', PORT = '8080', FEED_ORG = '', FEED_CHECK_MS = '3600000' } = process.env;
const retryMs = 1_000;
const saveMs = 500;

/** What is kept: the log that it comes from, how far it was followed, and each subject as it stands. `state` null: nothing is left of it. */
let kept = existsSync(FEED_FILE) ? JSON.parse(readFileSync(FEED_FILE, 'utf8')) : { source: null, position: 0, subjects: {} };
let checked = null;
let savedAt = 0;

/** Written beside and renamed: whoever kills this process finds the one or the other. What it lacks is told again by the server. */
const save = () => {
  writeFileSync(`${FEED_FILE}.new`, JSON.stringify(kept));
  renameSync(`${FEED_FILE}.new`, FEED_FILE);
  savedAt = Date.now();
};

const ask = async (path, headers = {}) => {
  const url = new URL(path, RECTRAIL_URL);
  if (FEED_ORG !== '') url.searchParams.set('org', FEED_ORG);
  const answer = await fetch(url, { headers: { authorization: `Bearer ${RECTRAIL_TOKEN}`, ...headers } });
  if (answer.ok) return answer;
  const problem = await answer.json();
  throw Object.assign(new Error(`${answer.status} ${problem.code}: ${problem.detail}`), { code: problem.code });
};

/** The whole state at one position, page by page; only then it takes the place of what was kept. */
const snapshot = async () => {
  const begun = { source: null, position: 0, subjects: {} };
  for (let next = '/api/v1/feed/snapshot?limit=1000'; next !== null;) {
    const page = await (await ask(next)).json();
    for (const { subject, noun, sequence, orgId, state } of page.subjects) begun.subjects[subject] = { noun, sequence, orgId, state };
    ({ next } = page);
    [begun.source, begun.position] = [page.source, page.at];
  }
  kept = begun;
  save();
};

/** The newest state of a subject wins: what comes twice, or late, changes nothing. */
const apply = ({ source, subject, noun, sequence, data }) => {
  if (source !== kept.source || (kept.subjects[subject]?.sequence ?? '') >= sequence) return;
  kept.subjects[subject] = { noun, sequence, orgId: data.state?.orgId ?? null, state: data.state };
};

const reached = (sequence) => {
  kept.position = Math.max(kept.position, Number(sequence));
  if (Date.now() - savedAt > saveMs) save();
};

/** Events of a text/event-stream; one without data has its id alone, which says how far the server has looked. */
const events = async function* (body) {
  let rest = '';
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + text).split('\n\n');
    rest = blocks.pop();
    for (const block of blocks) yield Object.fromEntries(block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]));
  }
};

const follow = async () => {
  const { body } = await ask('/api/v1/feed/stream', { 'last-event-id': String(kept.position).padStart(16, '0') });
  for await (const { id, event = 'message', data } of events(body)) {
    // Another source is another log, or this one restored from a copy: nothing that was kept is true of it.
    if (event === 'start' && JSON.parse(data).source !== kept.source) await snapshot();
    if (event === 'problem') throw new Error(data);
    if (event === 'message' && data !== undefined) apply(JSON.parse(data));
    // Of several messages that one event makes, the last has the id.
    if (id === undefined) continue;
    reached(id);
    if (Date.now() - (checked?.at ?? 0) > Number(FEED_CHECK_MS)) await check();
  }
};

/** RFC 8785: keys in order, no spaces; numbers and texts as JavaScript writes them. */
const canonical = (value) => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(',')}}`;
};
const sha256 = (value) => createHash('sha256').update(canonical(value)).digest('hex');

/** `rectrail.feed/1`: of each noun the number of subjects, and the sum of their hashes modulo 2^256. */
const digest = () => {
  const sums = {};
  for (const [subject, { noun, state }] of Object.entries(kept.subjects)) {
    if (state === null) continue;
    const { subjects, sum } = sums[noun] ?? { subjects: 0, sum: '0' };
    sums[noun] = { subjects: subjects + 1, sum: ((BigInt(`0x${sum}`) + BigInt(`0x${sha256({ subject, state })}`)) % 2n ** 256n).toString(16).padStart(64, '0') };
  }
  return sha256(sums);
};

/** Whether this is what the server would tell; where it is not (an organisation moved into FEED_ORG, say), all of it is fetched anew. */
const check = async () => {
  const { position } = kept;
  const own = digest();
  let sum = null;
  for (let next = `/api/v1/feed/digest?at=${position}`; next !== null; { next } = sum) sum = await (await ask(next)).json();
  checked = { at: Date.now(), position, digest: own, equal: sum.digest === own };
  if (!checked.equal) await snapshot();
};

/** Issues by organisation and state: what a table or a bar chart takes. */
const figures = () => {
  const rows = {};
  for (const { noun, orgId, state } of Object.values(kept.subjects)) {
    if (noun !== 'issues' || state === null) continue;
    const organisation = kept.subjects[`organisations/${orgId}`]?.state?.name ?? orgId;
    const row = (rows[`${orgId} ${state.shownState}`] ??= { organisation, state: state.shownState, issues: 0 });
    row.issues += 1;
  }
  return Object.values(rows);
};
const csv = (rows) => ['organisation,state,issues', ...rows.map(({ organisation, state, issues }) => `"${organisation.replaceAll('"', '""')}",${state},${issues}`), ''].join('\r\n');

const pages = {
  '/issues.json': () => ['application/json', JSON.stringify(figures())],
  '/issues.csv': () => ['text/csv; charset=utf-8', csv(figures())],
  '/status': () => ['application/json', JSON.stringify({ source: kept.source, position: kept.position, digest: digest(), checked })],
};
createServer(({ url }, response) => {
  const page = pages[new URL(url, 'http://here').pathname];
  if (page === undefined) response.writeHead(404).end();
  else { const [type, body] = page(); response.writeHead(200, { 'content-type': type }).end(body); }
}).listen(Number(PORT), '127.0.0.1', function listening() { console.log(`http://127.0.0.1:${this.address().port}`); });

for (;;) {
  try {
    if (kept.source === null) await snapshot();
    await follow();
  } catch (error) {
    console.error(error.message);
    if (error.code === 'position-ahead') kept.source = null;
  }
  await sleep(retryMs);
}
