import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import type { Dashboard } from '../answers.ts';
import { ApiClient, findToken } from '../api-client.ts';
import { comparison } from '../format/figures.ts';
import { languageOf } from '../format/language.ts';
import { localInstants } from '../format/local-instants.ts';
import { ServerProcess } from '../server-process.ts';
import { serverDefault, type GlobalOptions } from '../session.ts';
import { importFile } from './imports.ts';

const samples = ['ningbo-2022', 'liuba-2020', 'heshan-2025'].map((name) => fileURLToPath(new URL(`../../../../samples/${name}.ndjson`, import.meta.url)));
const organisations = ['CN-330200-JT', 'CN-610729-JT', 'CN-430903-JT'];
/** The end of February 2022 as the report of April told it, and the middle of 2025 with all three reports known. */
const pointsInTime = [{ validAt: '2022-02-28', knownAt: '2022-04-29' }, { validAt: '2025-06-30', knownAt: '2025-07-07' }];

/** Ends with the server: a signal to this process is one to the server. */
const untilStopped = async (server: ServerProcess): Promise<void> => {
  process.on('SIGTERM', () => { server.stop(); });
  // A terminal sends Ctrl-C to both; this process stays to see the server end.
  process.on('SIGINT', () => undefined);
  process.exitCode = await server.exited;
};

/** Commands to go on with; they name the server and the language where the command line would not find them by itself. */
const whereToLook = ({ lang: language, dataDir }: GlobalOptions, url: string, env: NodeJS.ProcessEnv): string => {
  const rectrail = `npx rectrail${url === serverDefault ? '' : ` --server ${url}`}${dataDir === './data' ? '' : ` --data-dir ${dataDir}`}${language === languageOf(env) ? '' : ` --lang ${language}`}`;
  return (language === 'zh' ? [
  `服务运行于 ${url}，管理员令牌在 ${dataDir}/admin-token。按 Ctrl-C 停止。另开一个终端可试：`,
  `  ${rectrail} dashboard --org CN-330200-JT --valid-at 2022-02-28 --known-at 2022-04-29`,
  `  ${rectrail} deadlines --org CN-330200-JT --valid-at 2022-07-01 --known-at 2022-06-30   # 此后若再无消息，哪些逾期`,
  `  ${rectrail} discrepancies   # 通报数与实列数的出入`,
  `  ${rectrail} issues --org CN-430903-JT --state PHASED`,
  `  ${url}/openapi.json   # 接口说明`,
] : [
  `Serving at ${url}; the administrator's token is in ${dataDir}/admin-token. Ctrl-C stops it. In a second terminal try:`,
  `  ${rectrail} dashboard --org CN-330200-JT --valid-at 2022-02-28 --known-at 2022-04-29`,
  `  ${rectrail} deadlines --org CN-330200-JT --valid-at 2022-07-01 --known-at 2022-06-30   # if nothing further is heard: what is overdue?`,
  `  ${rectrail} discrepancies   # declared against found`,
  `  ${rectrail} issues --org CN-430903-JT --state PHASED`,
  `  ${url}/openapi.json   # the whole interface`,
]).join('\n');
};

const demo = async (options: GlobalOptions, env: NodeJS.ProcessEnv): Promise<void> => {
  const language = options.lang;
  const say = (text: string): void => { process.stdout.write(`${text}\n`); };
  const server = await ServerProcess.start({ ...env, RECTRAIL_LOG_LEVEL: env['RECTRAIL_LOG_LEVEL'] ?? 'warn', RECTRAIL_DATA_DIR: options.dataDir });
  const stopped = untilStopped(server);
  try {
    await server.ready();
    const client = new ApiClient({ server: server.url, token: await findToken(undefined, options.dataDir) });
    let position: number | null = null;
    for (const file of samples) position = (await importFile({ client, language }, file, { dryRun: false, complete: false })).position ?? position;
    const answers: Dashboard[] = [];
    for (const point of pointsInTime) {
      for (const org of organisations) answers.push(await client.get<Dashboard>('/dashboard', { org, ...point, ...(position !== null && { atLeast: String(position) }) }));
    }
    say(`\n${comparison(language, localInstants(answers, options.zone))}\n`);
    say(whereToLook(options, server.url, env));
  } catch (error) {
    server.stop();
    await stopped;
    throw error;
  }
  await stopped;
};

/** Starting a server from the command line, with or without the samples. */
export const addServing = (program: Command, env: NodeJS.ProcessEnv): void => {
  program.command('serve').description('start the server; RECTRAIL_* variables are its settings').action(async (_options: object, command: Command) => {
    await untilStopped(await ServerProcess.start({ ...env, RECTRAIL_DATA_DIR: command.optsWithGlobals<GlobalOptions>().dataDir }));
  });
  program.command('demo').description('start the server, import the sample ledgers, print their dashboards at two points in time, go on serving').action(async (_options: object, command: Command) => {
    await demo(command.optsWithGlobals<GlobalOptions>(), env);
  });
};
