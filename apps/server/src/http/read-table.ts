import type { InspectionId, IssueId, OrgId, ReportId, StreamId, TreeId } from '@rectrail/kernel';
import { buckets, deadlineConditions, lightColours, shownIssueStates, shownMeasureStates, tracks } from '@rectrail/tracking-domain';
import { fundsSorts, issueSorts, measureSorts, moneyChoices, seriesSteps, sortDirections, type TrackingQueries } from '@rectrail/tracking-read';
import { z } from 'zod';
import type { Answers } from '../openapi/answer-types.ts';
import {
  dayOrInstantParameter, dayParameter, daysParameter, fenParameter, figuresParameter, flagParameter, limitParameter, positionParameter, textParameter,
} from './query-parameters.ts';

/** Longest filter text: a title has at most 200 characters. */
const filterCharactersMax = 200;
const cursorCharactersMax = 4_000;

const text = textParameter(filterCharactersMax);
// Filters on ids compare; an unknown one finds nothing, so its brand needs no proof.
const branded = <T extends string>(): z.ZodType<T, string> => text.transform((value) => value as T);

const cuts = {
  validAt: dayParameter.optional().describe('The day in the world; default the day of knownAt'),
  knownAt: dayOrInstantParameter.optional().describe('What was known then; a day means its last instant; default now'),
  atPosition: positionParameter.optional().describe('What the log held up to this position; default its head. Only an answer with its position is final'),
  atLeast: positionParameter.optional().describe('Wait (5 s at most) until the read models have reached this position'),
};
const org = { org: text.optional().describe('Id or code of an organisation: it and all below it') };
const tree = { tree: branded<TreeId>().optional().describe('Id of an organisation tree; default the administrative one') };
const rollUp = {
  ...org, ...tree,
  treeAt: z.enum(['then', 'now']).optional().describe('then, the default: the tree of validAt; now: that of the day of knownAt, which is today unless earlier knowledge is asked for'),
};
const policy = { policy: text.optional().describe('Counting policy for all: id or code of an organisation, or `default`; without it each by its own') };
const paging = {
  cursor: z.string().max(cursorCharactersMax).optional().describe('`nextCursor` of the page before; binds filters, sort and cuts'),
  limit: limitParameter.optional(),
};
const sorting = <S extends readonly [string, ...string[]]>(sorts: S, description: string) =>
  ({ sort: z.enum(sorts).optional().describe(description), order: z.enum(sortDirections).optional().describe('default asc') });
const inspection = { inspection: branded<InspectionId>().optional().describe('Id of an inspection') };
const ofIssue = { issue: branded<IssueId>().optional().describe('Id of an issue') };
const issueFilters = {
  state: z.enum(shownIssueStates).optional(),
  bucket: z.enum(buckets).optional(),
  deadline: z.enum(deadlineConditions).optional(),
  track: z.enum(tracks).optional(),
  aspect: text.optional().describe('The aspect under which the report prints it, in full'),
  ...inspection,
  assisting: text.optional().describe('Id or code of an organisation that only assists, itself alone; `org` is the lead'),
  money: z.enum(moneyChoices).optional().describe('any: with a case of money; recovered: of which some came back; outstanding: identified, and nothing came back; none'),
  disagreement: flagParameter.optional().describe('Whether the claim that stands says less than what was determined'),
  q: text.optional().describe('Part of the title, of the heading or of the printed number'),
  ...sorting(issueSorts, 'number: organisations as in the tree, inspections, numbers as printed; due: by open dates, then what has none; state; changed: by the day since which it shows what it shows'),
};

export const cutQuery = z.strictObject(cuts);
const orgQuery = z.strictObject({ ...cuts, ...org });
const figuresQuery = z.strictObject({ ...cuts, ...rollUp, ...policy });
const fundsQuery = z.strictObject({
  ...cuts, ...rollUp, ...paging, ...inspection, ...ofIssue,
  money: z.enum(['recovered', 'outstanding']).optional().describe('recovered: some of it came back; outstanding: identified, and nothing came back'),
  minFen: fenParameter.optional().describe('Known amounts identified of at least so many fen'),
  ...sorting(fundsSorts, 'number, the default: organisations as in the tree; else by what was identified, recovered or returned'),
});
const organisationsQuery = z.strictObject({ ...cuts, ...org, ...tree, ...paging, q: text.optional().describe('Part of the name or of the code') });
const detailQuery = z.strictObject({ ...cuts, ...policy });
const issuesQuery = z.strictObject({ ...cuts, ...rollUp, ...policy, ...paging, ...issueFilters });
const measuresQuery = z.strictObject({
  ...cuts, ...rollUp, ...paging, ...inspection, ...ofIssue,
  state: z.enum(shownMeasureStates).optional(),
  plannedFrom: dayParameter.optional().describe('First day on which the planned date may end'),
  plannedUntil: dayParameter.optional().describe('Last day on which the planned date may end'),
  q: text.optional().describe('Part of the title'),
  ...sorting(measureSorts, 'number, the default: organisations as in the tree, inspections, marks as printed; due: by planned dates, then what has none'),
});
const auditQuery = z.strictObject({
  ...cuts, ...org, ...paging,
  stream: branded<StreamId>().optional().describe('Name of a stream'),
  type: text.optional().describe('Type of the event'),
  actor: text.optional().describe('Opaque subject of the actor'),
});

