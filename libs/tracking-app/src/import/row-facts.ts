import { onDay, type Day, type FuzzyDate, type InspectionId, type OrgId, type StreamId } from '@rectrail/kernel';
import { administrativeTreeId, defaultPolicy, numberKey, streams, type BucketRule, type Disclosure, type FigureScope, type Quantity, type Residual, type TrackingEvent } from '@rectrail/tracking-domain';
import type { LedgerDate, LedgerHeader, LedgerRecord, LedgerRecordOf, RecordKind } from './ledger-schema.ts';
import { dateOf, ids, type LedgerWorld, type Owned } from './ledger-world.ts';

/** A fact that a row states, before it is known whether it is stated already. */
export interface RowFact {
  readonly streamId: StreamId;
  readonly event: TrackingEvent;
  readonly orgId: OrgId;
  readonly inspectionId: InspectionId | null;
  readonly validTime: FuzzyDate | null;
}

/** The facts of a row, or why its dates cannot be. */
export type RowFacts = readonly RowFact[] | RowFault;
export interface RowFault { readonly pointer: string; readonly code: string; readonly detail: string }

interface RowContext { readonly header: LedgerHeader; readonly world: LedgerWorld }

/** Thrown inside this file only, so that each kind of row reads as a list of its facts. */
class RowFaultThrown extends Error {
  readonly fault: RowFault;
  constructor(fault: RowFault) {
    super(fault.detail);
    this.fault = fault;
  }
}

/** The day from which the document was there: received by the supervising side before it was published, or published. */
const writtenBy = ({ publishedOn, receivedOn = publishedOn }: LedgerHeader): string => (receivedOn < publishedOn ? receivedOn : publishedOn);

/** A stated fact happened before its source was there; what comes later is a plan and has its own records. */
const past = (context: RowContext, on: LedgerDate, pointer: string): FuzzyDate => {
  const date = dateOf(on);
  const source = writtenBy(context.header);
  if (date.first > source) {
    throw new RowFaultThrown({ pointer, code: 'date-after-source', detail: `the source of ${source} cannot state what happens from ${date.first} on; plans are deadlines, next steps and targets` });
  }
  return date;
};

const when = (context: RowContext, on: LedgerDate | undefined, inspectionId: InspectionId | null): FuzzyDate => {
  if (on !== undefined) return past(context, on, '/on');
  const undated = context.world.undated(inspectionId);
  if (undated === null) {
    throw new RowFaultThrown({ pointer: '', code: 'as-of-before-feedback', detail: `the document is as of ${context.world.asOf}, before the feedback: an undated fact has no day` });
  }
  return undated;
};

const orNull = (date: LedgerDate | undefined): FuzzyDate | null => (date === undefined ? null : dateOf(date));

const quantityOf = (record: Pick<LedgerRecordOf<'figure' | 'observation' | 'target'>, 'value' | 'unit' | 'qualifier' | 'cumulative'>): Quantity => ({
  value: record.value, unit: record.unit, qualifier: record.qualifier, ...(record.cumulative !== undefined && { cumulative: record.cumulative }),
});

