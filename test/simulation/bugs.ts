/** What the simulation must find; each is planted in the composition of a run, never in what is delivered. */
export const bugs = [
  'version check skipped', 'acknowledged before commit', 'checkpoint before rows', 'follower skips on restart', 'event doubled on unknown outcome', 'stale leader writes',
] as const;
export type Bug = (typeof bugs)[number];
