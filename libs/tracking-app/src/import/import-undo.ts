import { jurisdictionOf } from '@rectrail/access';
import type { StagedFact, UnitOfWork } from '@rectrail/event-store';
import { dayIn, isUuid, lastDay, type OrgId, type StreamId } from '@rectrail/kernel';
import { administrativeTreeId, streams, treeAt, type OrganisationTreeEvent, type TrackingEvent } from '@rectrail/tracking-domain';
import { setImmediate } from 'node:timers/promises';
import { CommandRejected } from '../command-rejected.ts';
import { countingOn, factsOf } from '../situation.ts';
import { writtenBy, type WrittenEvents } from './import-log.ts';
import { decideTakingBack, type TakingBack } from '../retraction.ts';
import type { UndoRequest, UndoResult } from './import-service.ts';
import { lookupsNow, type ImportPorts } from './import-ports.ts';

/** Streams looked at between two turns of others. */
const streamsPerTurn = 200;

/** @throws CommandRejected `import-undone` where the import's own record counts no more. */
const checkStanding = async (unit: UnitOfWork, written: WrittenEvents, request: UndoRequest): Promise<void> => {
  const source = [...written.keys()].find((streamId) => streamId.startsWith('source-'));
  const facts = source === undefined ? [] : await factsOf<TrackingEvent>(unit, source);
  const record = facts.find((fact) => fact.event.type === 'SourceIngested' && fact.commandId === request.importId);
  if (record === undefined) throw new CommandRejected('unknown-import', `${request.importId} is no import`);
  const stands = countingOn(unit, facts, lastDay).some((fact) => fact.eventId === record.eventId);
  if (!stands) throw new CommandRejected('import-undone', `import ${request.importId} was undone already`);
};

const checkJurisdiction = async (unit: UnitOfWork, takingBack: TakingBack, request: UndoRequest, zone: string): Promise<void> => {
  const treeFacts = await factsOf<OrganisationTreeEvent>(unit, streams.organisationTree(administrativeTreeId));
  const tree = treeAt(countingOn(unit, treeFacts, dayIn(zone, unit.now)));
  const jurisdiction = jurisdictionOf(request.actor, (orgId) => tree.orgs.get(orgId)?.parentId ?? null);
  const owners = new Set<OrgId | null>();
  for (const [streamId, retractions] of takingBack) {
    const named = new Set(retractions.flatMap(namedBy));
    for (const fact of await factsOf<TrackingEvent>(unit, streamId)) if (named.has(fact.eventId)) owners.add(fact.scope.orgId);
  }
  const refused = [...owners].filter((orgId) => !jurisdiction.mayActOn(orgId));
  if (refused.length > 0) {
    throw new CommandRejected('outside-jurisdiction', `the import speaks of ${refused.length} organisation(s) on which this token may not act`, { extensions: { orgIds: refused } });
  }
};

const namedBy = (fact: StagedFact): readonly string[] => {
  const event = fact.event as TrackingEvent;
  return event.type === 'FactsRetracted' ? event.data.eventIds : [];
};

const work = async (unit: UnitOfWork, request: UndoRequest, ports: ImportPorts): Promise<Pick<UndoResult, 'retracted' | 'dependents'>> => {
  // The store looks for UUIDs alone.
  const written = isUuid(request.importId) ? await writtenBy(ports.store, request.importId) : null;
  if (written === null) throw new CommandRejected('unknown-import', `there is no import ${request.importId}`);
  await unit.loadMany([...written.keys()]);
  await checkStanding(unit, written, request);
  const { reason, withDependents, actor } = request;
  const nothingInstead = new Map<StreamId, readonly StagedFact[]>();
  const takingBack = await decideTakingBack(unit, { named: written, stated: nothingInstead, kind: 'entered-in-error', reason, withDependents, actor, lookups: lookupsNow(ports) });
  await checkJurisdiction(unit, takingBack, request, ports.zone);
  let done = 0;
  for (const [streamId, retractions] of takingBack) {
    unit.stage(streamId, retractions);
    done += 1;
    if (done % streamsPerTurn === 0) await setImmediate();
  }
  const retracted = [...takingBack.values()].flat().reduce((sum, fact) => sum + namedBy(fact).length, 0);
  return { retracted, dependents: retracted - [...written.values()].reduce((sum, eventIds) => sum + eventIds.length, 0) };
};

/**
 * Takes an import back: afterwards every figure and list equals the one before, while the log shows both.
 *
 * @throws CommandRejected `unknown-import`, `import-undone`, `built-upon`, `outside-jurisdiction`
 */
export const undoImport = async (request: UndoRequest, ports: ImportPorts): Promise<UndoResult> => {
  const { commandId, correlationId, importId, dryRun } = request;
  if (dryRun) {
    const { result } = await ports.runner.preview({ commandId, correlationId }, (unit) => work(unit, request, ports));
    return { importId, dryRun, position: null, ...result };
  }
  const { result, position } = await ports.runner.run({ commandId, correlationId, fingerprint: `undo ${importId}` }, (unit) => work(unit, request, ports));
  return { importId, dryRun, position, ...result };
};
