import { isIP } from 'node:net';
import { z } from 'zod';

const mebibyte = 1_048_576;

const integer = (min: number, max: number): z.ZodCoercedNumber => z.coerce.number().int().min(min).max(max);
const isZone = (name: string): boolean => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
};

export const roles = ['api', 'projector', 'relay', 'scheduler'] as const;
export type Role = (typeof roles)[number];

const roleList = z.string().default(roles.join(','))
  .transform((text) => text.split(',').map((name) => name.trim()))
  .pipe(z.array(z.enum(roles)).min(1));

const isNetwork = (text: string): boolean => {
  const [address = '', bits = '', ...more] = text.split('/');
  const version = isIP(address);
  return more.length === 0 && version !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128);
};

const networkList = z.string().default('')
  .transform((text) => text.split(',').map((network) => network.trim()).filter((network) => network !== ''))
  .pipe(z.array(z.string().refine(isNetwork, 'no network: write 10.20.0.0/16 or fd00::/8')));

const brokerList = z.string()
  .transform((text) => text.split(',').map((broker) => broker.trim()))
  .pipe(z.array(z.string().regex(/^([^\s:/@[\]]+|\[[0-9a-f:.]+\]):\d{1,5}$/i, 'no broker: write host:port')).min(1));
const witnessList = z.string().default('')
  .transform((text) => text.split(',').map((key) => key.trim()).filter((key) => key !== ''))
  .pipe(z.array(z.string().regex(/^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}$/, 'no verifier key: write name+8 hexadecimal digits+base64')).max(16));
const onOff = z.enum(['on', 'off']).default('off').transform((word) => word === 'on');
const filePath = z.string().min(1).max(4_096);

/**
 * Every setting, with its unit, its bounds and its default: the one place where a limit of the server is named. The environment
 * variable of `commandBodyBytesMax` is RECTRAIL_COMMAND_BODY_BYTES_MAX; `databaseUrl` and `eventStoreUrl` keep the names that hosts give them.
 */
