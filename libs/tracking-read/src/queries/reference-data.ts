import { lastDay, lastInstant, type Cut, type Fact, type OrgId, type Position, type StreamId, type TreeId } from '@rectrail/kernel';
import type { Transaction } from '@rectrail/projections';
import {
  administrativeTreeId, calendarAt, policyAt, streams,
  type FactsRetracted, type PolicyContent, type PolicyEvent, type TrackingEvent, type WorkingCalendar, type WorkingCalendarEvent,
} from '@rectrail/tracking-domain';
import { schema } from '../database/rows.ts';
import { isReferenceKey } from '../projections/stream-keys.ts';
import { ReferenceStream } from './reference-stream.ts';
import type { TreeAtCut } from './tree-at-cut.ts';
import { TreeStream } from './tree-stream.ts';

type TrackingFact = Fact<TrackingEvent>;
type PolicyFact = Fact<PolicyEvent | FactsRetracted>;
type CalendarFact = Fact<WorkingCalendarEvent | FactsRetracted>;

/** A tree of 20,000 organisations takes half a megabyte. */
const treesKeptMax = 48;
const calendarsKeptMax = 64;

const [treePrefix, policyPrefix] = ['org-tree-', 'policy-'];

/** What was last asked for, the latest last; what is beyond `max` is forgotten. */
class Latest<T> {
  readonly #values = new Map<string, T>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  get(key: string): T | undefined {
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    this.#values.delete(key);
    this.#values.set(key, value);
    return value;
  }

  set(key: string, value: T): void {
    this.#values.set(key, value);
    if (this.#values.size > this.#max) this.#values.delete(this.#values.keys().next().value ?? '');
  }
}

/**
 * What was made, by what makes it differ, once it is asked for a second time: days of the past are mostly asked about once, and what is let go at once is young garbage,
 * while what was kept for a while makes the collector go through all of the memory.
 */
class Kept<T> {
  readonly #values: Latest<T>;
  readonly #asked: Latest<true>;

  constructor(max: number) {
    this.#values = new Latest(max);
    this.#asked = new Latest(max);
  }

  get(key: string, make: () => T): T {
    const known = this.#values.get(key);
    if (known !== undefined) return known;
    const value = make();
    if (this.#asked.get(key) === undefined) this.#asked.set(key, true);
    else this.#values.set(key, value);
    return value;
  }
}

const texts = new WeakMap<object, string>();

/** Part of a policy as a text, by which it is compared: the same policy is the same object here, whatever the cut. */
export const policyText = (part: object): string => {
  const text = texts.get(part) ?? JSON.stringify(part);
  texts.set(part, text);
  return text;
};

/**
 * Trees, policies and calendars: few, read by every query, and events never change, so they are kept in memory and evaluated at the cut. `refresh` reads on from
 * where the last read stopped. Reads of one day and the present share what was made of a stream.
 */
export class ReferenceData {
  readonly #trees = new Map<TreeId, TreeStream>();
  /** By owner; null: the default. */
  readonly #policies = new Map<OrgId | null, ReferenceStream<PolicyFact>>();
  readonly #policyStreams: StreamId[] = [];
  readonly #calendar = new ReferenceStream<CalendarFact>();
  readonly #streams = new Map<StreamId, ReferenceStream<TrackingFact>>();
  readonly #treesKept = new Kept<TreeAtCut>(treesKeptMax);
  /** Of the facts that say them: the same object for the same policy, whatever the cut. */
  readonly #contents = new WeakMap<PolicyFact, PolicyContent>();
  readonly #calendarsKept = new Kept<WorkingCalendar>(calendarsKeptMax);
  #workingDaysAheadMax = 0;
  #readTo = 0;

