/** What the simulation must find; each is planted in the composition of a run, never in what is delivered. */
export type Bug =
  | 'version check skipped'
  | 'acknowledged before commit'
  | 'checkpoint before rows'
  | 'follower skips on restart'
  | 'event doubled on unknown outcome'
  | 'stale leader writes';