const schema = z.strictObject({
  host: z.string().min(1).default('127.0.0.1').describe('Address to listen on. Anything but a loopback address needs a proxy in front that terminates TLS.'),
  port: integer(0, 65_535).default(3000).describe('TCP port to listen on; 0 takes any free one.'),
  dataDir: z.string().min(1).default('./data').describe('Directory of the embedded PostgreSQL and of `admin-token`. Servers of the role `api` that share a database share it too: a start that finds no working `admin-token` makes a new one and revokes the earlier.'),
  databaseUrl: z.url({ protocol: /^postgres(ql)?$/ }).optional().describe('PostgreSQL 17 or later, UTF8. Without it, an embedded server runs on the data directory, for one process that is at least `api` and `projector`.'),
  eventStoreUrl: z.string().regex(/^kurrentdb(\+discover)?:\/\/./, 'no connection string of KurrentDB').optional()
    .describe('KurrentDB 26.1 or later that keeps the events, `kurrentdb://…` or `kurrentdb+discover://…`; read models and the numbering of events stay in PostgreSQL. Without it, PostgreSQL keeps the events too. A log once begun stays where it is.'),
  eventStoreAppendBytesMax: integer(mebibyte / 4, 16 * mebibyte).default(mebibyte).describe('MaxAppendSize of the KurrentDB server, bytes: what one command or one import may write. Beyond it 413.'),
  databaseConnectionsMax: integer(4, 500).default(20).describe('Connections that one pool may open.'),
  databaseTimeoutMs: integer(500, 600_000).default(10_000).describe('How long a connection to PostgreSQL is waited for, milliseconds, and a third of how long the answer to a statement is; beyond it 503. Projections and imports wait longer.'),
  zone: z.string().default('Asia/Shanghai').refine(isZone, 'no such IANA time zone').describe('Zone of all days. Fixed by the first start; another value later is ignored with a warning.'),
  jurisdiction: z.string().min(1).max(200).default('CN').describe('Jurisdiction of the administrative tree that the first start opens.'),
  roles: roleList.describe('What this process does, separated by commas: `api` serves HTTP, `projector` keeps the read models and seals the log, `relay` tells others (Kafka, webhooks), `scheduler` issues reminders.'),
  logLevel: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info').describe('Least severe level that is logged.'),
  commandBodyBytesMax: integer(1_024, 64 * mebibyte).default(mebibyte).describe('Largest body of a command, bytes; beyond it 413.'),
  importBodyBytesMax: integer(1_024, 1_024 * mebibyte).default(64 * mebibyte).describe('Largest ledger of an import over HTTP, bytes; beyond it 413.'),
  requestTimeoutMs: integer(1_000, 3_600_000).default(300_000).describe('Longest time in which a request must arrive in full, milliseconds.'),
  idempotencyHours: integer(1, 24 * 30).default(24).describe('How long an Idempotency-Key is remembered, hours.'),
  readyLagSeconds: integer(1, 86_400).default(30).describe('Not ready while a projection has left an event unread for longer than this, seconds.'),
  replaysMax: integer(0, 10_000).default(50).describe('Replays that are played at once; beyond it 503.'),
  feedReadersMax: integer(0, 10_000).default(200).describe('Streams, waiting pages and digests of the feed that are open at once; beyond it 503.'),
  webhookAllowedNetworks: networkList.describe('Networks beside the public ones to which webhooks may be sent, as CIDR separated by commas: `10.20.0.0/16,fd00::/8`.'),
  webhookRequestsMax: integer(1, 1_000).default(64).describe('Webhooks that are under way at once. One receiver (a host) gets half of them at most, and all slow ones together half.'),
  webhookSubscriptionsMax: integer(1, 10_000).default(500).describe('Subscriptions that there may be, paused and disabled ones included; a further one is refused.'),
  tracesUrl: z.url({ protocol: /^https?$/ }).optional().describe('OTLP endpoint that takes OpenTelemetry traces over HTTP, such as `http://127.0.0.1:4318/v1/traces`. Without it nothing is recorded.'),
  tracesSampledShare: z.coerce.number().min(0).max(1).default(1).describe('Share of the traces beginning here that is recorded, 0 to 1; a trace that a caller began is recorded as its caller says.'),
  leaseMs: integer(500, 600_000).default(10_000).describe('How long the work of a process that falls silent (relay, webhooks, reminders, the sealing of the log) waits before another takes it over, milliseconds.'),
  logKeyFile: filePath.optional().describe('File with the secret key that signs the checkpoints of the log, as `PRIVATE+KEY+…` of a signed note. Without it, `log-key-<epoch>` in the data directory, made by the first start of the role `projector` (mode 0600).'),
  logWitnesses: witnessList.describe('Verifier keys of witnesses whose cosignatures of checkpoints are taken (C2SP tlog-cosignature), separated by commas: `witness.example+1a2b3c4d+BA…`, at most 16.'),
  logPublishDir: filePath.optional().describe('Folder into which checkpoints of the log are published, best on another machine than the database. A start that finds more of the log there than in the database is read-only: it runs on an older copy.'),
  kafkaBrokers: brokerList.optional().describe('Some brokers of a Kafka cluster, `host:port` separated by commas. Without it nothing goes to Kafka.'),
  kafkaTopicPrefix: z.string().regex(/^[a-zA-Z0-9._-]{1,150}$/).default('rectrail').describe('First part of all topics: `rectrail.issues`, `rectrail.checkpoints` …'),
  kafkaAudience: z.enum(['public', 'internal']).default('internal').describe('To whom the topics are open: whoever may read them is told what this audience may know.'),
  kafkaTopicPartitions: integer(1, 10_000).default(6).describe('Partitions of topics that are missing and made at the start; those that are there stay as they are.'),
  kafkaReplicationFactor: z.coerce.number().int().min(-1).max(32).default(-1).describe('Replicas of topics that are made; -1 is the default of the brokers.'),
  kafkaCommands: onOff.describe('`on`: commands are taken from `<prefix>.commands` and answered on `<prefix>.replies` (role `api`).'),
  kafkaTls: onOff.describe('`on`: connections to the brokers are encrypted, and their certificates checked.'),
  kafkaTlsCaFile: filePath.optional().describe('PEM file of the certification authority of the brokers; without it, those that the system trusts.'),
  kafkaTlsCertFile: filePath.optional().describe('PEM file of the certificate by which the brokers know the server (mutual TLS).'),
  kafkaTlsKeyFile: filePath.optional().describe('PEM file of its key.'),
  kafkaSaslMechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']).optional().describe('How the server logs in to the brokers. `plain` without TLS shows the password to the network.'),
  kafkaSaslUsername: z.string().min(1).max(256).optional().describe('Name by which it logs in.'),
  kafkaSaslPassword: z.string().min(1).max(1_024).optional().describe('Its password; never logged.'),
  shutdownGraceMs: integer(0, 600_000).default(10_000).describe('How long running requests may go on after SIGTERM or SIGINT, milliseconds.'),
});

/** Settings that keep the names that hosts give them. */
const givenNames = new Map([['databaseUrl', 'DATABASE_URL'], ['eventStoreUrl', 'EVENT_STORE_URL']]);

