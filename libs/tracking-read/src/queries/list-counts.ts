import type { OrgId } from '@rectrail/kernel';
import { addSums, noFigures, rolledUpOf, type RolledUp } from '../figures/figure-columns.ts';
import { coverOf, expansionUpTo, figureCutOf, inBoth, ownersJudgedOtherwiseAt, rolledUpSums, surplusCells } from './figures.ts';
import type { ReadSession } from './read-session.ts';

/** What has been recorded since a position is looked through as long as it is so little. */
const recordedSinceMax = 10_000;

/** What the roll-ups say of a selection, cheaply: each owner by its own policy. */
export interface ListCounts {
  readonly counts: Pick<RolledUp, 'issues' | 'measures'>;
  /** Else about: much has been recorded since the position. */
  readonly isExact: boolean;
  /** Whether that goes for buckets and conditions, too: they are judged at the cut as in the roll-ups. */
  readonly isJudged: boolean;
}

export const listCounts = async (session: ReadSession, members: ReadonlySet<OrgId> | null): Promise<ListCounts> => {
  const { cut, standing } = session;
  // Before the first event there is nothing, and no day before it either.
  if (cut.atPosition === 0) return { counts: rolledUpOf(noFigures), isExact: true, isJudged: true };
  const at = figureCutOf(session);
  let [sums = noFigures] = await rolledUpSums(session, [at], coverOf(session, [members]));
  const isExact = standing.registers - cut.atPosition <= recordedSinceMax;
  if (isExact) {
    const expansion = expansionUpTo(session, standing.registers);
    for (const point of await surplusCells(session, at, members)) sums = addSums(sums, expansion.sumsAt(point, at.validDay, at.knownDay), -1n);
  }
  const otherwise = ownersJudgedOtherwiseAt(session, at, undefined);
  return { counts: rolledUpOf(sums), isExact, isJudged: isExact && otherwise !== null && inBoth(otherwise, members).size === 0 };
};
