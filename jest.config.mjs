import { availableParallelism } from 'node:os';

/**
 * Tiers by file name: `*.spec.ts` no I/O; `*.int.spec.ts` and `*.contract.spec.ts` a real PostgreSQL; `*.e2e.spec.ts` a whole server;
 * `*.<need>.services.spec.ts` what tools/services.mjs finds or starts.
 */
const shared = {
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['source', 'node', 'node-addons'] },
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': ['@swc/jest', {
      jsc: { parser: { syntax: 'typescript', decorators: true }, transform: { legacyDecorator: true, decoratorMetadata: true }, target: 'es2024', keepClassNames: true },
      module: { type: 'es6' },
      sourceMaps: 'inline',
    }],
  },
  modulePathIgnorePatterns: ['/dist/', '/data/'],
};
const postgres = { globalSetup: '<rootDir>/test/setup/start-postgres.ts', globalTeardown: '<rootDir>/test/setup/stop-postgres.ts' };

const services = { globalSetup: '<rootDir>/test/setup/start-services.ts', globalTeardown: '<rootDir>/test/setup/stop-services.ts' };

export default {
  testTimeout: 60_000,
  // Specs wait for databases, brokers and clocks most of their time: two at once also where there are but two cores.
  maxWorkers: Math.max(2, availableParallelism() - 1),
  watchman: false,
  projects: [
    { ...shared, displayName: 'unit', testMatch: ['<rootDir>/{libs,apps,test,tools,bench}/**/*.spec.ts'], testPathIgnorePatterns: ['/node_modules/', '\\.(int|contract|e2e|services)\\.spec\\.ts$'] },
    { ...shared, ...postgres, displayName: 'int', testMatch: ['<rootDir>/{libs,apps,test}/**/*.{int,contract}.spec.ts'] },
    { ...shared, ...postgres, displayName: 'e2e', testMatch: ['<rootDir>/{apps,test}/**/*.e2e.spec.ts'] },
    { ...shared, ...services, displayName: 'services', testMatch: ['<rootDir>/{libs,apps,test}/**/*.services.spec.ts'] },
  ],
};