const variableOf = (key: string): string => givenNames.get(key) ?? `RECTRAIL_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;

/** Alone on a database of its own, a process without either of these would wait for ever for what nobody else can do. */
const partsOfAWhole: readonly Role[] = ['api', 'projector'];

/** Settings that mean nothing without each other. */
const together = [['kafkaTlsCertFile', 'kafkaTlsKeyFile'], ['kafkaSaslMechanism', 'kafkaSaslUsername', 'kafkaSaslPassword']] as const;

const wholeSchema = schema.check(({ value, issues }) => {
  for (const keys of together) {
    const lacking = keys.filter((key) => value[key] === undefined);
    if (lacking.length < keys.length) for (const key of lacking) issues.push({ code: 'custom', input: undefined, path: [key], message: `missing: it goes with ${keys.map(variableOf).join(', ')}` });
  }
  if (!value.kafkaTls && [value.kafkaTlsCaFile, value.kafkaTlsCertFile].some((file) => file !== undefined)) {
    issues.push({ code: 'custom', input: undefined, path: ['kafkaTls'], message: 'off, though files for TLS are given' });
  }
  if (value.kafkaCommands && value.kafkaBrokers === undefined) issues.push({ code: 'custom', input: undefined, path: ['kafkaBrokers'], message: 'missing: commands are to come from Kafka' });

  const missing = partsOfAWhole.filter((role) => !value.roles.includes(role));
  if (value.databaseUrl !== undefined || missing.length === 0) return;
  issues.push({ code: 'custom', input: value, path: ['databaseUrl'], message: `missing: the embedded PostgreSQL serves one process, and RECTRAIL_ROLES leaves ${missing.join(', ')} to another` });
});

export type Configuration = z.output<typeof schema>;

export interface Setting { readonly key: string; readonly variable: string; readonly fallback: string; readonly description: string }

const fallbackOf = (field: z.ZodType): string => {
  const parsed = field.safeParse(undefined);
  const value: unknown = parsed.success ? parsed.data : undefined;
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  return Array.isArray(value) ? value.join(',') : typeof value === 'string' || typeof value === 'number' ? String(value) : '';
};

/** The settings in the order of the reference page. */
export const settings: readonly Setting[] = Object.entries(schema.shape).map(([key, field]) => ({
  key, variable: variableOf(key), fallback: fallbackOf(field), description: field.description ?? '',
}));

/** Read by the command line or by the tests, not by the server, which may be started with them in its environment. */
const foreignVariables = /^RECTRAIL_(URL|TOKEN|TEST_.*)$/;

export class ConfigurationInvalid extends Error {
  readonly code = 'configuration-invalid';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the configuration is invalid:\n${problems.map((problem) => `  ${problem}`).join('\n')}\nPotential solutions: docs/reference/configuration.md lists every variable with its bounds`);
    this.name = 'ConfigurationInvalid';
    this.problems = problems;
  }
}

/**
 * The configuration that `env` gives, defaults filled in. An empty variable counts as absent.
 *
 * @throws ConfigurationInvalid for a value out of bounds and for an unknown `RECTRAIL_*` name, naming every one of them.
 */
export const readConfiguration = (env: Readonly<Record<string, string | undefined>>): Configuration => {
  const keyOf = new Map(settings.map(({ variable, key }) => [variable, key]));
  const given = Object.entries(env).filter(([, value]) => value !== undefined && value !== '');
  const unknown = given.map(([name]) => name).filter((name) => name.startsWith('RECTRAIL_') && !keyOf.has(name) && !foreignVariables.test(name));
  const values = given.flatMap(([name, value]) => {
    const key = keyOf.get(name);
    return key === undefined ? [] : [[key, value] as const];
  });
  const parsed = wholeSchema.safeParse(Object.fromEntries(values));
  const problems = [
    ...unknown.map((name) => `${name}: no such setting`),
    ...(parsed.error?.issues ?? []).map((issue) => `${variableOf(String(issue.path[0]))}: ${issue.message}`),
  ];
  if (!parsed.success || problems.length > 0) throw new ConfigurationInvalid(problems);
  return parsed.data;
};

/** docs/reference/configuration.md, made from the settings themselves. */
export const configurationPage = (): string => [
  '# Configuration',
  '',
  'The server reads its settings from the environment once, at its start, and refuses to start on a value out of bounds or on an',
  'unknown `RECTRAIL_*` name. This page is generated from `libs/platform/src/configuration.ts`; a test fails where they differ.',
  '',
  '| variable | default | meaning |',
  '| --- | --- | --- |',
  ...settings.map(({ variable, fallback, description }) => `| \`${variable}\` | ${fallback === '' ? 'none' : `\`${fallback}\``} | ${description} |`),
  '',
  'The command line reads `RECTRAIL_URL`, `RECTRAIL_TOKEN` and `RECTRAIL_DATA_DIR`.',
  '',
].join('\n');
