import { schema } from '../database/rows.ts';
import { fundsKind } from '../projections/funds-register.ts';
import { listedOwners } from './org-order.ts';
import type { ReadSession } from './read-session.ts';
import { linkedIssues, type Condition } from './register-list.ts';
import type { MoneyChoice } from './requests.ts';
import { atCut } from './sums.ts';

const [none, identified, cameBack, both] = [fundsKind(false, false), fundsKind(true, false), fundsKind(false, true), fundsKind(true, true)];

/** The kinds of cases that a choice asks for. */
export const kindsWithMoney: Readonly<Record<Exclude<MoneyChoice, 'none'>, readonly number[]>> = {
  any: [none, identified, cameBack, both], recovered: [cameBack, both], outstanding: [identified],
};

/** Of so few cases the issues are named; else each issue is asked for its cases. */
const casesMax = 2_000;

const hasCase = (kinds: readonly number[]): Condition => (param) =>
  `exists (select from ${schema}.funds_name f join ${schema}.funds_row m on m.id = f.id and m.name = f.name
            where f.detail -> 'issueIds' ? r.id::text and ${atCut('m', ['$1', '$2', '$3'])} and m.state = any(${param(kinds)}::smallint[]))`;

/** Conditions on issues, by the cases of money that name them. */
export const withMoney = async (session: ReadSession, money: MoneyChoice): Promise<{ readonly rows: readonly Condition[]; readonly names: readonly Condition[] }> => {
  if (money === 'none') return { rows: [(param) => `not ${hasCase(kindsWithMoney.any)(param)}`], names: [] };
  const states = kindsWithMoney[money];
  const ids = await linkedIssues(session, { kind: 'funds', ...listedOwners(session, null), states, rows: [], names: [], atMost: null }, casesMax);
  return ids === null ? { rows: [hasCase(states)], names: [] } : { rows: [], names: [(param) => `n.id = any(${param(ids)}::uuid[])`] };
};
