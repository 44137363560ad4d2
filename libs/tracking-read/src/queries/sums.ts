import type { OrgId } from '@rectrail/kernel';
import type { Transaction } from '@rectrail/projections';
import { planAnew } from '../database/data-source.ts';
import { schema } from '../database/rows.ts';
import type { FigureSums } from '../figures/figure-columns.ts';
import type { CellPoint } from '../figures/figure-points.ts';
import { keyOf } from '../projections/stream-keys.ts';
import type { ReadSession } from './read-session.ts';

/** Owners whose things are asked for; null: all. */
export type Owners = ReadonlySet<OrgId> | null;

/** Figures of a selection and of parts of it. */
export interface SumsOf { readonly whole: FigureSums; readonly parts: readonly FigureSums[] }

/** Things of one owner in one cell at the cut. */
export type CellSum = Pick<CellPoint, 'kind' | 'orgId' | 'cell' | 'n' | 'fen'>;

/** The sum of the signed points up to the cut: what is in a cell there. Reads every point of the owners (null: of all); `kind` null: of all registers. */
export const cellSums = async ({ tx, cut }: ReadSession, kind: CellPoint['kind'] | null, owners: readonly OrgId[] | null): Promise<readonly CellSum[]> => {
  await planAnew(tx);
  const rows = await tx.query<{ kind: CellPoint['kind']; org_id: OrgId; cell: string; n: string; fen: string }>(
    `select kind, org_id, cell, sum(n)::text as n, sum(fen)::text as fen from ${schema}.point
      where valid_from <= $1 and known_from <= $2 and position <= $3 and ($4::uuid[] is null or org_id = any($4)) and ($5::text is null or kind = $5)
      group by kind, org_id, cell having sum(n) <> 0 or sum(fen) <> 0`,
    [cut.validAt, cut.knownAt, cut.atPosition, owners, kind],
  );
  return rows.map(({ kind: of, org_id, cell, n, fen }) => ({ kind: of, orgId: org_id, cell, n: Number(n), fen: BigInt(fen) }));
};

/** The rectangle (or standing) that holds at the cut; `r` is the row's alias, the parameters are valid day, known instant, position. */
export const atCut = (alias: string, [validAt, knownAt, atPosition]: readonly [string, string, string], ends = `${atPosition} < ${alias}.pos_to`): string =>
  `${alias}.pos_from <= ${atPosition} and ${ends} and ${alias}.known_from <= ${knownAt} and ${knownAt} < ${alias}.known_to`
  + ` and ${alias}.valid_from <= ${validAt} and ${validAt} < ${alias}.valid_to`;

/** Versions of streams at a position, for ETags; a stream without an event by then is left out. */
export const streamVersions = async (tx: Transaction, streamIds: readonly string[], atPosition: number): Promise<ReadonlyMap<string, number>> => {
  const rows = await tx.query<{ nth: number; version: number }>(
    `select s.nth::integer as nth, e.stream_version as version from unnest($1::bytea[]) with ordinality s(stream, nth)
      cross join lateral (select stream_version from ${schema}.event where stream = s.stream and position <= $2 order by position desc limit 1) e`, [streamIds.map(keyOf), atPosition],
  );
  return new Map(rows.map(({ nth, version }) => [streamIds[nth - 1] ?? '', version]));
};
