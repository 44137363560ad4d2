import { lastDay, lastInstant, type Cut, type Fact, type OrgId, type Position, type StreamId, type TreeId } from '@rectrail/kernel';
import type { Transaction } from '@rectrail/projections';
import {
  administrativeTreeId, calendarAt, policyAt, streams, treeAt,
  type FactsRetracted, type OrganisationTreeEvent, type OrgTree, type PolicyContent, type PolicyEvent, type TrackingEvent, type WorkingCalendar, type WorkingCalendarEvent,
} from '@rectrail/tracking-domain';
import { schema } from '../database/rows.ts';
import { inFoldOrder, standingAt, standings, type Standing } from '../timeline/standing.ts';

type TrackingFact = Fact<TrackingEvent>;

/** Trees kept folded, by what makes them differ; reads of one day and the present share one. */
const treesKeptMax = 16;

const treePrefix = 'org-tree-';

interface StandingAtVersion {
  readonly version: number;
  /** In fold order. */
  readonly all: readonly Standing<TrackingFact>[];
  /** Where in either time what counts may change, in order. */
  readonly knownBounds: readonly string[];
  readonly validBounds: readonly string[];
}

const ordered = (bounds: readonly string[]): readonly string[] => [...new Set(bounds)].sort();

/** How many of the bounds have been passed. */
const passed = (bounds: readonly string[], at: string): number => {
  let low = 0;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((bounds[middle] ?? at) <= at) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** One stream, whole, and what stands of it at the position asked for last. */
class ReferenceStream {
  readonly facts: TrackingFact[] = [];
  #standing: StandingAtVersion | null = null;

  versionAt(position: Position): number {
    return this.facts.findLastIndex((fact) => fact.position <= position) + 1;
  }

  at(cut: Cut): readonly TrackingFact[] {
    return standingAt(this.#standingFor(cut).all, cut);
  }

  /** The same for cuts between which nothing of the stream begins or ceases to count. */
  keyAt(cut: Cut): string {
    const { version, knownBounds, validBounds } = this.#standingFor(cut);
    return `${version} ${passed(knownBounds, cut.knownAt)} ${passed(validBounds, cut.validAt)}`;
  }

  #standingFor(cut: Cut): StandingAtVersion {
    const version = this.versionAt(cut.atPosition);
    if (this.#standing?.version !== version) {
      const all = inFoldOrder(standings(this.facts.slice(0, version)));
      this.#standing = { version, all, knownBounds: ordered(all.flatMap((s) => [s.knownFrom, s.knownTo])), validBounds: ordered(all.map((s) => s.validFrom)) };
    }
    return this.#standing;
  }
}

/**
 * Trees, policies and calendars: few, read by every query, and events never change, so they are kept in memory and folded at the
 * cut. `refresh` reads on from where the last read stopped.
 */
export class ReferenceData {
  readonly #streams = new Map<StreamId, ReferenceStream>();
  readonly #trees = new Map<string, OrgTree>();
  #readTo = 0;

  async refresh(tx: Transaction, upTo: Position): Promise<void> {
    if (upTo <= this.#readTo) return;
    const rows = await tx.query<{ fact: TrackingFact }>(
      `select fact from ${schema}.event where position > $1 and position <= $2 and (stream_id like 'org-tree-%' or stream_id like 'policy-%' or stream_id = 'working-calendar') order by position`,
      [this.#readTo, upTo],
    );
    for (const { fact } of rows) {
      // Another read may have been faster while this one waited for its rows.
      if (fact.position <= this.#readTo) continue;
      const stream = this.#streams.get(fact.streamId) ?? new ReferenceStream();
      stream.facts.push(fact);
      this.#streams.set(fact.streamId, stream);
    }
    this.#readTo = Math.max(this.#readTo, upTo);
  }

  /** The tree by which figures roll up. */
  administrativeTree(cut: Cut): OrgTree {
    return this.tree(administrativeTreeId, cut);
  }

  tree(treeId: TreeId, cut: Cut): OrgTree {
    const streamId = streams.organisationTree(treeId);
    const key = `${streamId} ${this.#streams.get(streamId)?.keyAt(cut) ?? ''}`;
    const known = this.#trees.get(key);
    if (known !== undefined) return known;
    const tree = treeAt(this.#at<OrganisationTreeEvent>(streamId, cut));
    if (this.#trees.size >= treesKeptMax) this.#trees.delete(this.#trees.keys().next().value ?? '');
    this.#trees.set(key, tree);
    return tree;
  }

  /** Every tree with an event by then, and the version of its stream there. */
  trees(position: Position): readonly { readonly treeId: TreeId; readonly version: number }[] {
    return [...this.#streams].filter(([id]) => id.startsWith(treePrefix))
      .map(([id, stream]) => ({ treeId: id.slice(treePrefix.length) as TreeId, version: stream.versionAt(position) }))
      .filter(({ version }) => version > 0);
  }

  /** The streams of all policies, the default's included. */
  policyStreams(): readonly StreamId[] {
    return [...this.#streams.keys()].filter((id) => id.startsWith('policy-'));
  }

  /** All facts of a stream up to a position, whether they count or not. */
  facts(streamId: StreamId, upTo: Position): readonly TrackingFact[] {
    return this.#streams.get(streamId)?.facts.filter((fact) => fact.position <= upTo) ?? [];
  }

  /** The tree that roll-ups are kept on: everything recorded up to a position, on the last of days and with everything known. */
  referenceTree(position: Position): OrgTree {
    return this.administrativeTree({ atPosition: position, knownAt: lastInstant, validAt: lastDay });
  }

  /** The organisation's own policy at the cut, or null. */
  ownPolicy(orgId: OrgId, cut: Cut): PolicyContent | null {
    return policyAt(this.#at<PolicyEvent>(streams.policy(orgId), cut))?.content ?? null;
  }

  /** @throws Error before the first start of the installation, whose event it is. */
  defaultPolicy(cut: Cut): PolicyContent {
    const policy = policyAt(this.#at<PolicyEvent>(streams.defaultPolicy, cut))?.content;
    if (policy === undefined) throw new Error(`no default policy at position ${cut.atPosition}: the log is not that of an installation`);
    return policy;
  }

  calendar(cut: Cut): WorkingCalendar {
    return calendarAt(this.#at<WorkingCalendarEvent>(streams.workingCalendar, cut));
  }

  // The name of a stream says which events it holds; the codec has checked each against its schema.
  #at<E extends TrackingEvent>(streamId: StreamId, cut: Cut): readonly Fact<E | FactsRetracted>[] {
    return (this.#streams.get(streamId)?.at(cut) ?? []) as unknown as readonly Fact<E | FactsRetracted>[];
  }
}
