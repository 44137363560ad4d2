import type { AccessErrorCode } from '@rectrail/access';
import type { EventStoreErrorCode } from '@rectrail/event-store';
import type { WebhookRejectionCode } from '@rectrail/messaging';
import type { AppRejectionCode, ImportRejectionCode } from '@rectrail/tracking-app';
import type { ProjectionErrorCode } from '@rectrail/projections';
import type { ReadRejectionCode } from '@rectrail/tracking-read';
import type { HttpProblemCode } from '../http/http-problem.ts';
import { domainProblems, type Problem } from './domain-problems.ts';

type PlatformCode =
  | HttpProblemCode | WebhookRejectionCode | AccessErrorCode | EventStoreErrorCode | ProjectionErrorCode | AppRejectionCode | ImportRejectionCode | ReadRejectionCode;

const row = (status: number, title: string, titleZh: string, help: string): Problem => ({ status, title, titleZh, help });

const unknown = (what: string, whatZh: string): Problem =>
  row(404, `No such ${what}`, `没有这个${whatZh}`, `The request names a ${what} that does not exist, or that did not exist at the cuts of the read. Check the id; ids are UUIDs in lower case and never change.`);

/** Every code that a request can come to, but for those of the domain's rules, which stand in domain-problems.ts. */
const platformProblems = {
  'request-malformed': row(400, 'The request is malformed', '请求格式不正确', 'The request line, a header or the percent-encoding of the URL cannot be read. Send it again in a valid form.'),
  'body-malformed': row(400, 'The body is not JSON', '请求正文不是有效的 JSON', 'The body could not be read as JSON in UTF-8; `errors` gives line and column. An object key `__proto__` is refused too.'),
  'body-too-large': row(413, 'The body is too large', '请求正文过大', 'Commands may have `RECTRAIL_COMMAND_BODY_BYTES_MAX` bytes, ledgers `RECTRAIL_IMPORT_BODY_BYTES_MAX`. Split the batch, or import a ledger instead.'),
  'content-type-unsupported': row(415, 'The media type is not supported', '不支持的内容类型', 'Commands take `application/json`, imports `application/x-ndjson`. Set `Content-Type` accordingly.'),
  'route-not-found': row(404, 'No such path', '没有这个路径', 'Nothing is served at this path. /openapi.json lists all paths.'),
  'method-not-allowed': row(405, 'The method is not allowed here', '此路径不支持该方法', 'The path exists, but not for this method; the header `Allow` names those that it takes.'),
  'uri-too-long': row(414, 'The URL is too long', '网址过长', 'A part of the path is longer than any id. Check the URL.'),
  'headers-too-large': row(431, 'The request line and headers are too large', '请求头过大', 'Request line and headers together may have 16 KiB. Send less in them.'),
  'request-timeout': row(408, 'The request came too slowly', '请求超时', 'The request was not complete within `RECTRAIL_REQUEST_TIMEOUT_MS`. Send it again, or split it.'),
  'idempotency-key-reused': row(422, 'The Idempotency-Key was used for another request', '幂等键已用于其他请求', 'The same key came with another method, path, query, If-Match or body. Take a new key for a new request; a key is remembered for `RECTRAIL_IDEMPOTENCY_HOURS` (24 by default).'),
  'idempotency-key-in-use': row(409, 'The first request with this Idempotency-Key is still running', '使用该幂等键的请求仍在处理', 'Wait as long as `Retry-After` says and send the same request again; it then gets the answer of the first.'),
  'too-many-replays': row(503, 'Too many replays at once', '同时进行的回放过多', 'This server plays `RECTRAIL_REPLAYS_MAX` replays at once. Try again after `Retry-After`; `Last-Event-ID` goes on where a replay broke off.'),
  'too-many-readers': row(503, 'Too many readers of the feed at once', '同时读取消息的连接过多', 'This server keeps `RECTRAIL_FEED_READERS_MAX` streams, waiting pages and digests of the feed open at once. One token may hold half of them. Try again after `Retry-After`, behind the last message seen.'),
  'position-ahead': row(409, 'The position lies beyond the newest event', '位置超过日志末尾', '`after`, `at` or `Last-Event-ID` comes from another log, or from this one before it was restored from a copy: its `source` is another now. Drop what was kept and begin anew with `GET /api/v1/feed/snapshot`.'),
  'log-not-sealed': row(409, 'The log is not sealed that far', '日志尚未封存到该位置', 'The tree of the newest checkpoint (`GET /log/checkpoint`) has fewer leaves than were asked for. Sealing lags by less than a second: try again; where it does not come, `from` or the position is another log’s, or the sealing stands still (`rectrail_follower_lag_seconds`). A `.tlog-proof` needs a size that was signed: leave `size` out.'),
  'clock-not-watched': row(409, 'The clock is not watched here', '未监视日志时钟', 'KurrentDB keeps the events and stamps them itself; its clock is for its operators to watch.'),
  'unknown-tile': row(404, 'No such tile', '没有这个日志分片', 'Paths are those of C2SP tlog-tiles: `tile/<level>/<index>` and `tile/entries/<index>`, `.p/<width>` where a tile is not full. The size of the newest checkpoint says which there are.'),
  'not-written-off': row(409, 'The issue is not written off', '该问题尚未销号', 'A write-off slip is of an issue that stands as WRITTEN_OFF at the cuts of the read. Read the issue; name an earlier day (`validAt`) for one that has been reopened since.'),
  'cosignature-refused': row(422, 'The cosignature is not taken', '见证签名不被接受', 'Taken are checkpoints that a key of this log has signed, with a valid cosignature of a witness whose key the operator has named (`RECTRAIL_LOG_WITNESSES`). `detail` says what is wrong.'),
  'epoch-not-due': row(409, 'No epoch is due', '无需启用新的日志分支', 'A new epoch is for an older copy of the log, of which others have seen more: `GET /log/epochs` says whether that is so. Where it is known to you alone, say what was seen with `POST /log/sightings` first (`rectrail epoch seen`).'),
  'epoch-unsupported': row(409, 'This log has no epochs to begin', '该日志不支持启用新分支', 'The events are in KurrentDB, which keeps its own history: put its backup and that of PostgreSQL back together, or begin an installation of its own (docs/how-to/kurrentdb.md).'),
  'kafka-off': row(409, 'This server takes nothing from Kafka', '本服务器未接入 Kafka', 'Dead letters lie in Kafka. Set `RECTRAIL_KAFKA_BROKERS`, or ask a server that has it.'),
  'kafka-unavailable': row(503, 'Kafka is not available', '消息系统（Kafka）暂不可用', 'The brokers cannot be reached, or did not answer in time. Try again after `Retry-After`; operators find the cause in the log.'),
  'unknown-dead-letter': row(404, 'No such dead letter', '没有这封死信', 'Dead letters are named `partition-offset` in their topic, which keeps them only as long as its operator has set. `GET /dead-letters` lists them.'),
  'dead-letter-not-kept': row(409, 'The record of this dead letter was not kept', '死信未保留原始内容', 'The record was larger than a command may be, or empty, so only its place was noted. Its sender has to send it again, smaller.'),
  'request-refused': row(400, 'The request was refused', '请求被拒绝', 'The HTTP layer refused the request for a reason that has no code of its own; `detail` gives it.'),
  internal: row(500, 'Internal error', '服务器内部错误', 'A defect of the server. Nothing was stored by this request. Report the `correlationId`; the log holds the cause under it.'),

  'token-missing': row(401, 'A bearer token is needed', '需要访问令牌', 'Send `Authorization: Bearer rct_…`. The first start writes an administrator’s token to `admin-token` in the data directory; `rectrail token add` makes others.'),
  'token-invalid': row(401, 'The bearer token is not valid', '访问令牌无效', 'The token is malformed, unknown, expired or revoked; which of these is not said. Ask an administrator for a new one.'),
  'administrator-only': row(403, 'Only an administrator may do this', '仅管理员可以执行', 'Tokens, projections, roots of the organisation tree, the default policy, calendars and imports into any organisation are the administrator’s.'),
  'administrator-has-no-organisation': row(422, 'An administrator belongs to no organisation', '管理员令牌不能属于某个单位', 'The role `administrator` acts everywhere. Leave the organisation out, or choose another role.'),
  'role-needs-organisation': row(422, 'The role needs an organisation', '该角色必须指定单位', 'Every role but `administrator` acts for one organisation and all below it. Name it by its id or code.'),
  'unknown-token': unknown('token', '令牌'),

  'stream-version-conflict': row(412, 'The resource has changed', '资源已被他人更改', 'Another writer was first. With `If-Match` the status is 412: read the resource again, look at what changed and decide again. Without it the server has tried several times already and answers 409: send the request again. `currentVersion` is the version now.'),
  'append-too-large': row(413, 'Too much in one append', '一次写入的内容过多', 'The command or the import makes more events, or larger ones, than one append may hold. Split it.'),
  'append-invalid': row(500, 'The append was not well-formed', '写入请求无效', 'A defect of the server: it handed the store an append that contradicts itself. Nothing was stored. Report the `correlationId`.'),
  'event-id-mismatch': row(500, 'An event id does not belong to its command', '事件标识与命令不符', 'A defect of the server. Nothing was stored. Report the `correlationId`.'),
  'command-reused': row(422, 'The command id was used for another command', '命令标识已用于其他命令', 'A command id names one command with one content. Take a new `Idempotency-Key` for a new request.'),
  'unknown-purge': row(404, 'No such purge', '没有这项清除申请', 'Purges are named by the answer to the request, and in the audit trail. Check the id.'),
  'purge-unsupported': row(409, 'This event store keeps every content for good', '该事件库不支持清除内容', 'The events are in KurrentDB, from which no content can be taken. Where the law may demand it, keep events in PostgreSQL.'),
  'event-store-unavailable': row(503, 'The event store is not available', '事件库暂不可用', 'The database cannot be reached or refuses work. Nothing was stored. Try again after `Retry-After`; operators find the cause in the log.'),
  'database-unavailable': row(503, 'The database is not available', '数据库暂不可用', 'PostgreSQL cannot be reached, or went away meanwhile. Try again after `Retry-After`, a command with the same `Idempotency-Key`; operators find the cause in the log.'),
  'log-read-only': row(503, 'The log is read-only here', '日志为旧副本，只读', 'Somebody outside has seen more of the log than there is here, or otherwise: this database is an older copy, and what it wrote would take positions that are known for other events. Nothing was stored. Operators put the newest copy in its place, or begin a new epoch (`rectrail epoch new`); `/health/ready` says what was seen.'),
  'append-outcome-unknown': row(503, 'It is not known whether the command was stored', '无法确定命令是否已写入', 'The connection broke after the append was sent. Send the same request with the same `Idempotency-Key` again: it is stored at most once. Without a key, look at the resource first.'),
  'clock-jumped': row(503, 'The clock has leapt ahead', '系统时钟异常超前', 'The clock of the database stands far beyond what is expected, and an event keeps its time for good: nothing is stored until the clock is right again or an administrator confirms it (docs/runbooks/clock-jumped.md). Send the same request again after `Retry-After`.'),
  'event-undecodable': row(500, 'A stored event cannot be read', '已存事件无法读取', 'A stored event has a type or version that this server does not know: it is probably older than the data. Start the newer version. Nothing was stored.'),
  'event-invalid': row(500, 'An event does not meet its schema', '事件不符合其模式', 'A defect of the server: a rule made an event that its schema refuses. Nothing was stored. Report the `correlationId`.'),

  'validation-failed': row(400, 'The request does not have the right form', '请求内容不符合要求', '`errors` names every place: a JSON pointer into the body, a query parameter or a header. Unknown fields and parameters are refused too.'),
  'personal-data-in-text': row(422, 'Free text holds personal data', '文本中含有个人信息', 'Events are never changed, so telephone numbers, identity-card numbers and e-mail addresses must stay out of free text. `errors` points at the field. Remove them; contacts belong outside the log.'),
  'unknown-command': unknown('command', '命令'),
  'too-many-commands': row(413, 'Too many commands in one batch', '一次提交的命令过多', 'A batch takes up to 500 commands. Split it, or import a ledger.'),
  'outside-jurisdiction': row(403, 'Outside your jurisdiction', '超出管辖范围', 'A token acts on its organisation and all below it in the administrative tree as it is now. The organisation concerned is not among them.'),
  'precondition-required': row(428, 'If-Match is required', '必须提供 If-Match', 'This command judges what its caller has seen. Read the resource and send its `ETag` as `If-Match`.'),
  'plan-required': row(409, 'The policy asks for an issued plan', '按现行口径须先印发整改方案', 'The policy in force names approvers, so an issue is planned by a plan that they consented to and that was issued. Send its `planId`.'),
  'plan-not-issued': row(409, 'The plan is not issued yet', '整改方案尚未印发', 'An issue is planned by an issued plan only. Get the missing consents and issue it first.'),
  'issue-not-in-plan': row(409, 'The plan does not name this issue', '整改方案未包含该问题', 'Name the plan that holds the issue, or revise the plan and issue it again.'),
  'already-retracted': row(409, 'It was retracted already', '该事实已被撤回', 'The event that is to be retracted or corrected does not count any more. Read the history: a later fact may stand in its place.'),
  'owned-by-another': row(409, 'It belongs to another organisation', '该事项属于其他单位', 'Things that are linked must have the same owner, the lead organisation. Check which organisation leads.'),
  'unknown-organisation': unknown('organisation', '单位'),
  'unknown-tree': row(404, 'No such organisation tree', '没有这个组织树', 'The request names an organisation tree that was not open, or not yet at the position read. `GET /trees` lists them.'),
  'unknown-inspection': unknown('inspection', '巡视巡察'),
  'unknown-policy': unknown('policy', '统计口径'),
  'unknown-plan': unknown('plan', '整改方案'),
  'unknown-issue': unknown('issue', '问题'),
  'unknown-measure': unknown('measure', '整改措施'),
  'unknown-funds-case': unknown('funds case', '资金事项'),
  'unknown-report': unknown('report', '报告'),
  'unknown-reminder': unknown('notice', '督办提醒'),
  'unknown-metric': unknown('metric', '指标'),
  'unknown-event': unknown('event', '事件'),
  'unknown-subscription': unknown('subscription', '订阅'),
  'secret-already-shown': row(409, 'The secret was shown already', '密钥已显示过', 'A secret is shown once. Where it was lost, `rotate-secret` makes a new one; the former signs along for 24 hours.'),
  'unknown-message': row(404, 'Nothing was told at this position', '该位置没有可推送的消息', 'The subscription selects nothing at this position. `GET /subscriptions/{id}/deliveries` names positions that were delivered.'),
  'message-outstanding': row(409, 'The message has not been delivered yet', '该消息尚未推送', 'It comes in its turn: sent ahead of the others it would make them look old. Where the subscription waits for its next attempt, a `ping` that arrives lets it go on at once.'),
  'endpoint-refused': row(422, 'Nothing may be sent to this address', '不允许向该地址推送', 'Webhooks go to public addresses alone, so that nobody can reach into inner networks through this server. An operator may name further networks in `RECTRAIL_WEBHOOK_ALLOWED_NETWORKS`.'),
  'creations-under-way': row(503, 'Other subscriptions are being created', '其他订阅正在创建', 'One subscription is created after the other, in all processes of the server, and those of another one have not come to an end. Nothing was stored. Try again after `Retry-After`.'),
  'too-many-subscriptions': row(409, 'There are as many subscriptions as there may be', '订阅数量已达上限', 'Each subscription follows the log by itself. One that is no longer wanted is deleted; an operator may raise `RECTRAIL_WEBHOOK_SUBSCRIPTIONS_MAX`.'),

  'unknown-projection': row(404, 'No such projection', '没有这个读模型', 'The request names a projection that this server does not have. `GET /projections` lists them.'),
  'unknown-rebuild': row(404, 'No rebuild has begun', '该读模型没有进行中的重建', 'There is nothing to stop or to drop: the rebuild has ended, was dropped, or never began.'),
  'rebuild-running': row(409, 'The projection is being rebuilt', '该读模型正在重建', 'A rebuild is under way, by this server or another one. `GET /projections` shows how far it has come; `DELETE` on the rebuild stops it.'),
  'rebuild-stopped': row(409, 'The rebuild was stopped', '重建已被停止', 'Somebody stopped the rebuild at the same time. What it has made is kept; begin it again to go on.'),
  'rebuild-cancelled': row(409, 'The rebuild was dropped', '重建已被取消', 'Somebody dropped what the rebuild had made at the same time. Begin it again.'),
  'rebuild-failed': row(409, 'An event stops the rebuild', '重建在某一事件处失败', 'The rows cannot be made of an event; its position stands in `GET /projections`. Those that are read stay as they are. docs/runbooks/projection-stopped.md says what to do.'),
  'projection-other-version': row(409, 'Another version has taken its place', '该读模型已被其他版本取代', 'A server of another version has put its rows in place. Ask a server of that version, or start this one again.'),
  'skip-refused': row(409, 'The event cannot be left out', '该事件不能跳过', 'Only the event at which a projection, or its rebuild, stands stopped can be left out, and none of a tree, a policy or the calendar: all figures rest on them. `GET /projections` names the position.'),

  'ledger-invalid': row(422, 'The ledger is invalid', '台账内容有误', '`errors` gives up to 100 faults with line, key and JSON pointer. Nothing was stored: a ledger is imported as a whole or not at all. docs/reference/ledger.md describes the format; `dryRun=true` checks without storing.'),
  'unknown-import': unknown('import', '导入'),
  'import-undone': row(409, 'The import was undone already', '该导入已被撤销', 'An import can be taken back once. Import the file again to restate it.'),
  'built-upon': row(409, 'Later facts build upon this', '已有后续事实以此为依据', 'Retracting this would leave facts without what they need; the problem lists them. Retract those first, or send `withDependents` to retract them along.'),

  'projection-behind': row(503, 'The read models have not got that far', '读模型尚未更新到该位置', 'The read asked by `atLeast` (or a command needed) a position that the projections did not reach within 5 s. Try again after `Retry-After`; if it stays, look at /health.'),
  'position-unknown': row(422, 'No such position', '日志中没有该位置', '`atPosition`, `atLeast` or the position of a subscription lies beyond the newest event. Use a position that an answer has given.'),
  'range-invalid': row(422, 'The range of days cannot be read', '日期区间无效', 'The range ends before it begins, or has more than 4,000 points. Choose a shorter range or a longer step (`every=week`, `every=month`).'),
  'cursor-invalid': row(400, 'The cursor cannot be read', '游标无效', 'Cursors are opaque; send them back unchanged, or begin again without one.'),
  'cursor-mismatch': row(400, 'The cursor belongs to another query', '游标与查询条件不一致', 'A cursor binds all filters and all three cuts. Send them as in the first page, or begin again without a cursor.'),
} as const satisfies Record<PlatformCode, Problem>;

