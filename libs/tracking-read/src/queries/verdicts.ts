import { addDays, daysBetween, lastDay, minDay, type Cut, type Day, type OrgId } from '@rectrail/kernel';
import { bucketOf, streams, workingDaysBetween, type Bucket, type DeadlineCondition, type PolicyContent, type WorkingCalendar } from '@rectrail/tracking-domain';
import { isClosedCondition, type IssueCell } from '../figures/cells.ts';
import type { Assumptions } from './answers.ts';
import { findOrg, type ReadSession } from './read-session.ts';

/** Judges cells by the policies and the calendar at the cut (rules.md sections 4 and 5); remembers what it had to assume. */
export class Verdicts {
  /** The one policy asked for; undefined: each owner's own. */
  readonly policy: string | undefined;
  /** Whose it is, as it was resolved; null: each owner's own. */
  readonly chosen: OrgId | 'default' | null;
  readonly #cut: Cut;
  readonly #calendar: WorkingCalendar;
  readonly #policyOf: (owner: OrgId) => PolicyContent;
  /** The one policy asked for. */
  readonly #shared: (() => PolicyContent) | null;
  readonly #own: () => ReadonlyMap<OrgId, PolicyContent>;
  readonly #default: () => PolicyContent;
  readonly #isInstalled: boolean;
  readonly #workingDaysAheadMax: number;
  readonly #policies = new Map<OrgId, PolicyContent>();
  readonly #yearsWithoutCalendar = new Set<number>();

  /** `policy`: an organisation's id or code, or `default`; undefined: each owner's own. */
  constructor(session: ReadSession, policy: string | undefined) {
    const { reference, cut } = session;
    this.policy = policy;
    this.#cut = cut;
    this.#calendar = reference.calendar(cut);
    this.#workingDaysAheadMax = reference.workingDaysAheadMax;
    this.#default = () => reference.defaultPolicy(cut);
    this.#isInstalled = reference.facts(streams.defaultPolicy, cut.atPosition).length > 0;
    const ofOwner = (owner: OrgId): PolicyContent => reference.ownPolicy(owner, cut) ?? this.#default();
    this.#own = () => reference.ownPolicies(cut);
    // Whose policy it is need not lie within the caller's jurisdiction: a policy is no secret of an organisation.
    const chosen = policy === undefined ? null : policy === 'default' ? policy : findOrg({ ...session, visible: null }, policy).orgId;
    this.chosen = chosen;
    this.#shared = chosen === null ? null : chosen === 'default' ? this.#default : () => ofOwner(chosen);
    this.#policyOf = this.#shared ?? ofOwner;
  }

  get assumptions(): Assumptions {
    return { calendarYears: [...this.#yearsWithoutCalendar].sort((a, b) => a - b) };
  }

  /** Whether a verdict may rest on a year without a calendar: the working days that policies look ahead at most reach into one. False where surely none does. */
  get mayAssumeYears(): boolean {
    if (!this.#isInstalled || this.#workingDaysAheadMax === 0) return false;
    return workingDaysBetween(this.#calendar, this.#cut.validAt, lastDay, this.#workingDaysAheadMax).yearsWithoutCalendar.length > 0;
  }

  /** The policy of everyone who has none of their own, and theirs; null before the first start of the installation. */
  get policies(): { readonly rest: PolicyContent; readonly own: ReadonlyMap<OrgId, PolicyContent> } | null {
    if (!this.#isInstalled) return null;
    return this.#shared === null ? { rest: this.#default(), own: this.#own() } : { rest: this.#shared(), own: new Map() };
  }

  /** The last day that is near by a policy: what is due by then is due soon. */
  nearUntil({ dueSoon: { days, unit } }: PolicyContent): Day {
    const { validAt } = this.#cut;
    let until = minDay(lastDay, addDays(validAt, days));
    if (unit === 'calendar') return until;
    const isNear = (due: Day): boolean => workingDaysBetween(this.#calendar, validAt, due).days <= days;
    while (until < lastDay && isNear(addDays(until, 1))) until = addDays(until, 1);
    return until;
  }

  /** Remembers the years without a calendar on which the verdict of an open date rests. */
  assumeFor(owner: OrgId, due: Day): void {
    const { days, unit } = this.#policy(owner).dueSoon;
    if (unit === 'working') this.#workingDays(this.#cut.validAt, due, days);
  }

  bucket(owner: OrgId, cell: IssueCell): Bucket {
    return bucketOf(this.#policy(owner), cell);
  }

  /** `on`: the query day, where it is not that of the cut. */
  condition(owner: OrgId, cell: IssueCell, on: Day = this.#cut.validAt): DeadlineCondition {
    if (cell.disclosure !== 'STATED') return 'NOT_DISCLOSED';
    const { deadline } = cell;
    if (isClosedCondition(deadline)) return deadline;
    if (deadline === 'NO_DEADLINE') return 'NO_DEADLINE';
    if (deadline < on) return 'OVERDUE';
    const { dueSoon } = this.#policy(owner);
    const days = dueSoon.unit === 'calendar' ? daysBetween(on, deadline) : this.#workingDays(on, deadline, dueSoon.days);
    return days <= dueSoon.days ? 'DUE_SOON' : 'ON_TRACK';
  }

  #workingDays(after: Day, upTo: Day, most: number): number {
    const { days, yearsWithoutCalendar } = workingDaysBetween(this.#calendar, after, upTo, most);
    for (const year of yearsWithoutCalendar) this.#yearsWithoutCalendar.add(year);
    return days;
  }

  #policy(owner: OrgId): PolicyContent {
    const known = this.#policies.get(owner) ?? this.#policyOf(owner);
    this.#policies.set(owner, known);
    return known;
  }
}
