import type { InspectionId, OrgId } from '@rectrail/kernel';
import {
  evolveInspection, initialInspectionState, inspectionEventDefinitions, inspectionKinds, inspectionTypes, wire,
  type InspectionEvent, type InspectionState,
} from '@rectrail/tracking-domain';
import { z } from 'zod';
import { contractOf, listOf, messageDate, onTold } from './contract.ts';

const inspectionId = wire.uuidOf<InspectionId>();

export const inspectionState = z.object({
  inspectionId,
  orgId: wire.uuidOf<OrgId>(),
  kind: z.enum(inspectionKinds),
  types: listOf(z.enum(inspectionTypes)),
  title: wire.title,
  committee: wire.title.nullable(),
  topic: wire.title.nullable(),
  term: wire.title.nullable(),
  round: wire.count.nullable(),
  openedOn: messageDate.nullable(),
  fieldworkStartedOn: messageDate.nullable(),
  fieldworkEndedOn: messageDate.nullable(),
  feedbackOn: messageDate.nullable().describe('the clock of every issue starts here'),
  recommendations: wire.count.nullable(),
  specialChecks: listOf(wire.title),
  previousInspectionIds: listOf(inspectionId),
});

const tell = (s: InspectionState): z.output<typeof inspectionState> | null => {
  if (s.identity === null) return null;
  return {
    ...s.identity, openedOn: onTold(s.openedOn), fieldworkStartedOn: onTold(s.fieldworkStarted?.on ?? null), fieldworkEndedOn: onTold(s.fieldworkEnded?.on ?? null),
    feedbackOn: onTold(s.feedback?.on ?? null), recommendations: s.feedback?.recommendations ?? null, specialChecks: s.specialChecks, previousInspectionIds: s.previousRounds,
  };
};

export const inspectionContract = contractOf<InspectionEvent, InspectionState, typeof inspectionState>({
  noun: 'inspections', singular: 'inspection', events: inspectionEventDefinitions, state: inspectionState, initial: initialInspectionState, fold: evolveInspection, tell,
});
