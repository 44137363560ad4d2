import type { OrgId } from '@rectrail/kernel';
import { schema } from '../database/rows.ts';
import { isOfKind } from '../projections/stream-keys.ts';
import type { ReadSession } from './read-session.ts';

/**
 * Contents that are gone by law and that figures at the position read could have rested on: of issues, measures and funds cases, recorded by then, and not taken out by an
 * `entered-in-error` recorded by then. When they were true or known went with them, so validAt and knownAt do not matter. A purge recorded later counts too: no cut brings a
 * content back.
 */
export const purgedContents = async ({ tx, cut, purges }: Pick<ReadSession, 'tx' | 'cut' | 'purges'>, owners: ReadonlySet<OrgId> | null): Promise<number> => {
  if (!purges) return 0;
  const [row] = await tx.query<{ purged: number }>(
    `select count(*)::int as purged from ${schema}.event e cross join lateral (select (e.fact #>> '{event,data,position}')::bigint as position) target
      where e.type = 'ContentPurged' and target.position <= $1 and ($2::uuid[] is null or e.org_id in (select unnest($2::uuid[])))
        and ${isOfKind('e.stream', 'issue-', 'measure-', 'funds-case-')}
        and not exists (select from ${schema}.event_retracted r
          where r.position = target.position and r.known_from = '-infinity' and r.pos_from <= $1 and $1 < r.pos_to)`, [cut.atPosition, owners === null ? null : [...owners]],
  );
  return row?.purged ?? 0;
};
