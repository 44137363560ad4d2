import type { Position } from './ids.ts';
import type { Day, Instant } from './time.ts';

/** The three cuts of a read (rules.md section 2), all resolved. Only an answer with its position is final. */
export interface Cut {
  readonly atPosition: Position;
  readonly knownAt: Instant;
  readonly validAt: Day;
}
