import { isUuid } from '@rectrail/kernel';
import { schema } from '../database/rows.ts';
import { charactersOf, type RegisterKind } from '../projections/register.ts';
import { isAmong, type Condition } from './register-list.ts';

const nothing: Condition = () => 'false';

/** An id that is none finds nothing, whatever it looks like. */
export const isOfInspection = (inspectionId: string): Condition => (isUuid(inspectionId) ? (param) => `n.inspection_id = ${param(inspectionId)}::uuid` : nothing);

export const isLinkedTo = (kind: RegisterKind, issueId: string): Condition => (isUuid(issueId)
  ? (param) => `(n.id, n.name) in (select l.id, l.name from ${schema}.${kind}_issue l where l.issue_id = ${param(issueId)}::uuid)`
  : nothing);

/** The characters are looked up, then the text among what has them all. */
export const hasText = (q: string): Condition => (param) => {
  const text = q.toLowerCase();
  return `${charactersOf('n.search')} @> ${param([...new Set(text)])}::text[] and strpos(n.search, ${param(text)}) > 0`;
};

export const isOwnedBy = (owners: readonly string[]): Condition => (param) => isAmong('n.org_id', param(owners));
export const hasId = (id: string): Condition => (isUuid(id) ? (param) => `n.id = ${param(id)}::uuid` : nothing);