  async refresh(tx: Transaction, upTo: Position): Promise<void> {
    if (upTo <= this.#readTo) return;
    const rows = await tx.query<{ fact: TrackingFact }>(
      `select fact from ${schema}.event where position > $1 and position <= $2 and ${isReferenceKey('stream')} order by position`,
      [this.#readTo, upTo],
    );
    // Another read may have been faster while this one waited for its rows.
    for (const { fact } of rows) if (fact.position > this.#readTo) this.#take(fact);
    this.#readTo = Math.max(this.#readTo, upTo);
  }

  /** The tree by which figures roll up. */
  administrativeTree(cut: Cut): TreeAtCut {
    return this.tree(administrativeTreeId, cut);
  }

  /** One without an event is empty. */
  tree(treeId: TreeId, cut: Cut): TreeAtCut {
    const stream = this.#trees.get(treeId) ?? new TreeStream();
    return this.#treesKept.get(`${treeId} ${stream.keyAt(cut)}`, () => stream.treeAt(cut));
  }

  /** An organisation and all below it at each of the cuts, which are of one position and go forwards in both times; the same set where it stays the same. */
  membersAlong(treeId: TreeId, orgId: OrgId, cuts: readonly [Cut, ...Cut[]]): readonly ReadonlySet<OrgId>[] {
    return (this.#trees.get(treeId) ?? new TreeStream()).membersAlong(orgId, cuts);
  }

  /** The tree that roll-ups are kept on: everything recorded up to a position, on the last of days and with everything known. */
  referenceTree(position: Position): TreeAtCut {
    return this.administrativeTree({ atPosition: position, knownAt: lastInstant, validAt: lastDay });
  }

  /** Every tree with an event by then, and the version of its stream there. */
  trees(position: Position): readonly { readonly treeId: TreeId; readonly version: number }[] {
    return [...this.#trees].map(([treeId, stream]) => ({ treeId, version: stream.versionAt(position) })).filter(({ version }) => version > 0);
  }

  /** The streams of all policies, the default's included. */
  policyStreams(): readonly StreamId[] {
    return this.#policyStreams;
  }

  /** The most working days that any policy ever recorded, whether it counts or not, looks ahead for what is due soon; 0 where all count days of the calendar. */
  get workingDaysAheadMax(): number {
    return this.#workingDaysAheadMax;
  }

  /** All facts of a stream up to a position, whether they count or not. */
  facts(streamId: StreamId, upTo: Position): readonly TrackingFact[] {
    const stream = this.#streams.get(streamId);
    return stream?.facts.slice(0, stream.versionAt(upTo)) ?? [];
  }

  /** The organisation's own policy at the cut, or null. */
  ownPolicy(orgId: OrgId, cut: Cut): PolicyContent | null {
    return this.#policy(orgId, cut);
  }

  /** Everyone's own policy at the cut. */
  ownPolicies(cut: Cut): ReadonlyMap<OrgId, PolicyContent> {
    const policies = new Map<OrgId, PolicyContent>();
    for (const [orgId, stream] of this.#policies) {
      const content = orgId === null ? null : this.#contentAt(stream, cut);
      if (orgId !== null && content !== null) policies.set(orgId, content);
    }
    return policies;
  }

  /** @throws Error before the first start of the installation, whose event it is. */
  defaultPolicy(cut: Cut): PolicyContent {
    const policy = this.#policy(null, cut);
    if (policy === null) throw new Error(`no default policy at position ${cut.atPosition}: the log is not that of an installation`);
    return policy;
  }

  calendar(cut: Cut): WorkingCalendar {
    return this.#calendarsKept.get(this.#calendar.keyAt(cut), () => calendarAt(this.#calendar.at(cut)));
  }

  #policy(orgId: OrgId | null, cut: Cut): PolicyContent | null {
    const stream = this.#policies.get(orgId);
    if (stream === undefined) return null;
    return this.#contentAt(stream, cut);
  }

  /** What was adopted last holds. */
  #contentAt(stream: ReferenceStream<PolicyFact>, cut: Cut): PolicyContent | null {
    const fact = stream.lastAt(cut);
    if (fact === undefined) return null;
    const known = this.#contents.get(fact);
    if (known !== undefined) return known;
    const content = policyAt([fact])?.content ?? null;
    if (content !== null) this.#contents.set(fact, content);
    return content;
  }

  #take(fact: TrackingFact): void {
    (this.#streams.get(fact.streamId) ?? this.#begin(fact.streamId)).add(fact);
    const { event } = fact;
    if (event.type === 'PolicyAdopted' && event.data.dueSoon.unit === 'working') this.#workingDaysAheadMax = Math.max(this.#workingDaysAheadMax, event.data.dueSoon.days);
  }

  #begin(streamId: StreamId): ReferenceStream<TrackingFact> {
    const stream = this.#streamFor(streamId);
    this.#streams.set(streamId, stream);
    return stream;
  }

  // The name of a stream says which events it holds; the codec has checked each against its schema.
  #streamFor(streamId: StreamId): ReferenceStream<TrackingFact> {
    if (streamId === streams.workingCalendar) return this.#calendar;
    if (streamId.startsWith(treePrefix)) {
      const tree = new TreeStream();
      this.#trees.set(streamId.slice(treePrefix.length) as TreeId, tree);
      return tree;
    }
    const policy = new ReferenceStream<PolicyFact>();
    this.#policyStreams.push(streamId);
    this.#policies.set(streamId === streams.defaultPolicy ? null : streamId.slice(policyPrefix.length) as OrgId, policy);
    return policy;
  }
}