const remindersQuery = z.strictObject({
  ...cuts, ...rollUp, ...paging, ...ofIssue,
  colour: z.enum(lightColours).optional(),
  received: flagParameter.optional().describe('Whether every recipient has confirmed the receipt'),
});
const remindersPreviewQuery = z.strictObject({ ...cuts, ...rollUp, ...paging });

const latenessQuery = z.strictObject({
  ...cuts, ...rollUp, ...paging,
  minDays: daysParameter.optional().describe('Known so many days after the last day on which it may have happened, at least; default 8'),
  type: text.optional().describe('Type of the event'),
  actor: text.optional().describe('Opaque subject of who recorded it'),
});

const { atPosition, atLeast, knownAt } = cuts;
export const range = {
  from: dayParameter.describe('First day'),
  to: dayParameter.optional().describe('Last day; default today'),
  every: z.enum(seriesSteps).optional().describe('day, the default; week: the end of each ISO week; month: its end. At most 4,000 points'),
  figures: figuresParameter.optional().describe(
    'Numbers of the dashboard by their places, separated by commas: issues.total,issues.byBucket.*,issues.byDeadline.OVERDUE,funds.recovered. `count` and `fen` may be left out'),
  ...rollUp, atPosition, atLeast,
};
const seriesQuery = z.strictObject({
  ...range,
  as: z.enum(['then', 'known']).optional().describe('then, the default: each day by what was known at its end; known: each day by what is known at knownAt'),
  knownAt: knownAt.describe('With as=known: what was known then; default now'),
}).refine((query) => query.as === 'known' || query.knownAt === undefined, { path: ['knownAt'], message: 'goes with as=known: otherwise each day has its own' });

const compareQuery = z.strictObject({
  fromValidAt: cuts.validAt.describe('The day in the world of the earlier look; default the day of fromKnownAt'),
  fromKnownAt: knownAt.describe('What was known at the earlier look; default now'),
  fromAtPosition: atPosition.describe('Position of the earlier look; default that of the later one'),
  ...cuts, ...rollUp, ...policy, ...paging,
});

export interface ReadCall<Q> {
  readonly queries: TrackingQueries;
  readonly query: Q;
  /** The path's `:id`, empty where it has none. */
  readonly id: string;
  /** The caller's jurisdiction. */
  readonly within: OrgId | null;
}

/** One read of the public interface: makes its route and its part of OpenAPI. */
export interface ReadDefinition {
  readonly name: keyof Answers;
  /** Below `/api/v1`, with `:id` at most once. */
  readonly path: string;
  readonly summary: string;
  readonly query: z.ZodObject;
  /** The parameters that together fix the answer for good; by default the three cuts. */
  readonly fixedBy?: readonly string[];
  run(call: ReadCall<unknown>): Promise<unknown>;
}

interface ReadSpecification<S extends z.ZodObject, N extends keyof Answers> {
  readonly name: N;
  readonly path: string;
  readonly summary: string;
  readonly query: S;
  readonly fixedBy?: readonly string[];
  readonly run: (call: ReadCall<z.output<S>>) => Promise<Answers[N]>;
}

const read = <S extends z.ZodObject, N extends keyof Answers>(specification: ReadSpecification<S, N>): ReadDefinition => ({
  ...specification,
  // The controller hands over what this very schema has parsed.
  run: (call) => specification.run(call as ReadCall<z.output<S>>),
});

/** What has a timeline, by the first part of its path. */
const timelines = [
  ['IssueTimeline', '/issues', 'issue', 'an issue'],
  ['MeasureTimeline', '/measures', 'measure', 'a measure'],
  ['FundsCaseTimeline', '/funds-cases', 'fundsCase', 'a funds case'],
  ['InspectionTimeline', '/inspections', 'inspection', 'an inspection'],
  ['OrganisationTimeline', '/organisations', 'organisation', 'an organisation, by id or code'],
] as const;

