import type { OrgId, ReportId, StreamId } from '@rectrail/kernel';
import { withRecognisedBases, type DeclaredValue } from '@rectrail/tracking-domain';
import { schema } from '../database/rows.ts';
import { countsAtCut } from './counting-facts.ts';
import type { ReadSession } from './read-session.ts';

interface DeclarationRow {
  readonly org_id: OrgId;
  readonly key: string;
  readonly basis: string | null;
  readonly value: string | null;
  readonly unit: string;
  readonly stream_id: StreamId;
}

/**
 * What each of the organisations declares in its own reports, never those below it: of each key the latest as-of, of equals the one about the
 * whole, then the latest recorded. One that declares nothing is left out.
 */
export const declaredBy = async ({ tx, cut }: Pick<ReadSession, 'tx' | 'cut'>, orgs: readonly OrgId[]): Promise<ReadonlyMap<OrgId, readonly DeclaredValue[]>> => {
  if (orgs.length === 0) return new Map();
  const rows = await tx.query<DeclarationRow>(
    `select distinct on (d.org_id, d.key collate "C") d.org_id, d.key, d.basis, d.value, d.unit, d.stream_id
       from (select e.org_id,
                    (e.fact #>> '{event,data,key}')
                      || coalesce('[' || (e.fact #>> '{event,data,breakdown,by}') || '=' || (e.fact #>> '{event,data,breakdown,value}') || ']', '') as key,
                    (e.fact #> '{event,data,scope}') - 'orgsCovered' - 'orgsInScope' = '{}'::jsonb as of_the_whole,
                    e.fact #>> '{event,data,basis}' as basis,
                    case e.type when 'RollUpRateDeclared' then '%' else e.fact #>> '{event,data,quantity,unit}' end as unit,
                    case e.type when 'RollUpRateDeclared' then e.fact #>> '{event,data,value}' else e.fact #>> '{event,data,quantity,value}' end as value,
                    e.stream_id, e.valid_from, e.position
               from ${schema}.event e
              where e.type in ('RollUpDeclared', 'RollUpRateDeclared') and e.org_id = any($1) and e.fact is not null and ${countsAtCut('e', ['$2', '$3', '$4'])}) d
      order by d.org_id, d.key collate "C", d.valid_from desc, d.of_the_whole desc, d.position desc`,
    [orgs, cut.validAt, cut.knownAt, cut.atPosition],
  );
  const valuesOf = (ofOrg: readonly DeclarationRow[]): readonly DeclaredValue[] => withRecognisedBases(ofOrg.map(({ key, basis, value, unit, stream_id }) =>
    ({ key, basis, value, unit, reportId: stream_id.slice('report-'.length) as ReportId })));
  return new Map([...Map.groupBy(rows, (row) => row.org_id)].map(([orgId, ofOrg]) => [orgId, valuesOf(ofOrg)]));
};