/** Where a code stands in both, what is said here goes before. */
export const problemTable: Readonly<Record<string, Problem>> = { ...domainProblems, ...platformProblems };

/** What a defect is answered with. */
export const internalProblem: Problem = platformProblems.internal;

/** The page of a code, served at `/problems/<code>` and kept in docs/problems. Null for an unknown code. */
export const problemPage = (code: string): string | null => {
  const problem = Object.hasOwn(problemTable, code) ? problemTable[code] : undefined;
  return problem === undefined ? null : [
    `# ${code}`, '', `**${problem.status} ${problem.title}** (${problem.titleZh})`, '', problem.help, '',
  ].join('\n');
};

/** docs/problems/README.md: every code in the order of its status. */
export const problemIndex = (): string => [
  '# Problem codes', '', 'Every refusal is an RFC 9457 problem with one of these codes ([HTTP](../reference/http.md#refusals)). The server gives each page at `/problems/<code>`.', '',
  '| code | status | what | 中文 |', '| --- | --- | --- | --- |',
  ...Object.entries(problemTable).toSorted(([a, { status: x }], [b, { status: y }]) => x - y || (a < b ? -1 : 1))
    .map(([code, { status, title, titleZh }]) => `| [${code}](${code}.md) | ${status} | ${title} | ${titleZh} |`), '',
].join('\n');
