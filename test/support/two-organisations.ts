import { addDays, dayIn, instantOfMs, type Day } from '@rectrail/kernel';
import { startTestServer, type Reply, type TestServer } from './api.ts';

const today: Day = dayIn('Asia/Shanghai', instantOfMs(Date.now()));
/** So many days ago. */
export const ago = (days: number): Day => addDays(today, -days);

export interface TwoOrganisations {
  readonly server: TestServer;
  /** Tokens: of a city committee, of a bureau below it, and of a city that has nothing to do with either. */
  readonly committee: string;
  readonly bureau: string;
  readonly stranger: string;
  /** Things of the bureau `JT`, which stands below the committee `WEI`. */
  readonly inspection: string;
  readonly issue: string;
  readonly measure: string;
  readonly fundsCase: string;
  readonly plan: string;
  readonly metric: string;
  /** Things of the stranger `XX`. */
  readonly strange: { readonly inspection: string; readonly issue: string; readonly measure: string; readonly fundsCase: string };
  readonly head: () => Promise<number>;
  readonly post: (token: string, path: string, body: unknown, headers?: Record<string, string>) => Promise<Reply>;
}

const feedback = async (server: TestServer, token: string, org: string): Promise<{ readonly inspection: string; readonly issue: string }> => {
  const { id: inspection } = await server.post('/inspections', { org, kind: 'XUNCHA', types: ['REGULAR'], title: '第五轮巡察', on: ago(60) }, token);
  await server.post(`/inspections/${inspection}/deliver-feedback`, { on: ago(40) }, token);
  const { id: issue } = await server.post('/issues', { inspectionId: inspection, numberPath: ['一、'], title: '资金管理不严' }, token);
  return { inspection, issue };
};

const work = async (server: TestServer, token: string, issue: string): Promise<{ readonly measure: string; readonly fundsCase: string }> => ({
  measure: (await server.post('/measures', { issueIds: [issue], title: '清理津贴补贴', on: ago(30) }, token)).id,
  fundsCase: (await server.post('/funds-cases', { issueIds: [issue], money: { fen: '100000' }, kind: 'ALLOWANCE', on: ago(30) }, token)).id,
});

/** A server with two organisations that have nothing to do with each other, each with an issue, a measure and money. */
export const twoOrganisations = async (): Promise<TwoOrganisations> => {
  const server = await startTestServer();
  await server.post('/organisations', { code: 'WEI', name: '某市委', level: 'city', parent: null });
  await server.post('/organisations', { code: 'JT', name: '某市交通运输局', level: 'bureau', parent: 'WEI' });
  await server.post('/organisations', { code: 'XX', name: '另一市委', level: 'city', parent: null });
  const [committee, bureau, stranger] = [await server.makeToken('WEI', 'supervisor', '巡察组组长'), await server.makeToken('JT', 'organisation', '单位经办人'), await server.makeToken('XX', 'supervisor', '外单位')];
  const own = await feedback(server, committee, 'JT');
  const strange = await feedback(server, stranger, 'XX');
  return {
    server, committee, bureau, stranger, ...own, ...(await work(server, bureau, own.issue)),
    plan: (await server.post('/plans', { inspectionId: own.inspection, title: '整改方案', issueIds: [own.issue] }, bureau)).id,
    metric: (await server.post('/metrics', { org: 'JT', code: 'patrol', name: '巡查次数', unit: '次' }, bureau)).id,
    strange: { ...strange, ...(await work(server, stranger, strange.issue)) },
    head: async () => (await server.call('GET', '/health/ready')).body.headPosition,
    post: (token, path, body, headers = {}) => server.call('POST', path, { token, body, headers }),
  };
};
