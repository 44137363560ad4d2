import type { IssueId } from '@rectrail/kernel';
import type { EventView, IssueDetail, TrackingQueries } from '@rectrail/tracking-read';
import { z } from 'zod';
import type { WriteOffSlip } from '../openapi/answer-types.ts';
import { principalOf } from './fastify-server.ts';
import { HttpProblem } from './http-problem.ts';
import { parseQuery } from './query-parameters.ts';
import { cutQuery } from './read-table.ts';
import { apiPath, idOf, type TableRoute } from './table-routes.ts';

export interface SlipRoutesOptions {
  readonly queries: TrackingQueries;
  /** The `.tlog-proof` of the event at an index of the log. @throws HttpProblem `log-not-sealed` */
  readonly proofOf: (index: number) => Promise<string>;
}

export const slipQuery = cutQuery.extend({ format: z.enum(['json', 'text']).optional().describe('`text`: to be printed, in Chinese; default `json`') });

const slipData = z.object({ slip: z.string(), endorsements: z.array(z.object({ kind: z.string(), by: z.string() })) });
const verificationData = z.object({ record: z.string(), evidence: z.array(z.string()) });

/** The last one that counts. */
const lastOf = (events: readonly EventView[], type: string): EventView | undefined => events.filter((event) => event.type === type && event.counts).at(-1);

const act = ({ eventId, position, recordedAt, validTime, actor: { subject, role, orgId } }: EventView): WriteOffSlip['writtenOff'] =>
  ({ eventId, position, recordedAt, on: validTime, by: { subject, role, orgId } });

const slipOf = async ({ issue, measures, cut }: IssueDetail, events: readonly EventView[], proofOf: SlipRoutesOptions['proofOf']): Promise<WriteOffSlip> => {
  const [writtenOff, verified] = [lastOf(events, 'IssueWrittenOff'), lastOf(events, 'IssueVerified')];
  if (issue.state !== 'WRITTEN_OFF' || writtenOff === undefined) throw new HttpProblem('not-written-off', `the issue stands as ${issue.state}`);
  const { slip, endorsements } = slipData.parse(writtenOff.data);
  const { issueId, orgId, orgCode, orgName, inspectionId, numberPath, title, deadline } = issue;
  return {
    slip, issueId, orgId, orgCode, orgName, inspectionId, numberPath, title, deadline,
    measures: measures.map(({ measureId, marker, title: words, state }) => ({ measureId, marker, title: words, state })),
    verified: verified === undefined ? null : { ...act(verified), ...verificationData.parse(verified.data) },
    writtenOff: act(writtenOff), endorsements, cut,
    proof: { path: `${apiPath}/log/proof/inclusion/${writtenOff.position}.tlog-proof`, file: await proofOf(writtenOff.position - 1) },
  };
};

const endorsementNames: Readonly<Record<string, string>> = { MAIN: '主体责任', SUPERVISING: '监督责任', EXECUTING: '执行责任' };
const measureNames: Readonly<Record<string, string>> = {
  PLANNED: '计划', IN_PROGRESS: '进行中', SUSPENDED: '暂缓', DONE: '已完成', STANDING: '长期坚持', WITHDRAWN: '已撤销', NOT_DISCLOSED: '未公开',
};

/** To be printed and signed by hand; the proof stands below, so that the sheet alone can be checked. */
const slipText = ({ slip, numberPath, title, orgName, orgCode, measures, verified, writtenOff, endorsements, cut, proof }: WriteOffSlip): string => [
  '整改问题销号单', '',
  `销号单号：${slip}`,
  `责任单位：${orgName ?? ''}（${orgCode ?? ''}）`,
  `问题编号：${numberPath.join('')}`,
  `问题内容：${title}`,
  '整改措施：', ...measures.map(({ marker, title: words, state }, n) => `  ${marker ?? `${n + 1}.`} ${words}（${measureNames[state] ?? state}）`),
  ...(verified === null ? [] : [`验收日期：${verified.on?.printed ?? ''}`, `验收意见：${verified.record}`, `验收人：${verified.by.subject}（${verified.by.role}）`]),
  `销号日期：${writtenOff.on?.printed ?? ''}`, `销号人：${writtenOff.by.subject}（${writtenOff.by.role}）`,
  '签字背书：', ...endorsements.map(({ kind, by }) => `  ${endorsementNames[kind] ?? kind}：${by}`),
  `日志位置：${writtenOff.position}，记录于 ${writtenOff.recordedAt}`,
  `查询口径：日志位置 ${cut.atPosition}，知悉截止 ${cut.knownAt}，业务日期 ${cut.validAt}`, '',
  `以下为日志收录证明（C2SP tlog-proof），可据公开密钥独立校验：${proof.path}`, '', proof.file,
].join('\n');

/** The write-off slip (销号单) of an issue, with the proof that its write-off is in the log. */
export const slipRoutes = ({ queries, proofOf }: SlipRoutesOptions): readonly TableRoute[] => [{
  name: 'WriteOffSlip', method: 'GET', path: '/issues/:id/write-off-slip',
  handle: async (request, reply): Promise<WriteOffSlip | string> => {
    const { format, ...cuts } = parseQuery(slipQuery, request.query);
    const [id, { orgId: within }] = [idOf(request) as IssueId, principalOf(request).actor];
    const detail = await queries.issue(id, { ...cuts, within });
    // Of one cut: what is resolved for the issue holds for its events too.
    const { events } = await queries.issueHistory(id, { ...cuts, atPosition: detail.cut.atPosition, knownAt: detail.cut.knownAt, validAt: detail.cut.validAt, within });
    const slip = await slipOf(detail, events, proofOf);
    void reply.header('Cache-Control', 'no-store');
    if (format !== 'text') return slip;
    void reply.type('text/plain; charset=utf-8');
    return slipText(slip);
  },
}];
