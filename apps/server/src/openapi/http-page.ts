import type { CommandDefinition } from '@rectrail/tracking-app';
import type { ReadDefinition } from '../http/read-table.ts';
import { apiPath } from '../http/table-routes.ts';

const introduction = `# HTTP interface

The base path is \`${apiPath}\`; \`/openapi.json\` describes every path with the schemas of its body, its parameters and its answers. The tables below are
generated from the same rows that make the routes; a test fails where they differ.

## Who calls

Every call needs \`Authorization: Bearer rct_<id>_<secret>\`, but for \`/health\`, \`/health/live\`, \`/health/ready\`, \`/openapi.json\`, \`/asyncapi.json\`, \`/schemas/{type}.json\` and \`/problems/{code}\`. \`/metrics\` needs a
token too, of any role: on one host with a proxy every caller looks like a loopback address. The actor of an event comes from the token alone; events carry the
opaque id of its subject. A token acts on its organisation and all below it in the administrative tree as it is now; an administrator's acts everywhere.
What a command or a ledger only names (the inspection of an issue, a linked issue or case) may also belong to an organisation above the caller's, never to a stranger's.

## Writing

- \`Idempotency-Key\` (optional, 1 to 200 characters, honoured by every write of facts): the same key from the same token with the same request answers as the first one did and
  stores nothing again. With another request it is 422 \`idempotency-key-reused\`, while the first still runs 409 \`idempotency-key-in-use\`. A key is remembered for
  \`RECTRAIL_IDEMPOTENCY_HOURS\` (24 by default). A refused command stored nothing, so the same key may be tried again.
- \`If-Match\`: the \`ETag\` of the resource as it was read. 412 \`stream-version-conflict\` where it has changed; 428 \`precondition-required\` without it where a person judges what they
  saw (marked "required" below); 400 where the path speaks of no single resource (in a batch each command has its own \`ifMatch\`).
- The reply carries \`ETag\` (version of the resource), \`Rectrail-Position\` (log position reached; absent where nothing had to be stored), and 201 with \`Location\` for what was made.
- \`?dryRun=true\` runs all checks and stores nothing.
- \`POST ${apiPath}/commands\` takes \`{commands: […]}\`, up to 500, all or nothing. A fault is reported at \`/commands/<n>/body/…\`.
- \`POST ${apiPath}/imports\` takes a ledger (\`application/x-ndjson\`, [ledger.md](ledger.md)); \`?dryRun=true\`, \`?complete=true\`. With \`Accept: application/x-ndjson\` the reply is lines:
  \`{"progress": …}\` while it runs, then \`{"result": …}\` or \`{"problem": …}\`; its status is 200 whatever comes, so look at the last line. \`POST ${apiPath}/imports/{id}/undo\` takes an import back as one unit,
  \`GET ${apiPath}/imports\` lists them.
- \`POST ${apiPath}/tokens\`, \`GET ${apiPath}/tokens\`, \`DELETE ${apiPath}/tokens/{id}\` are for administrators. The token is shown once, in the reply that makes it.

## Reading

Every read but \`/series\`, \`/compare\`, \`/replay\` and \`/feed\` takes \`validAt\` (a day), \`knownAt\` (a day or an instant), \`atPosition\` and \`atLeast\` (wait until this position can be read, at most 5 s, then 503
\`projection-behind\`), and echoes its three cuts. To read your own write, send the \`Rectrail-Position\` of its reply as \`atLeast\`. Only an answer with its position is final. Lists
are paged by \`limit\` (coerced to 1 … 500) and \`cursor\`; a cursor binds all filters and cuts. Reads are never answered 304. \`Cache-Control\` is \`no-store\` unless all three cuts are given.

## Operating

For administrators; none of these is a fact, so none becomes an event.

- \`GET ${apiPath}/projections\`: how each projection stands: version, position, state (\`running\`, \`stopped\`, \`rebuilding\`: it has no rows yet that may be read), lag in events and seconds, where it stopped and why, the
  rebuild that has begun, the events that it leaves out.
- \`POST ${apiPath}/projections/{name}/rebuild\` makes its rows anew in the background, beside those that are read, and swaps them in; 202. It goes on where an earlier rebuild was stopped. 409
  \`rebuild-running\` while one runs, on whichever server. \`DELETE\` on the same path stops it until it is asked for again; with \`?drop=true\` what it has made is dropped. A rebuild that ends with its server goes on by itself at the next
  start. ([How](../runbooks/rebuild.md))
- \`POST ${apiPath}/projections/{name}/skip\` takes \`{position, reason}\`: the projection leaves out the event at which it stands stopped, now and in every rebuild. Who skipped it, when and why is kept.
  ([When](../runbooks/projection-stopped.md))
- \`GET ${apiPath}/log/clock\`: how the clock stands that stamps the events; \`POST …/confirm\` takes \`{reason}\` and says that one which has leapt ahead is right as it is: what 503 \`clock-jumped\` refused is stored again, at
  that time and for good. ([When](../runbooks/clock-jumped.md))
- \`GET ${apiPath}/dead-letters\`: records of the topic of commands that were no request, newest first, read where they lie; \`/dead-letters/{partition}-{offset}\` shows one with headers and value.
  \`POST …/replay\` puts it back as a command of the caller, once, however often it is asked for; 202, and the answer goes to the topic of replies. ([When](../runbooks/poison-message.md))
- \`/health/ready\` answers 503 while the database is away or, in processes of the roles \`api\` and \`projector\`, a projection is \`behind\`: stopped, without rows that may be read, or lagging for longer than
  \`RECTRAIL_READY_LAG_SECONDS\`. \`/health\` answers the same with every projection and every follower of which one process works at a time (Kafka, webhooks, reminders: how far it is, whether anybody works as it; \`stopped\` where the relay to Kafka stands before an event that cannot be read), names the subscriptions to webhooks that stand before an event that cannot be read (\`stoppedSubscriptions\`),
  and tells an administrator's token why one has stopped; without one it names the projection and the position, since an error may hold data of its event. \`/health/live\` says only that the process answers.

\`/series\` has \`from\`, \`to\` and \`every\` in place of \`validAt\`: each value is the number that \`/dashboard\` has at that day, as known at its end (\`as=then\`, in the tree of that day)
or at \`knownAt\` (\`as=known\`). \`/compare\` takes two cuts (\`fromValidAt\` …, and the usual three), gives the digests of both dashboards and names for each changed issue the events that count
at one cut alone, or \`time\`, \`policy\`, \`organisation\`.

\`GET ${apiPath}/replay\` plays a range of days as server-sent events: \`start\`, a \`frame\` for each day when it has come (\`speed\` in days a second), \`end\` with its reason. The position is fixed
when it begins; \`Last-Event-ID\` goes on behind a frame at the same position, and is answered 204 behind the last one. A comment comes every 15 s where no frame is due.
\`RECTRAIL_REPLAYS_MAX\` are played at once, then 503 \`too-many-replays\`.

## Feed

What leaves the log for other systems ([how to follow it](../how-to/follow-the-feed.md), [what the messages say](messages.md)); Kafka and webhooks carry the same messages. It comes from the log itself: no read model is waited for, but
where \`org\` names an organisation. A token hears of its organisation and all below it, in the administrative tree as it is now, and of what has no owner (the default policy, calendars).

- \`GET ${apiPath}/feed?after=\`: messages behind a position, as structured CloudEvents, in the order of the log, up to \`limit\` (1 … 1,000, default 200). \`next\` is the path of those that follow; \`scannedTo\` says how far the log was looked through, also where no
  message was for this reader. With \`wait\` (seconds, at most 60) an empty page waits for a message.
- \`GET ${apiPath}/feed/stream\`: the same as server-sent events: \`start\`, then messages without a name, each with its sequence as id; \`Last-Event-ID\` goes on behind it. A comment, or an id alone that says how far the log was looked through, comes every 15 s where there is no
  message; the token and the jurisdiction are checked again as often. Ends with \`end\` where the server stops, or with \`problem\`.
- Where an event cannot be read (an older server reads what a newer one wrote), all messages before it are told; a page that begins right before it, or waits and finds nothing for this reader in front of it, is 500 \`event-undecodable\`, as a snapshot is that would hold it; a stream ends with that \`problem\`.
- \`GET ${apiPath}/feed/snapshot?at=\`: every subject as it stood at a position (default the head), page by page along \`next\`; the last page has the \`digest\` (\`rectrail.feed/1\`). Then the feed is followed from \`at\` on.
- \`GET ${apiPath}/feed/digest?at=\`: that digest alone. Where the sum takes longer than 10 s, \`digest\` is null and \`next\` goes on with it.

All take \`audience\` (\`internal\`, the default, or \`public\`), \`org\`, \`noun\` and \`level\`, the first two also \`type\`; lists by commas. A position beyond the head is 409 \`position-ahead\`: it comes from another log, or from before a restore, and \`source\` has
changed. \`RECTRAIL_FEED_READERS_MAX\` streams, waiting pages and digests are open at once, half of them with one token, then 503 \`too-many-readers\`. \`/asyncapi.json\` describes the messages and all their ways out,
\`/schemas/{type}.json\` what each holds.

## Transparency log

For whoever does not trust the operator ([how to check it](../how-to/check-the-log.md)); any token will do. A leaf says where, when and in which stream an event was recorded, and the hash of what it says ([leaf.md](leaf.md)), so none of these shows a content.

- \`GET ${apiPath}/log/checkpoint\`: the newest signed head, as text (C2SP \`tlog-checkpoint\`); with \`witnessed=N\` the newest that so many witnesses have cosigned, with \`epoch=N\` the last one of an epoch. \`GET ${apiPath}/log/keys\`: the keys by which it is verified, one a line. It lags by less than a second behind the newest event.
- \`GET ${apiPath}/log/proof/inclusion/{position}?size=\`: that the event is in the tree of so many leaves, as JSON; with \`.tlog-proof\` behind the position as a file that needs no server. \`GET ${apiPath}/log/proof/consistency?from=&to=\`: that a later tree
  goes on from an earlier one. Without \`size\` or \`to\`, the tree of the newest checkpoint; beyond it 409 \`log-not-sealed\`.
- \`GET ${apiPath}/log/contents?after=&limit=&audience=\`, for administrators: leaf and content of each event as they are hashed, one a line ([bundle](bundle.md)); with \`audience=public\` without the contents that are not public. \`rectrail export\` reads it.
- \`GET ${apiPath}/log/tile/…\`: tiles of hashes and of leaves (\`entries\`), by the paths of C2SP \`tlog-tiles\`; they never change. What is not there (yet) is 404 \`unknown-tile\`.

## Webhooks

\`POST ${apiPath}/subscriptions\` and the commands \`/subscriptions/{id}/pause\`, \`resume\`, \`rotate-secret\`, \`delete\` are facts, and so commands of the table below. What follows is none and takes no \`Idempotency-Key\`
([how](../how-to/webhooks.md)). A subscription that is not in the caller's part of the tree is answered 404 by these.

- \`GET ${apiPath}/subscriptions\`, \`/subscriptions/{id}\`: terms, status, public keys, and how far the delivery has come. \`GET ${apiPath}/subscriptions/{id}/deliveries\`: every attempt of the last 30 days, the newest first.
- \`POST ${apiPath}/subscriptions/{id}/reveal-secret\` gives the secret of the newest key, once; then 409 \`secret-already-shown\`.
- \`POST ${apiPath}/subscriptions/{id}/ping\` sends a test that is no event, \`…/redeliver\` \`{position}\` what was delivered there once more, \`…/replay\` \`{from}\` everything behind a position. The first two answer with what came back.

## Refusals

Every refusal is an RFC 9457 problem (\`application/problem+json\`) with \`type\` (a page: \`/problems/<code>\`), \`title\`, \`titleZh\`, \`status\`, \`detail\`, \`instance\`, \`code\`, \`correlationId\` and \`errors\`, each of which
names its place: \`pointer\` into the body, \`parameter\`, \`header\`, or \`line\` and \`key\` of a ledger. Match on \`code\`. [All codes](../problems/).
\`X-Correlation-Id\` (letters, digits, \`.\`, \`_\`, \`-\`, at most 64) is kept in the events that a request makes and is echoed.
`;

const ifMatchWord = { none: '', optional: 'optional', required: '**required**' } as const;

/** docs/reference/http.md, made from the tables of commands and reads. */
export const httpPage = (commands: readonly CommandDefinition[], reads: readonly ReadDefinition[]): string => [
  introduction,
  '## Commands',
  '',
  '| path | name | what | If-Match |',
  '| --- | --- | --- | --- |',
  ...commands.map(({ path, name, summary, ifMatch }) => `| \`POST ${path}\` | ${name} | ${summary} | ${ifMatchWord[ifMatch]} |`),
  '',
  '## Reads',
  '',
  '| path | what | parameters beside the cuts |',
  '| --- | --- | --- |',
  ...reads.map(({ path, summary, query }) => {
    const own = Object.keys(query.shape).filter((name) => !['validAt', 'knownAt', 'atPosition', 'atLeast'].includes(name));
    return `| \`GET ${path}\` | ${summary} | ${own.map((name) => `\`${name}\``).join(', ')} |`;
  }),
  '',
].join('\n');
