import { schema } from '../database/rows.ts';
import { fundsKind } from '../projections/funds-register.ts';
import { listedOwners } from './org-order.ts';
import type { ReadSession } from './read-session.ts';
import { isAmong, linkedIssues, noGuess, type Condition, type Wanted } from './register-list.ts';
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
  `exists (select from ${schema}.funds_issue l join ${schema}.funds_row m on m.id = l.id and m.name = l.name
            where l.issue_id = r.id and ${atCut('m', ['$1', '$2', '$3'])} and m.state = any(${param(kinds)}::smallint[]) offset 0)`;

/** To ask one issue for its cases, in µs. */
const asking = 10;

/** Conditions on issues, by the cases of money that name them. */
export const withMoney = async (session: ReadSession, money: MoneyChoice): Promise<Pick<Wanted, 'rows' | 'names' | 'judging'>> => {
  if (money === 'none') return { rows: [(param) => `not ${hasCase(kindsWithMoney.any)(param)}`], names: [], judging: asking };
  const states = kindsWithMoney[money];
  const ids = await linkedIssues(session, { kind: 'funds', ...listedOwners(session, null), states, rows: [], names: [], judging: 0, guess: noGuess }, casesMax);
  return ids === null ? { rows: [hasCase(states)], names: [], judging: asking } : { rows: [], names: [(param) => isAmong('n.id', param(ids))], judging: 0 };
};
