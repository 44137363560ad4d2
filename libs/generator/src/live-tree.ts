import { position, type Day, type EventId, type Fact, type OrgId } from '@rectrail/kernel';
import {
  countingOnAnyDay, effectiveDay, isCurrentOrg, treeAt, type FactsRetracted, type LeftOutEdge, type OrganisationTreeEvent, type OrgNode, type OrgTree,
} from '@rectrail/tracking-domain';

type TreeFact = Fact<OrganisationTreeEvent | FactsRetracted>;
const everyPosition = position(Number.MAX_SAFE_INTEGER);

/**
 * The administrative tree as it stands after the last fact. `treeAt` folds a whole tree anew, 10 ms for 10,000 organisations: too long for each
 * of their registrations. Facts that come in the order of their days are put in their place here; after any other, a retraction above all, the whole is folded.
 */
export class LiveTree implements OrgTree {
  #tree: OrgTree['tree'] = null;
  #orgs = new Map<OrgId, OrgNode>();
  #children = new Map<OrgId, Set<OrgId>>();
  #codes = new Map<string, OrgNode>();
  #lastDay: Day | '' = '';
  readonly #facts: TreeFact[] = [];

  /** By version; not to be changed. */
  get facts(): readonly TreeFact[] {
    return this.#facts;
  }

  /** No fact recorded takes effect after it. */
  get lastDay(): Day | '' {
    return this.#lastDay;
  }

  get tree(): OrgTree['tree'] {
    return this.#tree;
  }

  get orgs(): ReadonlyMap<OrgId, OrgNode> {
    return this.#orgs;
  }

  get roots(): readonly OrgId[] {
    return [...this.#orgs.values()].filter((org) => org.parentId === null).map((org) => org.orgId);
  }

  /** None: what is decided on this tree closes no cycle. */
  readonly leftOut: readonly LeftOutEdge[] = [];

  children(orgId: OrgId): readonly OrgId[] {
    return [...this.#children.get(orgId) ?? []];
  }

  subtree(orgId: OrgId): readonly OrgId[] {
    return this.#orgs.has(orgId) ? [orgId, ...this.children(orgId).flatMap((child) => this.subtree(child))] : [];
  }

  byCode(code: string): OrgNode | null {
    return this.#codes.get(code) ?? null;
  }

  isWithin(orgId: OrgId, ancestorId: OrgId): boolean {
    for (let at: OrgId | null = this.#orgs.has(orgId) ? orgId : null; at !== null; at = this.#orgs.get(at)?.parentId ?? null) if (at === ancestorId) return true;
    return false;
  }

  add(fact: TreeFact): void {
    this.#facts.push(fact);
    const { event } = fact;
    if (event.type === 'FactsRetracted' || (fact.validTime !== null && effectiveDay(fact) < this.#lastDay)) {
      this.#foldAll();
      return;
    }
    if (fact.validTime !== null) this.#lastDay = effectiveDay(fact);
    this.#put(event, fact.eventId, fact.validTime?.last ?? null);
  }

  /** As it stands without these facts. */
  without(eventIds: readonly EventId[]): OrgTree {
    const counting = countingOnAnyDay(this.#facts, { atPosition: everyPosition, knownAt: this.#knownAt() });
    return treeAt(counting.filter((fact) => !eventIds.includes(fact.eventId)));
  }

  #knownAt(): Fact['recordedAt'] {
    const last = this.#facts.at(-1);
    if (last === undefined) throw new Error('the tree has no fact');
    return last.recordedAt;
  }

  #put(event: OrganisationTreeEvent, eventId: EventId, day: Day | null): void {
    if (event.type === 'TreeOpened') {
      this.#tree = event.data;
      return;
    }
    const { orgId } = event.data;
    if (event.type === 'OrgRegistered') {
      this.#place({ ...event.data, mergedInto: null, mergedOn: null, dissolvedOn: null, registeredBy: eventId, placedBy: eventId }, null);
      return;
    }
    const org = this.#orgs.get(orgId);
    if (org === undefined) return;
    switch (event.type) {
      case 'OrgMoved': this.#place({ ...org, parentId: event.data.parentId, placedBy: eventId }, org); return;
      case 'OrgRenamed': this.#place({ ...org, name: event.data.name, code: event.data.code }, org); return;
      case 'OrgMerged': this.#place({ ...org, parentId: event.data.successorId, mergedInto: event.data.successorId, mergedOn: day, placedBy: eventId }, org); return;
      case 'OrgDissolved': this.#place({ ...org, dissolvedOn: day }, org);
    }
  }

  #place(org: OrgNode, before: OrgNode | null): void {
    this.#orgs.set(org.orgId, org);
    if (before === null || before.parentId !== org.parentId) this.#hang(org, before?.parentId ?? null);
    if (before !== null && before.code !== org.code && this.#codes.get(before.code)?.orgId === org.orgId) this.#codes.delete(before.code);
    const holder = this.#codes.get(org.code);
    if (holder === undefined || holder.orgId === org.orgId || isCurrentOrg(org)) this.#codes.set(org.code, org);
  }

  #hang({ orgId, parentId }: OrgNode, from: OrgId | null): void {
    if (from !== null) this.#children.get(from)?.delete(orgId);
    if (parentId === null) return;
    const siblings = this.#children.get(parentId);
    if (siblings === undefined) this.#children.set(parentId, new Set([orgId]));
    else siblings.add(orgId);
  }

  #foldAll(): void {
    const counting = countingOnAnyDay(this.#facts, { atPosition: everyPosition, knownAt: this.#knownAt() });
    const folded = treeAt(counting);
    this.#tree = folded.tree;
    this.#orgs = new Map(folded.orgs);
    this.#children = new Map([...folded.orgs.keys()].map((orgId) => [orgId, new Set(folded.children(orgId))]));
    this.#codes = new Map([...folded.orgs.values()].flatMap(({ code }) => { const holder = folded.byCode(code); return holder === null ? [] : [[code, holder]]; }));
    this.#lastDay = counting.reduce<Day | ''>((last, fact) => (fact.validTime !== null && fact.validTime.last > last ? fact.validTime.last : last), '');
  }
}
