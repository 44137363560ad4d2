import type { Day, DomainEvent, Fact, OrgId, StreamVersion } from '@rectrail/kernel';
import {
  effectiveDay, organisationTreeEventDefinitions, orgLevels, wire,
  type FactsRetracted, type OrganisationTreeEvent, type OrgLevel,
} from '@rectrail/tracking-domain';
import { z } from 'zod';
import { contractOf } from './contract.ts';

const orgId = wire.uuidOf<OrgId>();

export const organisationState = z.object({
  orgId,
  code: wire.title,
  name: wire.title,
  level: z.enum(orgLevels),
  parentId: orgId.nullable().describe('the newest place recorded, the successor of a merged organisation; null for a root. Where places contradict each other, GET /organisations says how they are laid'),
  mergedInto: orgId.nullable(),
  mergedOn: wire.day.nullable(),
  dissolvedOn: wire.day.nullable(),
});

interface Place { readonly parentId: OrgId | null; readonly version: StreamVersion }

/**
 * One organisation from its own facts alone, as the domain's tree keeps it before the edges are laid: laying looks at all organisations, so that
 * a fact about one could change another of which no message tells.
 */
interface FoldedOrganisation {
  readonly orgId: OrgId;
  readonly code: string;
  readonly name: string;
  readonly level: OrgLevel;
  readonly placement: Place;
  readonly merger: Place | null;
  readonly mergedOn: Day | null;
  readonly dissolvedOn: Day | null;
}

type Change = Exclude<OrganisationTreeEvent, DomainEvent<'TreeOpened' | 'OrgRegistered'>>;

const changed = (s: FoldedOrganisation, event: Change, fact: Fact): FoldedOrganisation => {
  switch (event.type) {
    case 'OrgMoved': return { ...s, placement: { parentId: event.data.parentId, version: fact.streamVersion } };
    case 'OrgRenamed': return { ...s, name: event.data.name, code: event.data.code };
    case 'OrgMerged': {
      const { streamVersion: version } = fact;
      // The place that it had until this day is over; one that it is given for a later day competes with the successor.
      return { ...s, placement: { parentId: null, version }, merger: { parentId: event.data.successorId, version }, mergedOn: effectiveDay(fact) };
    }
    case 'OrgDissolved': return { ...s, dissolvedOn: effectiveDay(fact) };
  }
};

const fold = (s: FoldedOrganisation | null, fact: Fact<OrganisationTreeEvent | FactsRetracted>): FoldedOrganisation | null => {
  const { event } = fact;
  if (event.type === 'FactsRetracted' || event.type === 'TreeOpened') return s;
  if (event.type !== 'OrgRegistered') return s === null ? s : changed(s, event, fact);
  const { parentId, ...identity } = event.data;
  return { ...identity, placement: { parentId, version: fact.streamVersion }, merger: null, mergedOn: null, dissolvedOn: null };
};

/** The newest recorded of the places that name a parent. */
const parentOf = ({ placement, merger }: FoldedOrganisation): OrgId | null => {
  if (merger === null) return placement.parentId;
  return placement.parentId !== null && placement.version > merger.version ? placement.parentId : merger.parentId;
};

const tell = (s: FoldedOrganisation | null): z.output<typeof organisationState> | null => {
  if (s === null) return null;
  const { code, name, level, mergedOn, dissolvedOn } = s;
  return { orgId: s.orgId, code, name, level, parentId: parentOf(s), mergedInto: s.merger?.parentId ?? null, mergedOn, dissolvedOn };
};

export const organisationContract = contractOf<OrganisationTreeEvent, FoldedOrganisation | null, typeof organisationState>({
  noun: 'organisations', singular: 'organisation', events: organisationTreeEventDefinitions, state: organisationState, initial: null, fold, tell,
});
