import { jurisdictionOf } from '@rectrail/access';
import { newCommandId, type UnitOfWork } from '@rectrail/event-store';
import { dayIn, instantOfMs, lastDay, position, type Actor, type CommandId, type Fact, type Position, type StreamId } from '@rectrail/kernel';
import { administrativeTreeId, streams, treeAt, type OrganisationTreeEvent, type SourceEvent, type TrackingEvent } from '@rectrail/tracking-domain';
import { countingOn, factsOf } from '../situation.ts';
import type { ImportSummary } from './import-service.ts';
import type { ImportPorts } from './import-ports.ts';

const sourceStreams = async ({ store }: ImportPorts): Promise<readonly StreamId[]> => {
  const head = await store.head();
  const found = new Set<StreamId>();
  for (let after: Position = position(0); after < head.position;) {
    const page = await store.readAll({ after, filter: { types: ['SourceIngested'] } });
    for (const event of page.events) found.add(event.streamId);
    after = page.scannedTo;
  }
  return [...found];
};

const summaryOf = (fact: Fact<Extract<SourceEvent, { type: 'SourceIngested' }>>, undone: boolean): ImportSummary => {
  const { importId, documentId, title, publishedOn, rows, rowsNew, rowsChanged, rowsRemoved } = fact.event.data;
  // An import's id is that of its command.
  return { importId: importId as CommandId, documentId, title, publishedOn, recordedAt: fact.recordedAt, position: fact.position, rows, rowsNew, rowsChanged, rowsRemoved, undone };
};

const isIngestion = (fact: Fact<TrackingEvent>): fact is Fact<Extract<SourceEvent, { type: 'SourceIngested' }>> => fact.event.type === 'SourceIngested';

const summaries = async (unit: UnitOfWork, ids: readonly StreamId[], actor: Actor, zone: string): Promise<readonly ImportSummary[]> => {
  const treeFacts = await factsOf<OrganisationTreeEvent>(unit, streams.organisationTree(administrativeTreeId));
  const tree = treeAt(countingOn(unit, treeFacts, dayIn(zone, unit.now)));
  const jurisdiction = jurisdictionOf(actor, (orgId) => tree.orgs.get(orgId)?.parentId ?? null);
  const all: ImportSummary[] = [];
  await unit.loadMany(ids);
  for (const id of ids) {
    const facts = await factsOf<TrackingEvent>(unit, id);
    const counting = new Set(countingOn(unit, facts, lastDay).map((fact) => fact.eventId));
    for (const fact of facts.filter(isIngestion)) if (jurisdiction.mayActOn(fact.scope.orgId)) all.push(summaryOf(fact, !counting.has(fact.eventId)));
  }
  return all.sort((a, b) => b.position - a.position);
};

/** The imports recorded, newest first, as far as the actor may act on what they speak of. Read from the log: there are few. */
export const listImports = async (actor: Actor, ports: ImportPorts): Promise<readonly ImportSummary[]> => {
  const ids = await sourceStreams(ports);
  const nothingIsWritten = { commandId: newCommandId(instantOfMs(0)), correlationId: 'list-imports' };
  return (await ports.runner.preview(nothingIsWritten, (unit) => summaries(unit, ids, actor, ports.zone))).result;
};
