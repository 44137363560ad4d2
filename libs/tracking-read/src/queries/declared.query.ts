import type { OrgId, ReportId } from '@rectrail/kernel';
import { withRecognisedBases, type DeclaredValue } from '@rectrail/tracking-domain';
import { schema } from '../database/rows.ts';
import { nameOf } from '../projections/stream-keys.ts';
import { countsAtCut } from './counting-facts.ts';
import type { ReadSession } from './read-session.ts';

interface DeclarationRow {
  readonly org_id: OrgId;
  readonly key: string;
  readonly basis: string | null;
  readonly value: string | null;
  readonly unit: string;
  readonly stream: Buffer;
}

/**
 * What each of the organisations declares in its own reports, never those below it: of each key the latest as-of, of equals the one about the
 * whole, then the latest recorded. One that declares nothing is left out. `event_declared_key` gives key after key, and of each the latest
 * that counts: what was declared before that is not read.
 */
export const declaredBy = async ({ tx, cut }: Pick<ReadSession, 'tx' | 'cut'>, orgs: readonly OrgId[]): Promise<ReadonlyMap<OrgId, readonly DeclaredValue[]>> => {
  if (orgs.length === 0) return new Map();
  const rows = await tx.query<DeclarationRow>(
    `with recursive declared as (
       select o.org_id, (select min(d.key) from ${schema}.event_declared d where d.org_id = o.org_id) as key from unnest($1::uuid[]) o(org_id)
        union all
       select k.org_id, (select min(d.key) from ${schema}.event_declared d where d.org_id = k.org_id and d.key > k.key) from declared k where k.key is not null)
     select k.org_id, k.key, d.basis, d.value, d.unit, d.stream
       from declared k cross join lateral (
         select d.basis, d.value, d.unit, d.stream from ${schema}.event_declared d where d.org_id = k.org_id and d.key = k.key and ${countsAtCut('d', ['$2', '$3', '$4'])}
          order by d.valid_from desc, d.of_the_whole desc, d.position desc limit 1) d
      order by k.org_id, k.key`,
    [orgs, cut.validAt, cut.knownAt, cut.atPosition],
  );
  const valuesOf = (ofOrg: readonly DeclarationRow[]): readonly DeclaredValue[] => withRecognisedBases(ofOrg.map(({ key, basis, value, unit, stream }) =>
    ({ key, basis, value, unit, reportId: nameOf(stream).slice('report-'.length) as ReportId })));
  return new Map([...Map.groupBy(rows, (row) => row.org_id)].map(([orgId, ofOrg]) => [orgId, valuesOf(ofOrg)]));
};
