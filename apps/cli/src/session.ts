import { Option, type Command } from 'commander';
import { ApiClient, findToken, UsageError } from './api-client.ts';
import { isZone } from './format/local-instants.ts';
import { languageOf, languages, type Language } from './format/language.ts';

/** What every command gets: a client, the language, and whether the raw answer is wanted. */
export interface Session {
  readonly client: ApiClient;
  readonly language: Language;
  readonly json: boolean;
  /** IANA name: instants are shown in it. */
  readonly zone: string;
  readonly print: (text: string) => void;
}

export interface GlobalOptions {
  readonly server: string;
  readonly token?: string;
  readonly dataDir: string;
  readonly lang: Language;
  readonly zone: string;
  readonly json?: boolean;
}

export const serverDefault = 'http://127.0.0.1:3000';
/** That of an installation unless its first start was told otherwise. */
const zoneDefault = 'Asia/Shanghai';

/** Options that stand before or after any command; the environment gives their defaults. */
export const withGlobalOptions = (program: Command, env: NodeJS.ProcessEnv): Command => program
  .option('--server <url>', 'address of the server', env['RECTRAIL_URL'] ?? serverDefault)
  .option('--token <token>', 'bearer token; default: RECTRAIL_TOKEN, else the administrator’s of the data directory')
  .option('--data-dir <dir>', 'data directory of the server on this machine', env['RECTRAIL_DATA_DIR'] ?? './data')
  .addOption(new Option('--lang <language>', 'language of the tables').choices(languages).default(languageOf(env)))
  .option('--zone <name>', 'zone in which instants are shown', env['RECTRAIL_ZONE'] ?? zoneDefault)
  .option('--json', 'print the answer of the server as it is');

const zoneNamed = (name: string): string => {
  if (isZone(name)) return name;
  throw new UsageError(`--zone is an IANA name like Asia/Shanghai, not ${name}`, `--zone 应为 Asia/Shanghai 这样的时区名，而不是 ${name}`);
};

export const sessionOf = async (options: GlobalOptions, env: NodeJS.ProcessEnv): Promise<Session> => ({
  client: new ApiClient({ server: options.server, token: await findToken(options.token ?? env['RECTRAIL_TOKEN'], options.dataDir) }),
  language: options.lang,
  json: options.json === true,
  zone: zoneNamed(options.zone),
  print: (text) => { process.stdout.write(`${text}\n`); },
});
