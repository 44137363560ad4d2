import type { InspectionId, IssueId, MeasureId, OrgId } from '@rectrail/kernel';
import {
  evolveMeasure, frequencies, initialMeasureState, measureEventDefinitions, measureStates, shownMeasureState, wire,
  type MeasureEvent, type MeasureState,
} from '@rectrail/tracking-domain';
import { z } from 'zod';
import { contractOf, listOf, plannedDate, plannedTold } from './contract.ts';

export const measureState = z.object({
  measureId: wire.uuidOf<MeasureId>(),
  orgId: wire.uuidOf<OrgId>(),
  inspectionId: wire.uuidOf<InspectionId>(),
  issueIds: listOf(wire.uuidOf<IssueId>()).describe('the issues that it serves, each once'),
  marker: wire.title.nullable().describe('as printed: ①, 一是'),
  title: wire.title,
  state: z.enum(measureStates).describe('the kept state'),
  shownState: z.enum([...measureStates, 'NOT_DISCLOSED']),
  frequency: z.enum(frequencies).nullable().describe('of a standing measure'),
  planned: plannedDate.nullable(),
});

const tell = (s: MeasureState): z.output<typeof measureState> | null => {
  if (s.identity === null) return null;
  const { measureId, orgId, inspectionId, marker, title } = s.identity;
  return {
    measureId, orgId, inspectionId, issueIds: s.issueIds, marker, title, state: s.state, shownState: shownMeasureState(s), frequency: s.frequency, planned: plannedTold(s.planned),
  };
};

export const measureContract = contractOf<MeasureEvent, MeasureState, typeof measureState>({
  noun: 'measures', singular: 'measure', events: measureEventDefinitions, state: measureState, initial: initialMeasureState, fold: evolveMeasure, tell,
});
