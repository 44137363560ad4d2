import { EventStoreError, sha256Hex, type EventStore, type UnitOfWork } from '@rectrail/event-store';
import type { Actor, StreamId } from '@rectrail/kernel';
import { streams } from '@rectrail/tracking-domain';
import { setImmediate } from 'node:timers/promises';
import { decideImport, sourceIngested, type ImportDecision } from './import-decision.ts';
import type { ImportProgress, ImportRequest, ImportResult, ImportService } from './import-service.ts';
import { lookupsNow, type ImportPorts } from './import-ports.ts';
import { listImports } from './import-list.ts';
import { decideTakingBack, type TakingBack } from '../retraction.ts';
import { undoImport } from './import-undo.ts';
import { readLedger, type Ledger } from './ledger-reader.ts';
import { withHeaderDefaults } from './ledger-references.ts';

/** Streams staged between two turns of others. */
const streamsPerTurn = 200;

/** An import's own record belongs to the organisation that it speaks of, where it speaks of one. */
const ownerOf = (decision: ImportDecision, actor: Actor): { readonly orgId: Actor['orgId'] } => {
  const owners = new Set([...decision.stated.values()].flat().map((fact) => fact.scope.orgId));
  const [only] = owners;
  return { orgId: owners.size === 1 && only !== undefined ? only : actor.orgId };
};

const sizeOf = (decision: ImportDecision, takenBack: TakingBack): number => {
  const facts = [...decision.stated.values(), ...takenBack.values()].reduce((sum, ofStream) => sum + ofStream.length, 0);
  return facts === 0 ? 0 : facts + 1;
};

const checkSize = (events: number, store: EventStore): void => {
  if (events > store.capabilities.appendEventsMax) {
    throw new EventStoreError('append-too-large', `the import comes to ${events} events, the store takes ${store.capabilities.appendEventsMax} at once. Potential solutions: split the ledger into documents`);
  }
};

/**
 * Stages each stream once: what is taken back first, then what is stated, so that ids and versions stand in one order. What is staged
 * leaves the decision, so that facts and their contents are not held at once.
 */
const stageDecision = async (unit: UnitOfWork, decision: ImportDecision, takenBack: TakingBack, onProgress: (progress: ImportProgress) => void): Promise<void> => {
  const all = new Set<StreamId>([...takenBack.keys(), ...decision.stated.keys()]);
  let done = 0;
  for (const streamId of all) {
    unit.stage(streamId, [...(takenBack.get(streamId) ?? []), ...(decision.stated.get(streamId) ?? [])]);
    decision.stated.delete(streamId);
    done += 1;
    if (done % streamsPerTurn === 0) {
      onProgress({ phase: 'appending', done, total: all.size });
      await setImmediate();
    }
  }
};

/** Without what is staged by then. */
type Worked = Pick<ImportDecision, 'results' | 'rows'> & { readonly events: number };

const work = async (unit: UnitOfWork, ledger: Ledger, request: ImportRequest, ports: ImportPorts): Promise<Worked> => {
  const onProgress = request.onProgress ?? ((): void => undefined);
  const { actor, complete } = request;
  const decision = await decideImport(unit, { ledger, actor, complete, zone: ports.zone, store: ports.store, onProgress });
  const takenBack = await decideTakingBack(unit, {
    named: decision.retracted, stated: decision.stated, kind: 'entered-in-error', reason: `restated by a later import of ${ledger.header.documentId}`, withDependents: false, actor, lookups: lookupsNow(ports),
  });
  const events = sizeOf(decision, takenBack);
  checkSize(events, ports.store);
  const owner = ownerOf(decision, actor);
  await stageDecision(unit, decision, takenBack, onProgress);
  if (events > 0) {
    unit.stage(streams.source(ledger.header.documentId), [{
      event: sourceIngested(unit.commandId, ledger, decision.rows), actor, scope: owner, validTime: null, knownTime: null, classification: ledger.header.classification ?? 'public',
    }]);
  }
  return { results: decision.results, rows: decision.rows, events };
};

const run = async (request: ImportRequest, ports: ImportPorts): Promise<ImportResult> => {
  const ledger = withHeaderDefaults(await readLedger(request.ledger, request.onProgress));
  const { documentId } = ledger.header;
  const { commandId, correlationId, dryRun } = request;
  if (dryRun) {
    const { result } = await ports.runner.preview({ commandId, correlationId }, (unit) => work(unit, ledger, request, ports));
    return { importId: null, documentId, dryRun, position: null, events: result.events, rows: result.rows, results: result.results };
  }
  const fingerprint = sha256Hex(JSON.stringify([ledger.sha256, request.complete]));
  const { position, result } = await ports.runner.run({ commandId, correlationId, fingerprint }, (unit) => work(unit, ledger, request, ports));
  return { importId: position === null ? null : commandId, documentId, dryRun, position, events: result.events, rows: result.rows, results: result.results };
};

/** Ledgers over the command runner: read and validated first, decided on the streams, written in one append. */
export const createImportService = (ports: ImportPorts): ImportService => ({
  run: (request) => run(request, ports),
  undo: (request) => undoImport(request, ports),
  list: (actor) => listImports(actor, ports),
});
