import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** As kafka-for-tests/pom.xml has it. */
export const kafkaVersion = '4.3.0';

const pom = join(import.meta.dirname, '../../kafka-for-tests/pom.xml');
/** Jars of Maven Central, 43 MB, fetched once; git ignores the folder. */
const libDir = join(import.meta.dirname, '../../../../.services', `kafka-${kafkaVersion}`);
/** Three to eight seconds on a quiet machine. */
const startMsMax = 90_000;
const stopMsMax = 20_000;
const logLinesKept = 30;

const runs = (command: string, args: readonly string[]): boolean => spawnSync(command, args, { stdio: 'ignore' }).status === 0;

/** Why no broker can be started here; null where one can. */
export const kafkaMissing = (): string | null => {
  if (!runs('java', ['-version'])) return 'no Java (17 or later) on the path';
  return existsSync(libDir) || runs('mvn', ['-version']) ? null : 'no Maven (mvn) on the path to fetch the jars with';
};

/** Beside its place first and then moved there, so that an interrupted or a second fetch leaves nothing half done. */
const fetchJars = async (): Promise<void> => {
  if (existsSync(libDir)) return;
  await mkdir(join(libDir, '..'), { recursive: true });
  const fetched = await mkdtemp(`${libDir}-`);
  const { status, stdout, error } = spawnSync('mvn', ['-B', '-q', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${fetched}`], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`mvn could not fetch Kafka (${error?.message ?? `exit ${status ?? 'by a signal'}`}):\n${stdout}\nPotential solutions: check that Maven reaches its repository`);
  if ((await readdir(fetched)).length === 0) throw new Error('mvn fetched no jar');
  await rename(fetched, libDir).catch(async (failure: unknown) => {
    if (!existsSync(libDir)) throw failure;
    await rm(fetched, { recursive: true });
  });
};

const freePort = (): Promise<number> => new Promise((resolve, reject) => {
  const server = createServer();
  server.on('error', reject);
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    server.close(() => { if (address !== null && typeof address === 'object') resolve(address.port); else reject(new Error('no free port')); });
  });
});

/** One node that is broker and controller, without replicas. The timeouts of a dead node are short, so that a restart shows at once. */
const propertiesOf = (dir: string, port: number, controllerPort: number): string => Object.entries({
  'process.roles': 'broker,controller',
  'node.id': 1,
  'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
  'listeners': `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
  'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
  'controller.listener.names': 'CONTROLLER',
  'inter.broker.listener.name': 'PLAINTEXT',
  'log.dirs': join(dir, 'log'),
  'num.partitions': 3,
  'auto.create.topics.enable': false,
  'offsets.topic.num.partitions': 4,
  'offsets.topic.replication.factor': 1,
  'transaction.state.log.num.partitions': 4,
  'transaction.state.log.replication.factor': 1,
  'transaction.state.log.min.isr': 1,
  'share.coordinator.state.topic.replication.factor': 1,
  'share.coordinator.state.topic.min.isr': 1,
  'group.initial.rebalance.delay.ms': 0,
  'broker.session.timeout.ms': 3_000,
  'broker.heartbeat.interval.ms': 500,
}).map(([name, value]) => `${name}=${value}\n`).join('');

const java = (mainClass: string, args: readonly string[]): readonly string[] => [
  '-Xmx512m', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info', '-cp', join(libDir, '*'), mainClass, ...args,
];

const ended = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

/** A real broker of our own on a temporary directory; its address stays the same over stops and starts. */
export class KafkaBroker {
  readonly address: string;
  readonly #dir: string;
  #child: ChildProcess | null = null;

  private constructor(dir: string, port: number) {
    this.#dir = dir;
    this.address = `127.0.0.1:${port}`;
  }

  /** Fetches the jars where they are missing, formats a fresh directory and starts. @throws Error with the end of the broker's log. */
  static async open(): Promise<KafkaBroker> {
    const missing = kafkaMissing();
    if (missing !== null) throw new Error(`no Kafka broker can be started: ${missing}. Potential solutions: install Java and Maven, or name brokers in RECTRAIL_TEST_KAFKA_BROKERS`);
    await fetchJars();
    const dir = await mkdtemp(join(tmpdir(), 'rectrail-kafka-'));
    const [port, controllerPort] = [await freePort(), await freePort()];
    await writeFile(join(dir, 'server.properties'), propertiesOf(dir, port, controllerPort));
    // An id may begin with a hyphen, which alone would be taken for another option.
    const format = spawnSync('java', java('kafka.tools.StorageTool', ['format', `--cluster-id=${randomBytes(16).toString('base64url')}`, '-c', join(dir, 'server.properties')]), { encoding: 'utf8' });
    if (format.status !== 0) throw new Error(`Kafka could not format its directory: ${format.stdout}${format.stderr}`);
    const broker = new KafkaBroker(dir, port);
    await broker.start();
    return broker;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Begins where it was stopped or killed. */
  async start(): Promise<void> {
    const log: string[] = [];
    const child = spawn('java', java('kafka.Kafka', [join(this.#dir, 'server.properties')]), { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    const orphaned = (): void => { child.kill('SIGKILL'); };
    process.once('exit', orphaned);
    child.once('exit', () => { process.removeListener('exit', orphaned); });
    const keep = (chunk: Buffer): void => {
      log.push(...chunk.toString().trimEnd().split('\n'));
      log.splice(0, log.length - logLinesKept);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const deadline = performance.now() + startMsMax;
    while (!log.some((line) => line.includes('Kafka Server started'))) {
      if (ended(child) || performance.now() > deadline) {
        child.kill('SIGKILL');
        throw new Error(`the Kafka broker does not start:\n${log.join('\n')}`);
      }
      await sleep(50);
    }
  }

  /** In order, as an operator would. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  /** Without any warning: what it had not written is lost to it. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Ends it for good and removes its directory. */
  async close(): Promise<void> {
    await this.kill();
    await rm(this.#dir, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === null || ended(child)) return;
    const gone = new Promise((resolve) => { child.once('exit', resolve); });
    child.kill(signal);
    const late = setTimeout(() => { child.kill('SIGKILL'); }, stopMsMax);
    await gone;
    clearTimeout(late);
  }
}