/** Without the fields that zod leaves undefined, which JSON does not have. */
const defined = <T extends object>(value: T): { readonly [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(value).filter(([, content]) => content !== undefined)) as { readonly [K in keyof T]: Exclude<T[K], undefined> };

const scopeOf = (context: RowContext, scope: LedgerRecordOf<'figure'>['scope']): FigureScope => {
  if (scope === undefined) return {};
  const { organisations, inspections, ...rest } = scope;
  return defined({ ...rest, orgIds: organisations?.map((code) => context.world.organisation(code)), inspectionIds: inspections?.map(ids.inspection) });
};

/** A fact in the stream of one issue, measure or other thing that a row adds to. */
const about = (owner: Owned, stream: StreamId, event: TrackingEvent, validTime: FuzzyDate | null): RowFact => ({ streamId: stream, event, ...owner, validTime });

type Rows = { readonly [K in RecordKind]: (context: RowContext, record: LedgerRecordOf<K>) => readonly RowFact[] };

const issueFact = (context: RowContext, record: { readonly issue: string; readonly on?: LedgerDate | undefined }, event: TrackingEvent): readonly RowFact[] => {
  const { issueId, ...owner } = context.world.issue(record.issue);
  return [about(owner, streams.issue(issueId), event, when(context, record.on, owner.inspectionId))];
};

const inspectionFacts: Rows['inspection'] = (context, record) => {
  const owner = context.world.ownerOf(record);
  const inspectionId = ids.inspection(record.key);
  const stream = streams.inspection(inspectionId);
  const feedback = past(context, record.feedback.on, '/feedback/on');
  const { start: startPrinted, end: endPrinted } = record.fieldwork ?? {};
  const start = startPrinted === undefined ? null : past(context, startPrinted, '/fieldwork/start');
  const end = endPrinted === undefined ? null : past(context, endPrinted, '/fieldwork/end');
  const opened = start ?? end ?? feedback;
  const { inspectionKind: kind, types, title, committee, topic, term, round } = record;
  return [
    about(owner, stream, { type: 'InspectionOpened', data: { inspectionId, orgId: owner.orgId, kind, types, title, committee, topic, term, round } }, opened),
    ...(record.team === null ? [] : [about(owner, stream, { type: 'TeamAssigned', data: { team: record.team } }, opened)]),
    ...(start === null ? [] : [about(owner, stream, { type: 'FieldworkStarted', data: {} }, start)]),
    ...record.specialChecks.map((check) => about(owner, stream, { type: 'SpecialCheckAttached', data: { topic: check } }, opened)),
    ...(record.previous === undefined ? [] : [about(owner, stream, { type: 'PreviousRoundLinked', data: { inspectionId: ids.inspection(record.previous) } }, opened)]),
    ...(end === null ? [] : [about(owner, stream, { type: 'FieldworkEnded', data: {} }, end)]),
    about(owner, stream, { type: 'FeedbackDelivered', data: { recommendations: record.feedback.recommendations } }, feedback),
  ];
};

const planFacts: Rows['plan'] = (context, record) => {
  const { orgId, inspectionId } = context.world.ownerOf(record);
  if (inspectionId === null) throw new Error('a plan has an inspection by withDefaults');
  const planId = ids.plan(record.key);
  const on = when(context, record.on, inspectionId);
  const issueIds = record.issues.map(ids.issue);
  const fact = (event: TrackingEvent): RowFact => about({ orgId, inspectionId }, streams.plan(planId), event, on);
  return [
    fact({ type: 'PlanDrafted', data: { planId, orgId, inspectionId, title: record.title, issueIds } }),
    fact({ type: 'PlanSubmitted', data: { approvers: record.approvedBy } }),
    ...record.approvedBy.map((approver) => fact({ type: 'PlanConsented', data: { approver } })),
    fact({ type: 'PlanIssued', data: { version: 1 } }),
  ];
};

type LedgerBucketRule = LedgerRecordOf<'policy'>['buckets'][number];
/** The schema gives each list of `when` only where it is there. */
export const bucketRule = ({ when: conditions, bucket }: LedgerBucketRule): BucketRule => ({ when: defined(conditions), bucket });

const policyFacts: Rows['policy'] = (context, record) => {
  const owner = context.world.ownerOf(record);
  const from = record.from === undefined ? context.world.feedback(owner.inspectionId)?.last : dateOf(record.from).last;
  if (from === undefined) throw new RowFaultThrown({ pointer: '/from', code: 'missing-field', detail: 'a policy holds from a day, or from the feedback of its inspection' });
  const { name, dueSoon = defaultPolicy.dueSoon, approvers } = record;
  const buckets = record.buckets.map(bucketRule);
  return [about(owner, streams.policy(owner.orgId), { type: 'PolicyAdopted', data: { orgId: owner.orgId, name, buckets, dueSoon, lights: defaultPolicy.lights, approvers } }, onDay(from))];
};

const issueFacts: Rows['issue'] = (context, record) => {
  const { orgId, inspectionId } = context.world.ownerOf(record);
  const feedback = context.world.feedback(inspectionId);
  if (inspectionId === null || feedback === null) throw new RowFaultThrown({ pointer: '/inspection', code: 'inspection-without-feedback', detail: 'an issue exists from the feedback of its inspection, which none has told of' });
  const issueId = ids.issue(record.key);
  const { numberPath, aspect, heading, title, strand, annex, track, assisting } = record;
  const assistingOrgIds = assisting.map((code) => context.world.organisation(code));
  return [about({ orgId, inspectionId }, streams.issue(issueId), {
    type: 'IssueRegistered',
    data: { issueId, orgId, inspectionId, numberPath, numberKey: numberKey(numberPath), aspect, heading, title, strand, annex, track, assistingOrgIds },
  }, feedback)];
};

const disclosureOf = ({ state, disclosure: given }: LedgerRecordOf<'status'>): Disclosure => {
  const disclosure = given ?? (state === null ? 'NOT_DISCLOSED' : 'STATED');
  if (state === null && disclosure === 'STATED') throw new RowFaultThrown({ pointer: '/state', code: 'missing-field', detail: 'a status that is STATED has a state' });
  if (state !== null && disclosure !== 'STATED') throw new RowFaultThrown({ pointer: '/disclosure', code: 'invalid-value', detail: 'a status with a state is STATED' });
  return disclosure;
};

const statusFacts: Rows['status'] = (context, record) => {
  const { issueId, ...owner } = context.world.issue(record.issue);
  const { state, track, printedStatus, continuation, continuationPrinted, completionBasis } = record;
  const disclosure = disclosureOf(record);
  const residuals = record.residuals.map(({ key, printed, planned, measure }): Residual => ({
    key, printed, ...(planned !== undefined && { planned: dateOf(planned) }), ...(measure !== undefined && { measureId: ids.measure(measure) }),
  }));
  // What is not disclosed is so from the as-of date on (rules.md section 3); what is stated happened some day before it.
  const validTime = disclosure === 'STATED' || record.on !== undefined ? when(context, record.on, owner.inspectionId) : onDay(context.world.asOf);
  return [about(owner, streams.issue(issueId), {
    type: 'IssueStatusStated', data: { state, track, printedStatus, disclosure, continuation, continuationPrinted, residuals, completionBasis },
  }, validTime)];
};

const measureFacts: Rows['measure'] = (context, record) => {
  const { orgId, inspectionId } = context.world.ownerOf(record);
  if (inspectionId === null) throw new Error('an issue has an inspection');
  const measureId = ids.measure(record.key);
  const on = when(context, record.on, inspectionId);
  const { marker, title, state, printedStatus } = record;
  const issueIds = record.issues.map(ids.issue);
  return [
    about({ orgId, inspectionId }, streams.measure(measureId), {
      type: 'MeasureStated', data: { measureId, orgId, inspectionId, issueIds, marker, title, state, printedStatus, planned: orNull(record.planned) },
    }, on),
    ...record.issues.map((reference): RowFact => {
      const { issueId, ...owner } = context.world.issue(reference);
      return about(owner, streams.issue(issueId), { type: 'IssueMeasuresAdded', data: { measureIds: [measureId] } }, when(context, record.on, owner.inspectionId));
    }),
  ];
};

const fundsFacts: Rows['funds'] = (context, record) => {
  const { fundsCaseId, orgId, inspectionId } = context.world.fundsCase(record.fundsCase ?? record.key);
  const identity = { fundsCaseId, orgId, inspectionId, issueIds: record.issues.map(ids.issue) };
  const money = defined(record.money);
  const { fundsKind: kind, voucher } = record;
  const event: TrackingEvent = record.event === 'IDENTIFIED'
    ? { type: 'IrregularFundsIdentified', data: { ...identity, money, kind } }
    : { type: record.event === 'RECOVERED' ? 'FundsRecovered' : 'FundsReturned', data: { ...identity, money, kind, voucher } };
  return [about({ orgId, inspectionId }, streams.fundsCase(fundsCaseId), event, when(context, record.on, inspectionId))];
};

const declared = (context: RowContext, reference: string | undefined, event: TrackingEvent): readonly RowFact[] => {
  const { reportId, asOf, ...owner } = context.world.report(reference ?? '');
  return [about(owner, streams.report(reportId), event, onDay(asOf))];
};

const rows: Rows = {
  organisation: (context, record) => {
    const orgId = context.world.organisation(record.code);
    const parentId = record.parent === undefined || record.parent === null ? null : context.world.organisation(record.parent);
    return [about({ orgId, inspectionId: null }, streams.organisationTree(administrativeTreeId), {
      type: 'OrgRegistered', data: { orgId, code: record.code, name: record.name, level: record.level, parentId },
    }, null)];
  },
  inspection: inspectionFacts,
  plan: planFacts,
  report: (context, record) => {
    const owner = context.world.ownerOf(record);
    const reportId = ids.report(record.key);
    const inspectionIds = (record.inspections ?? [context.header.defaults?.inspection].filter((given) => given !== undefined)).map(ids.inspection);
    const publishedOn = (record.publishedOn ?? context.header.publishedOn) as Day;
    const asOf = context.world.asOfRecord(record);
    if (publishedOn > context.header.publishedOn) {
      throw new RowFaultThrown({ pointer: '/publishedOn', code: 'date-after-source', detail: `the document of ${context.header.publishedOn} cannot hold a report published on ${publishedOn}` });
    }
    const source = writtenBy({ ...context.header, publishedOn });
    if (asOf > source) throw new RowFaultThrown({ pointer: '/asOf', code: 'date-after-source', detail: `a report of ${source} cannot be as of ${asOf}` });
    return [about({ orgId: owner.orgId, inspectionId: inspectionIds[0] ?? null }, streams.report(reportId), {
      type: 'ReportPublished',
      data: { reportId, orgId: owner.orgId, inspectionIds, title: record.title, asOf, asOfPrinted: record.asOfPrinted, publishedOn, url: context.header.url ?? null },
    }, onDay(publishedOn))];
  },
  policy: policyFacts,
  issue: issueFacts,
  status: statusFacts,
  measure: measureFacts,
  deadline: (context, record) => issueFact(context, record, { type: 'DeadlineSet', data: { planned: dateOf(record.planned) } }),
  nextStep: (context, record) => issueFact(context, record, { type: 'NextStepStated', data: { text: record.text, planned: orNull(record.planned) } }),
  progress: (context, record) => issueFact(context, record, { type: 'ProgressReported', data: { text: record.text } }),
  continuation: (context, record) =>
    issueFact(context, record, { type: 'ContinuationCommitted', data: { continuation: record.continuation, text: record.text, until: orNull(record.until) } }),
  subFindings: (context, record) =>
    issueFact(context, record, { type: 'SubFindingsTallied', data: { found: record.found, fixed: record.fixed, unit: record.unit, categories: record.categories } }),
  recurrence: (context, record) => issueFact(context, record, { type: 'RecurrenceLinked', data: { previousIssueId: ids.issue(record.previousIssue) } }),
  duplicateIssue: (context, record) => issueFact(context, record, { type: 'DuplicateIssueLinked', data: { issueId: ids.issue(record.otherIssue) } }),
  funds: fundsFacts,
  duplicate: (context, record) => {
    const { fundsCaseId, ...owner } = context.world.fundsCase(record.fundsCase);
    const { statedBy, note } = record;
    const event: TrackingEvent = { type: 'FundsDuplicateLinked', data: { otherCaseId: ids.fundsCase(record.otherCase), statedBy, note } };
    return [about(owner, streams.fundsCase(fundsCaseId), event, when(context, record.on, owner.inspectionId))];
  },
  figure: (context, record) => declared(context, record.report, {
    type: 'RollUpDeclared',
    data: {
      key: record.figure, scope: scopeOf(context, record.scope), basis: record.basis, kind: record.figureKind, breakdown: record.breakdown, subsetOf: record.subsetOf,
      flow: record.flow, period: orNull(record.period), quantity: quantityOf(record), printed: record.printed,
    },
  }),
  rate: (context, record) => declared(context, record.report, {
    type: 'RollUpRateDeclared',
    data: {
      key: record.rate, scope: scopeOf(context, record.scope), basis: record.basis, value: record.value, numeratorKey: record.numerator, denominatorKey: record.denominator,
      rounding: record.rounding, changePoints: record.changePoints, printed: record.printed,
    },
  }),
  discrepancyNote: (context, record) => declared(context, record.report, {
    type: 'DiscrepancyNoted',
    data: { discrepancyKey: record.discrepancy, kind: record.discrepancyKind, declared: record.declared, found: record.found, note: record.note },
  }),
  metric: (context, record) => {
    const { orgId, inspectionId } = context.world.ownerOf(record);
    const metricId = ids.metric(record.key);
    const { code, name, unit, direction } = record;
    const issueId = record.issue === undefined ? null : ids.issue(record.issue);
    const event: TrackingEvent = { type: 'MetricDefined', data: { metricId, orgId, inspectionId, issueId, code, name, unit, direction } };
    return [about({ orgId, inspectionId }, streams.metric(metricId), event, when(context, undefined, inspectionId))];
  },
  observation: (context, record) => {
    const { metricId, ...owner } = context.world.metric(record.metric);
    const data = { quantity: quantityOf(record), period: orNull(record.period), printed: record.printed, attributes: record.attributes };
    return [about(owner, streams.metric(metricId), { type: 'MetricObserved', data }, when(context, record.on, owner.inspectionId))];
  },
  target: (context, record) => {
    const { metricId, ...owner } = context.world.metric(record.metric);
    const event: TrackingEvent = { type: 'MetricTargetSet', data: { quantity: quantityOf(record), planned: dateOf(record.planned) } };
    return [about(owner, streams.metric(metricId), event, when(context, record.on, owner.inspectionId))];
  },
};

const factsBy = <K extends RecordKind>(context: RowContext, record: LedgerRecordOf<K> & { readonly kind: K }): readonly RowFact[] => rows[record.kind](context, record);

/** What a record states, as facts with their owners and valid times. Its references must have been checked. */
export const factsOfRow = (header: LedgerHeader, world: LedgerWorld, record: LedgerRecord): RowFacts => {
  try {
    return factsBy({ header, world }, record);
  } catch (error) {
    if (error instanceof RowFaultThrown) return error.fault;
    throw error;
  }
};
