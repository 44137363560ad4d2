import { onDay, type Actor, type Day, type Fact, type OrgId } from '@rectrail/kernel';
import { decidePolicy, defaultPolicy, effectiveDay, evolvePolicy, streams, type PolicyContent, type PolicyEvent, type PolicyInForce } from '@rectrail/tracking-domain';
import { StreamEnd, type Entry, type Journal } from './journal.ts';

interface Kept { readonly end: StreamEnd; readonly facts: Fact<PolicyEvent>[] }

/** The default policy and those of organisations, as adopted so far. None is retracted. */
export class Policies {
  readonly #journal: Journal;
  readonly #kept = new Map<OrgId | null, Kept>();

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** The one in force for the organisation on that day. */
  on(orgId: OrgId | null, day: Day): PolicyContent {
    return (orgId === null ? null : this.#inForce(orgId, day))?.content ?? this.#inForce(null, day)?.content ?? defaultPolicy;
  }

  /** The installation's first, which holds from the beginning of time. */
  begin(actor: Actor): void {
    const event: PolicyEvent = { type: 'PolicyAdopted', data: { ...defaultPolicy, orgId: null } };
    this.#record(null, event, { actor, validTime: null, classification: 'public' });
  }

  adopt(orgId: OrgId | null, content: PolicyContent, from: Day, entry: Pick<Entry, 'actor' | 'knownTime' | 'source' | 'classification'>): void {
    const validTime = onDay(from);
    const inForce = this.#inForce(orgId, from);
    const decision = decidePolicy({ type: 'AdoptPolicy', on: validTime, by: entry.actor, data: { ...content, orgId } }, { then: inForce, now: inForce, today: this.#journal.today });
    if (decision.ok) for (const event of decision.events) this.#record(orgId, event, { ...entry, validTime });
  }

  #record(orgId: OrgId | null, event: PolicyEvent, entry: Omit<Entry, 'event' | 'scope'>): void {
    const kept = this.#kept.get(orgId) ?? { end: new StreamEnd(orgId === null ? streams.defaultPolicy : streams.policy(orgId)), facts: [] };
    this.#kept.set(orgId, kept);
    kept.facts.push(this.#journal.record(kept.end, { ...entry, event, scope: { orgId } }));
  }

  #inForce(orgId: OrgId | null, day: Day): PolicyInForce | null {
    const facts = this.#kept.get(orgId)?.facts ?? [];
    return facts.filter((fact) => effectiveDay(fact) <= day).toSorted((a, b) => (effectiveDay(a) < effectiveDay(b) ? -1 : 1)).reduce<PolicyInForce | null>(evolvePolicy, null);
  }
}