/** Every read of tracking data. All take the three cuts and echo them. */
export const readDefinitions: readonly ReadDefinition[] = [
  read({ name: 'Dashboard', path: '/dashboard', summary: 'Figures of an organisation and all below it', query: figuresQuery,
    run: ({ queries, query, within }) => queries.dashboard({ ...query, within }) }),
  read({ name: 'DashboardChildren', path: '/dashboard/children', summary: 'The same figures for the organisation itself and each of its children', query: figuresQuery,
    run: ({ queries, query, within }) => queries.dashboardChildren({ ...query, within }) }),
  read({ name: 'Issues', path: '/issues', summary: 'The register of issues', query: issuesQuery,
    run: ({ queries, query, within }) => queries.issues({ ...query, within }) }),
  read({ name: 'Issue', path: '/issues/:id', summary: 'An issue with its measures, funds and residuals', query: detailQuery,
    // An id that no issue has is answered 404 by the read itself.
    run: ({ queries, query, id, within }) => queries.issue(id as IssueId, { ...query, within }) }),
  read({ name: 'IssueHistory', path: '/issues/:id/history', summary: 'All events of an issue', query: cutQuery,
    run: ({ queries, query, id, within }) => queries.issueHistory(id as IssueId, { ...query, within }) }),
  read({ name: 'Measures', path: '/measures', summary: 'The register of measures', query: measuresQuery,
    run: ({ queries, query, within }) => queries.measures({ ...query, within }) }),
  read({ name: 'Deadlines', path: '/deadlines', summary: 'Issues with their deadline conditions on the query day', query: issuesQuery,
    run: ({ queries, query, within }) => queries.deadlines({ ...query, within }) }),
  read({ name: 'Funds', path: '/funds', summary: 'Funds cases with what was identified, recovered and returned', query: fundsQuery,
    run: ({ queries, query, within }) => queries.funds({ ...query, within }) }),
  read({ name: 'Organisations', path: '/organisations', summary: 'Organisations as they stand in the trees at the cut', query: organisationsQuery,
    run: ({ queries, query, within }) => queries.organisations({ ...query, within }) }),
  read({ name: 'Trees', path: '/trees', summary: 'The organisation trees, the administrative one first', query: cutQuery,
    run: ({ queries, query, within }) => queries.trees({ ...query, within }) }),
  read({ name: 'Organisation', path: '/organisations/:id', summary: 'An organisation, by id or code, with the policy that holds for it', query: cutQuery,
    run: ({ queries, query, id, within }) => queries.organisation(id, { ...query, within }) }),
  read({ name: 'Inspections', path: '/inspections', summary: 'Inspections', query: orgQuery,
    run: ({ queries, query, within }) => queries.inspections({ ...query, within }) }),
  read({ name: 'Reports', path: '/reports', summary: 'Published reports', query: orgQuery,
    run: ({ queries, query, within }) => queries.reports({ ...query, within }) }),
  read({ name: 'Discrepancies', path: '/reports/:id/discrepancies', summary: 'Where a report declares other figures than are found', query: cutQuery,
    run: ({ queries, query, id, within }) => queries.discrepancies(id as ReportId, { ...query, within }) }),
  read({ name: 'Series', path: '/series', summary: 'Figures of the dashboard over a range of days', query: seriesQuery, fixedBy: ['to', 'atPosition', 'knownAt'],
    run: ({ queries, query, within }) => queries.series({ ...query, within }) }),
  read({ name: 'Compare', path: '/compare', summary: 'Two cuts: the dashboards of both, and the issues that changed, by which events', query: compareQuery,
    fixedBy: ['validAt', 'knownAt', 'atPosition', 'fromValidAt', 'fromKnownAt', 'fromAtPosition'],
    run: ({ queries, query, within }) => queries.compare({ ...query, within }) }),
  ...timelines.map(([name, path, kind, what]) => read({
    name, path: `${path}/:id/timeline`, summary: `Every belief about ${what}: when it held and was held, from which event, and what ended it`, query: cutQuery,
    run: ({ queries, query, id, within }) => queries.timeline(kind, id, { ...query, within }) })),
  read({ name: 'Reminders', path: '/reminders', summary: 'Numbered notices of deadlines, the newest first', query: remindersQuery,
    run: ({ queries, query, within }) => queries.reminders({ ...query, within }) }),
  read({ name: 'RemindersPreview', path: '/reminders/preview', summary: 'Notices that an evaluation of validAt would issue', query: remindersPreviewQuery,
    run: ({ queries, query, within }) => queries.remindersDue({ ...query, within }) }),
  read({ name: 'Reminder', path: '/reminders/:id', summary: 'A notice with its receipts and its letter', query: cutQuery,
    run: ({ queries, query, id, within }) => queries.reminder(id, { ...query, within }) }),
  read({ name: 'Lateness', path: '/lateness', summary: 'Facts that became known long after they were true, the latest first', query: latenessQuery,
    run: ({ queries, query, within }) => queries.lateness({ ...query, within }) }),
  read({ name: 'AuditTrail', path: '/audit-trail', summary: 'Every event with its actor, its times, what it changed and what retracted it', query: auditQuery,
    run: ({ queries, query, within }) => queries.auditTrail({ ...query, within }) }),
];
