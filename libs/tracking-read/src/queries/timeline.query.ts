import { streamVersion, type FundsCaseId, type InspectionId, type IssueId, type MeasureId, type OrgId, type StreamId } from '@rectrail/kernel';
import { streams } from '@rectrail/tracking-domain';
import type { PurgedContent, TimelineAnswer, TimelineKind } from './answers.ts';
import { beliefEvent, beliefsOf, factsOfOrganisation } from './beliefs.ts';
import { streamInSight, type TrackingFact } from './counting-facts.ts';
import { findOrg, readAt, type ReadContext, type ReadSession } from './read-session.ts';
import type { ReadRequest } from './requests.ts';
import type { ReadRejectionCode } from './tracking-read.ts';

/** Which stream an id names, and what an id that names none is refused with. */
const streamOf: Readonly<Record<Exclude<TimelineKind, 'organisation'>, readonly [of: (id: string) => StreamId, unknown: ReadRejectionCode]>> = {
  issue: [(id) => streams.issue(id as IssueId), 'unknown-issue'],
  measure: [(id) => streams.measure(id as MeasureId), 'unknown-measure'],
  fundsCase: [(id) => streams.fundsCase(id as FundsCaseId), 'unknown-funds-case'],
  inspection: [(id) => streams.inspection(id as InspectionId), 'unknown-inspection'],
};

interface Told { readonly id: string; readonly orgId: OrgId | null; readonly stream: readonly TrackingFact[]; readonly version: number }

/** In the administrative tree, or the first other one in which it stands. */
const organisationStream = (session: ReadSession, idOrCode: string): Told => {
  const { reference, cut } = session;
  const { orgId } = findOrg(session, idOrCode);
  for (const { treeId, version } of reference.trees(cut.atPosition)) {
    if (!reference.tree(treeId, cut).orgs.has(orgId)) continue;
    return { id: orgId, orgId, stream: factsOfOrganisation(reference.facts(streams.organisationTree(treeId), cut.atPosition), orgId), version };
  }
  throw new Error(`organisation ${orgId} was found in a tree and is in none`);
};

const aggregateStream = async (context: ReadContext, session: ReadSession, kind: keyof typeof streamOf, id: string): Promise<Told> => {
  const [of, unknown] = streamOf[kind];
  return { id, ...await streamInSight(context, session, of(id), unknown) };
};

const purgesIn = (stream: readonly TrackingFact[]): readonly PurgedContent[] => stream.flatMap((fact) => {
  if (fact.event.type !== 'ContentPurged') return [];
  const { eventId, position, reason, legalBasis } = fact.event.data;
  return [{ eventId, position, reason, legalBasis, by: beliefEvent(fact) }];
});

/** Every belief about one thing. @throws ReadRejected `unknown-issue` and the like, `outside-jurisdiction`. */
export const timeline = (context: ReadContext, kind: TimelineKind, id: string, request: ReadRequest): Promise<TimelineAnswer> =>
  readAt(context, request, async (session) => {
    const told = kind === 'organisation' ? organisationStream(session, id) : await aggregateStream(context, session, kind, id);
    return {
      cut: session.cut, kind, id: told.id, orgId: told.orgId, streamVersion: streamVersion(told.version),
      beliefs: beliefsOf(kind, told.stream, session.cut), purges: purgesIn(told.stream),
    };
  });
