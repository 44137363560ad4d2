import { isUuid } from '@rectrail/kernel';
import { charactersOf } from '../projections/register.ts';
import type { Condition } from './register-list.ts';

const nothing: Condition = () => 'false';

/** An id that is none finds nothing, whatever it looks like. */
export const isOfInspection = (inspectionId: string): Condition => (isUuid(inspectionId) ? (param) => `n.inspection_id = ${param(inspectionId)}::uuid` : nothing);

export const isLinkedTo = (issueId: string): Condition => (param) => `n.detail -> 'issueIds' ? ${param(issueId)}`;

/** The characters are looked up, then the text among what has them all. */
export const hasText = (q: string): Condition => (param) => {
  const text = q.toLowerCase();
  return `${charactersOf('n.search')} @> ${param([...new Set(text)])}::text[] and strpos(n.search, ${param(text)}) > 0`;
};

export const isOwnedBy = (owners: readonly string[]): Condition => (param) => `n.org_id = any(${param(owners)}::uuid[])`;
export const hasId = (id: string): Condition => (isUuid(id) ? (param) => `n.id = ${param(id)}::uuid` : nothing);
