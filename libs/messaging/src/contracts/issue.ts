import type { Fact, FuzzyDate, InspectionId, IssueId, MeasureId, OrgId, PlanId } from '@rectrail/kernel';
import {
  completionBases, continuations, disclosures, evolveIssue, hasOpenDatedResidual, initialIssueState, issueEventDefinitions, issueStates, shownState, tracks, wire,
  type FactsRetracted, type IssueEvent, type IssueState,
} from '@rectrail/tracking-domain';
import { z } from 'zod';
import { contractOf, listOf, messageDate, onTold, plannedDate, plannedTold } from './contract.ts';

const issueId = wire.uuidOf<IssueId>();
const orgId = wire.uuidOf<OrgId>();

export const issueState = z.object({
  issueId,
  orgId,
  inspectionId: wire.uuidOf<InspectionId>(),
  numberPath: listOf(wire.title),
  aspect: wire.title.nullable(),
  heading: wire.title.nullable(),
  title: wire.title,
  strand: wire.title.nullable(),
  annex: z.boolean(),
  registeredOn: messageDate.nullable(),
  state: z.enum(issueStates).describe('the kept state'),
  shownState: z.enum([...issueStates, 'NOT_DISCLOSED']).describe('what may be shown: the kept state unless the last report hides it'),
  disclosure: z.enum(disclosures),
  statusBasis: z.enum(['LIVE', 'IMPORTED_REPORT']),
  track: z.enum(tracks),
  planned: plannedDate.nullable().describe('the deadline in force; null where none was given or a reopening ended it'),
  closedOn: wire.day.nullable().describe('since when it has been closed'),
  completionBasis: z.enum(completionBases).nullable(),
  openResiduals: wire.count,
  openDatedResidual: z.boolean(),
  continuation: z.enum(continuations),
  lookBackOn: messageDate.nullable(),
  keyAndHard: z.boolean(),
  relapseCount: wire.count,
  extensions: wire.count.describe('how often the deadline was extended'),
  disagreement: z.boolean().describe('a report says less than what the supervising side determined'),
  planId: wire.uuidOf<PlanId>().nullable(),
  departmentOrgId: orgId.nullable(),
  assistingOrgIds: listOf(orgId),
  measureIds: listOf(wire.uuidOf<MeasureId>()),
  duplicateOf: listOf(issueId),
  recurrenceOf: listOf(issueId),
});

/** The domain's fold does not keep the day of the registration. */
interface FoldedIssue { readonly issue: IssueState; readonly registeredOn: FuzzyDate | null }

const fold = ({ issue, registeredOn }: FoldedIssue, fact: Fact<IssueEvent | FactsRetracted>): FoldedIssue =>
  ({ issue: evolveIssue(issue, fact), registeredOn: fact.event.type === 'IssueRegistered' ? fact.validTime : registeredOn });

const tell = ({ issue: s, registeredOn }: FoldedIssue): z.output<typeof issueState> | null => {
  if (s.registration === null) return null;
  const { issueId: id, orgId: owner, inspectionId, numberPath, aspect, heading, title, strand, annex, assistingOrgIds } = s.registration;
  return {
    issueId: id, orgId: owner, inspectionId, numberPath, aspect, heading, title, strand, annex, registeredOn: onTold(registeredOn),
    state: s.state, shownState: shownState(s), disclosure: s.disclosure, statusBasis: s.statusBasis, track: s.track,
    planned: plannedTold(s.planned), closedOn: s.closedOn, completionBasis: s.completionBasis,
    openResiduals: s.residuals.filter(({ open }) => open).length, openDatedResidual: hasOpenDatedResidual(s),
    continuation: s.continuation, lookBackOn: onTold(s.lookBackOn), keyAndHard: s.keyAndHard, relapseCount: s.relapseCount, extensions: s.extensions.length,
    disagreement: s.disagreement, planId: s.planId, departmentOrgId: s.departmentOrgId, assistingOrgIds, measureIds: s.measureIds,
    duplicateOf: s.duplicateOf, recurrenceOf: s.recurrenceOf,
  };
};

export const issueContract = contractOf<IssueEvent, FoldedIssue, typeof issueState>({
  noun: 'issues', singular: 'issue', events: issueEventDefinitions, state: issueState, initial: { issue: initialIssueState, registeredOn: null }, fold, tell,
});
