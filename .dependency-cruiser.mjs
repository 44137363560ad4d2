import { layers } from './tools/layers.mjs';

const spec = '\\.spec\\.ts$|/testing/';

/** A package may import itself and what the table names; specs may also use `testing` of other packages. */
const layerRules = Object.entries(layers).map(([from, allowed]) => ({
  name: `layer-${from.replace('/', '-')}`,
  severity: 'error',
  from: { path: `^${from}/src/`, pathNot: spec },
  to: { path: '^(libs|apps)/', pathNot: [`^${from}/`, ...allowed.map((name) => `^libs/${name}/`)] },
}));

export default {
  forbidden: [
    ...layerRules,
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-orphans', severity: 'error', from: { orphan: true, pathNot: ['\\.d\\.ts$', 'src/index\\.ts$', 'src/main\\.ts$', '\\.spec\\.ts$'] }, to: {} },
    { name: 'domain-is-pure', severity: 'error', from: { path: '^libs/tracking-domain/src/', pathNot: ['/wire/', spec] }, to: { dependencyTypes: ['npm', 'npm-dev', 'core'], pathNot: '^libs/' } },
    { name: 'domain-knows-no-wire', severity: 'error', from: { path: '^libs/tracking-domain/src/', pathNot: ['/wire/', 'src/index\\.ts$', spec] }, to: { path: '^libs/tracking-domain/src/.*/wire/' } },
    // The figures module judges the read models: neither they nor the package's front door may lead to its computations. Definitions are shared words.
    { name: 'oracle-stands-apart', severity: 'error', from: { path: '^libs/(tracking-read/src/|tracking-domain/src/(index\\.ts$|(?!figures/)[^/]+/))', pathNot: spec }, to: { path: '^libs/tracking-domain/src/figures/', pathNot: 'figures/definitions\\.ts$' } },
    { name: 'kernel-imports-nothing', severity: 'error', from: { path: '^libs/kernel/src/', pathNot: spec }, to: { dependencyTypes: ['npm', 'core'] } },
    { name: 'pg-only-in-its-owners', severity: 'error', from: { path: '^(libs|apps)/', pathNot: ['^libs/(event-store-postgres|platform|tracking-read|projections)/', spec] }, to: { path: 'node_modules/pg/' } },
    { name: 'kafkajs-only-in-messaging', severity: 'error', from: { path: '^(libs|apps)/', pathNot: '^libs/messaging/' }, to: { path: 'node_modules/kafkajs/' } },
    { name: 'nothing-imports-apps', severity: 'error', from: { path: '^libs/' }, to: { path: '^apps/' } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '/dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: { conditionNames: ['source', 'import', 'node', 'default'], exportsFields: ['exports'] },
  },
};
