import { streamVersion, type Fact, type OrgId } from '@rectrail/kernel';
import type { EventCodec, EventFilter, EventStore } from '@rectrail/event-store';
import { administrativeTreeId, countingOnAnyDay, streams, treeAt, type FactsRetracted, type OrganisationTreeEvent, type OrgTree } from '@rectrail/tracking-domain';
import type { MessageFilter, Noun } from './message.ts';
import { noCut } from './subject-fold.ts';
import { prefixOf } from './subjects.ts';

/** A filter as it applies now. */
export interface Selection {
  readonly noun: (noun: Noun) => boolean;
  readonly type: (type: string) => boolean;
  readonly owner: (orgId: OrgId | null) => boolean;
  /** Events of the administrative tree that `owner` rests on; 0 where it asks nothing of it. */
  readonly treeEvents: number;
}

type TreeFact = Fact<OrganisationTreeEvent | FactsRetracted>;

/** `events`: how many it is made of. */
interface CurrentTree { readonly tree: OrgTree; readonly events: number }

/** The administrative tree of all facts recorded, read on as the log grows. */
class AdministrativeTree {
  readonly #store: EventStore;
  readonly #codec: EventCodec;
  #facts: readonly TreeFact[] = [];
  #tree: OrgTree = treeAt([]);

  constructor(store: EventStore, codec: EventCodec) {
    this.#store = store;
    this.#codec = codec;
  }

  async current(): Promise<CurrentTree> {
    const { events } = await this.#store.readStream(streams.organisationTree(administrativeTreeId), { from: streamVersion(this.#facts.length + 1) });
    // Of two reads that overlap, the second to return finds the events of the first taken in, and may have come further.
    const fresh = events.filter((event) => event.streamVersion > this.#facts.length);
    if (fresh.length > 0) {
      // The stream's name says which events it holds.
      const facts = [...this.#facts, ...fresh.map((event) => this.#codec.decode(event) as TreeFact)];
      // First: facts of which no tree can be made must not leave the one before them standing.
      this.#tree = treeAt(countingOnAnyDay(facts, noCut));
      this.#facts = facts;
    }
    return { tree: this.#tree, events: this.#facts.length };
  }
}

const everything: Selection = { noun: () => true, type: () => true, owner: () => true, treeEvents: 0 };

/** Owners by the tree: within the subtrees and of one of the levels; what has no owner always. */
const ownersOf = (tree: OrgTree, { subtreeOf, within, levels }: MessageFilter): Selection['owner'] => (orgId) => {
  if (orgId === null) return true;
  const level = tree.orgs.get(orgId)?.level;
  return [subtreeOf, within].every((root) => root === undefined || orgId === root || tree.isWithin(orgId, root))
    && (levels === undefined || (level !== undefined && levels.includes(level)));
};

/** Makes filters ready to apply; one that asks for a subtree or levels reads the tree on first. */
export const createSelector = (store: EventStore, codec: EventCodec): ((filter: MessageFilter | undefined) => Promise<Selection>) => {
  const administrative = new AdministrativeTree(store, codec);
  return async (filter) => {
    if (filter === undefined) return everything;
    const { nouns, types, subtreeOf, within, levels } = filter;
    const asksTree = subtreeOf !== undefined || within !== undefined || levels !== undefined;
    const { tree, events } = asksTree ? await administrative.current() : { tree: null, events: 0 };
    return {
      noun: nouns === undefined ? everything.noun : (noun) => nouns.includes(noun),
      type: types === undefined ? everything.type : (type) => types.includes(type),
      owner: tree === null ? everything.owner : ownersOf(tree, filter),
      treeEvents: events,
    };
  };
};

/** As much of a filter as a store understands: one noun alone stands in streams of one prefix. */
export const storeFilter = (filter: MessageFilter | undefined): EventFilter => {
  const [noun, ...others] = filter?.nouns ?? [];
  const prefix = noun === undefined || others.length > 0 ? null : prefixOf(noun);
  return prefix === null ? {} : { streamPrefix: prefix };
};
