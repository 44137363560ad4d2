import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readConfiguration, roles } from '@rectrail/platform';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';

// Goal: what starts in containers agrees with itself and with the server's settings, though no container engine runs here. Method: read docker-compose.yml and the Dockerfile;
// `node tools/rehearse-dockerfile.mjs` carries the steps of the image out.
const root = join(import.meta.dirname, '..');
const text = (file: string): string => readFileSync(join(root, file), 'utf8');

interface Service {
  readonly image?: string;
  readonly build?: string;
  readonly user?: string;
  readonly read_only?: boolean;
  readonly profiles?: readonly string[];
  readonly environment?: Readonly<Record<string, string | number>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, unknown>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly stop_grace_period?: string;
}

const compose: { readonly services: Readonly<Record<string, Service>>; readonly volumes: Readonly<Record<string, unknown>> } = parse(text('docker-compose.yml'), { merge: true });
const services = Object.entries(compose.services);
const servers = services.filter(([, { build }]) => build !== undefined);

/** As compose reads `${NAME:-default}` where nothing is set. */
const withDefaults = (value: string | number): string => String(value).replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1');
const environmentOf = ({ environment = {} }: Service): Record<string, string> =>
  Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, withDefaults(value)]));

describe('docker-compose.yml', () => {
  it('starts PostgreSQL alone unless more is asked for', () => {
    expect(services.filter(([, { profiles }]) => profiles === undefined).map(([name]) => name)).toEqual(['postgres']);
  });

  it('names an image of a fixed version, or builds one, and says how each is well', () => {
    for (const [name, { image, build, healthcheck }] of services) {
      if (build === undefined) expect([name, image]).toEqual([name, expect.stringMatching(/^[a-z/]+:\d/)]);
      expect([name, build !== undefined || healthcheck !== undefined]).toEqual([name, true]);
    }
  });

  it('publishes ports on the loopback address alone, each once', () => {
    const ports = services.flatMap(([, service]) => service.ports ?? []);
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
    expect(new Set(ports.map((port) => port.split(':')[1])).size).toBe(ports.length);
  });

  it('knows every volume and service that it names', () => {
    for (const [name, { volumes = [], depends_on: needs = {} }] of services) {
      expect([name, volumes.map((volume) => volume.split(':')[0] ?? '').filter((volume) => !Object.hasOwn(compose.volumes, volume))]).toEqual([name, []]);
      expect([name, Object.keys(needs).filter((other) => !Object.hasOwn(compose.services, other))]).toEqual([name, []]);
    }
  });

  it('gives servers settings that they take, and all roles to the parts', () => {
    const configured = servers.map(([, service]) => ({ service, configuration: readConfiguration(environmentOf(service)) }));
    const parts = configured.filter(({ service }) => service.profiles?.includes('parts'));
    expect(new Set(parts.flatMap(({ configuration }) => configuration.roles))).toEqual(new Set(roles));
    // Those that serve the API share the directory of the administrator's token.
    for (const { service, configuration: { roles: own } } of parts) expect([own, service.volumes ?? []]).toEqual([own, own.includes('api') ? ['data:/data'] : []]);
    expect(new Set(configured.map(({ configuration }) => configuration.databaseUrl))).toEqual(new Set(['postgres://rectrail:rectrail@postgres:5432/rectrail']));
  });

  it('lets servers write nowhere but in their volumes, and stop in their time', () => {
    for (const [name, service] of servers) {
      expect([name, service.read_only]).toEqual([name, true]);
      // The server itself gives up after its grace and 30 s.
      expect(Number(service.stop_grace_period?.replace('s', ''))).toBeGreaterThan(readConfiguration(environmentOf(service)).shutdownGraceMs / 1_000 + 30);
    }
  });
});

describe('the Dockerfile', () => {
  const lines = text('Dockerfile').replaceAll('\\\n', ' ').split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const last = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM')));

  it('runs on the Node.js of the packages', () => {
    const { devDependencies }: { readonly devDependencies: { readonly node: string } } = JSON.parse(text('package.json'));
    const major = devDependencies.node.split('.')[0];
    expect(lines.filter((line) => /^FROM node/.test(line)).map((line) => line.split(' ')[1])).toEqual([`node:${major}-slim`, `node:${major}-slim`]);
  });

  it('copies from stages and paths that there are', () => {
    const stages = lines.flatMap((line) => / AS (\S+)$/.exec(line)?.[1] ?? []);
    for (const [, stage] of text('Dockerfile').matchAll(/--from=(\S+)/g)) expect(stages).toContain(stage);
    const taken = text('.dockerignore').split('\n').filter((line) => line.startsWith('!')).map((line) => line.slice(1));
    expect(taken.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  it('leaves a server that is not root, with settings that it takes, and says how it is well', () => {
    expect(last).toContain('USER node');
    const settings = last.filter((line) => line.startsWith('ENV ')).flatMap((line) => line.slice(4).split(' ').map((pair) => pair.split('=') as [string, string]));
    expect(readConfiguration({ ...Object.fromEntries(settings), DATABASE_URL: 'postgres://db/rectrail' })).toMatchObject({ host: '0.0.0.0', port: 3000, dataDir: '/data' });
    expect(last.some((line) => line.startsWith('HEALTHCHECK'))).toBe(true);
  });
});
