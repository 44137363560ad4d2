import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { configurationPage, ConfigurationInvalid, readConfiguration } from './configuration.ts';

// Goal: the server starts with what was meant or not at all. Method: environments in, configuration or named problems out.
const problemsOf = (env: Readonly<Record<string, string>>): readonly string[] => {
  try {
    readConfiguration(env);
  } catch (error) {
    if (error instanceof ConfigurationInvalid) return error.problems;
    throw error;
  }
  return [];
};

describe('the configuration', () => {
  it('binds the loopback address, port 3000, ./data and Asia/Shanghai by default', () => {
    expect(readConfiguration({})).toMatchObject({ host: '127.0.0.1', port: 3000, dataDir: './data', zone: 'Asia/Shanghai', roles: ['api', 'projector', 'relay', 'scheduler'], commandBodyBytesMax: 1_048_576, importBodyBytesMax: 67_108_864 });
  });

  it('takes numbers and lists from text, and an empty variable as absent', () => {
    expect(readConfiguration({ RECTRAIL_PORT: '8080', RECTRAIL_ROLES: 'api', RECTRAIL_HOST: '', DATABASE_URL: 'postgres://localhost/x' }))
      .toMatchObject({ port: 8080, roles: ['api'], host: '127.0.0.1', databaseUrl: 'postgres://localhost/x' });
  });

  it('refuses a part of the work on an embedded PostgreSQL, which nobody can share', () => {
    expect(problemsOf({ RECTRAIL_ROLES: 'projector' })).toEqual([expect.stringMatching(/^DATABASE_URL: missing.*leaves api to another/)]);
    expect(problemsOf({ RECTRAIL_ROLES: 'api,relay' })).toEqual([expect.stringMatching(/leaves projector to another/)]);
    expect(problemsOf({ RECTRAIL_ROLES: 'api,projector' })).toEqual([]);
    expect(problemsOf({ RECTRAIL_ROLES: 'relay', DATABASE_URL: 'postgres://localhost/x' })).toEqual([]);
  });

  it('ignores the variables of other programs', () => {
    expect(problemsOf({ PATH: '/bin', RECTRAIL_TOKEN: 'x', RECTRAIL_URL: 'http://127.0.0.1:3000' })).toEqual([]);
  });

  it('refuses an unknown RECTRAIL_ name, by name', () => {
    expect(problemsOf({ RECTRAIL_PROT: '1' })).toEqual(['RECTRAIL_PROT: no such setting']);
  });

  it.each([
    ['RECTRAIL_PORT', '65536'], ['RECTRAIL_PORT', 'http'], ['RECTRAIL_ZONE', 'Asia/Ningbo'], ['RECTRAIL_ROLES', 'api,painter'], ['RECTRAIL_LOG_LEVEL', 'loud'],
    ['DATABASE_URL', 'mysql://localhost/x'], ['RECTRAIL_COMMAND_BODY_BYTES_MAX', '0'],
  ])('refuses %s=%s, by name', (name, value) => {
    expect(problemsOf({ [name]: value })).toEqual([expect.stringContaining(`${name}: `)]);
  });

  it('takes brokers as a list, and refuses what means nothing alone', () => {
    expect(readConfiguration({ RECTRAIL_KAFKA_BROKERS: 'a.example:9092, [::1]:9093', RECTRAIL_KAFKA_TLS: 'on' })).toMatchObject({ kafkaBrokers: ['a.example:9092', '[::1]:9093'], kafkaTls: true });
    expect(problemsOf({ RECTRAIL_KAFKA_BROKERS: 'kafka://a.example:9092' })).toEqual([expect.stringMatching(/^RECTRAIL_KAFKA_BROKERS: /)]);
    expect(problemsOf({ RECTRAIL_KAFKA_SASL_USERNAME: 'rectrail' })).toEqual([expect.stringMatching(/^RECTRAIL_KAFKA_SASL_MECHANISM: missing/), expect.stringMatching(/^RECTRAIL_KAFKA_SASL_PASSWORD: missing/)]);
    expect(problemsOf({ RECTRAIL_KAFKA_TLS_CA_FILE: 'ca.pem' })).toEqual([expect.stringMatching(/^RECTRAIL_KAFKA_TLS: off/)]);
  });

  it('shows no password where it refuses one', () => {
    expect(problemsOf({ RECTRAIL_KAFKA_SASL_PASSWORD: 'geheim'.repeat(200) }).join('\n')).not.toContain('geheim');
  });

  it('names every problem at once', () => {
    expect(problemsOf({ RECTRAIL_PORT: '-1', RECTRAIL_COLOUR: 'red' })).toHaveLength(2);
  });

  it('is described on docs/reference/configuration.md (UPDATE_DOCS=1 rewrites the page)', () => {
    const page = new URL('../../../docs/reference/configuration.md', import.meta.url);
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(page, configurationPage());
    expect(readFileSync(page, 'utf8')).toBe(configurationPage());
  });
});
