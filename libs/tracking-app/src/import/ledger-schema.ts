import { isDay, isFen, periodOf } from '@rectrail/kernel';
import {
  buckets, completionBases, continuations, countingBases, disclosures, fundsKinds, inspectionKinds, inspectionTypes, issueStates, measureStates, metricEventSchemas, orgLevels,
  personalDataIn, reportEventSchemas, tracks, wire,
} from '@rectrail/tracking-domain';
import { z } from 'zod';

export const ledgerFormat = 'rectrail.ledger/1';

/** Ledger keys may be chosen freely, but stand in every event: 200 characters. */
const keyMax = 200;

/** A code that faultsOf in ledger-reader.ts hands on. */
const coded = (code: string, message: string): { readonly error: string; readonly params: { readonly code: string } } => ({ error: message, params: { code } });

// What events take, a ledger takes: the same texts and lists.
const { title, freeText, printed, decimal } = wire;
/** A short word: a printed number, a marker, a role. */
const word = title.max(40);
const unit = title.max(20);
const key = z.string().min(1).max(keyMax).regex(/^[^\s#\p{Cc}\p{Cs}]+$/u, { error: 'a key holds no blank, no "#" and no control character' })
  // A key joins numbers by dashes, which makes no telephone number of them.
  .refine((text) => personalDataIn(text.replaceAll('-', '/')) === null, coded(wire.personalDataCode, 'holds a telephone number, an identity-card number or an e-mail address'))
  .describe('stable name of the record, unique in the file; records refer to each other by it');
const reference = z.string().min(1).max(keyMax).describe('key of a record of this file or of an earlier import, or the id (UUID) of what a command made');
const organisation = z.string().min(1).max(keyMax).describe('code of an organisation: CN-330200-JT');
/** What a record need not say; null says so too. */
const orNull = <T extends z.ZodType>(schema: T) => schema.nullable().default(null);
const list = <T extends z.ZodType>(item: T): z.ZodArray<T> => z.array(item).max(wire.listItemsMax);

const day = z.string().refine(isDay, coded('impossible-date', 'no such day: write YYYY-MM-DD')).describe('YYYY-MM-DD');
const dateValue = z.string().refine((value) => periodOf(value) !== null, coded('impossible-date', 'no such date: write 2022-02-28, 2022-02, 2022-02-E, 2022-Q2, 2022-H1, 2022 or 2022-01..2022-03'))
  .describe('2022-02-28, 2022-02, 2022-02-E (上旬; M 中旬, L 下旬), 2022-02-H1 (half-month), 2022-Q2, 2022-H1, 2022, 2022-01..2022-03');
const edges = ['on', 'byEndOf', 'endOf', 'since', 'early', 'around'] as const;
/** A date as printed: a value of the grammar alone, or with the words of the source. */
export const dateSchema = z.union([
  dateValue,
  z.strictObject({
    value: dateValue,
    printed: printed.optional(),
    edge: z.enum(edges).optional(),
    commitment: z.enum(['planned', 'striving']).optional(),
    yearInferred: z.boolean().optional(),
  }),
]);
export type LedgerDate = z.output<typeof dateSchema>;

const fen = z.string().refine(isFen, { error: 'a number of fen as a string without sign and leading zeros: "5441000" is 54,410 yuan' });
const money = z.strictObject({
  fen: fen.nullable().describe('null where the source says only that the whole was paid (全额)'),
  printed: printed.optional(),
  printedPrecisionFen: fen.optional(),
  approx: z.boolean().optional(),
});
const quantityShape = {
  value: decimal.nullable().describe('null where the source gives none'),
  unit: unit.describe('个, 人, 人次, 家, 项, 件, 起, fen, %'),
  qualifier: z.enum(['exact', 'about', 'over', 'nearly']).default('exact'),
  cumulative: z.boolean().optional(),
};
const scope = z.strictObject({
  organisations: list(organisation).optional(),
  inspections: list(reference).optional(),
  rounds: list(title).optional(),
  inspectionTypes: list(title).optional(),
  programme: title.optional(),
  orgsCovered: z.int().min(0).optional(),
  orgsInScope: z.int().min(0).optional(),
});

/** Whose and of what: each defaults to the header's `defaults`. */
const owned = {
  organisation: organisation.optional().describe('code of the owner, the lead organisation; default: that of the header'),
  inspection: reference.optional().describe('default: that of the header'),
};
const ofReport = { report: reference.optional().describe('default: that of the header') };

export const headerSchema = z.strictObject({
  kind: z.literal('ledger'),
  format: z.literal(ledgerFormat),
  documentId: z.string().regex(/^[a-z0-9][a-z0-9.-]{0,99}$/, { error: 'lower-case letters, digits, "." and "-", at most 100' }).describe('stable name of the document; importing it again restates it'),
  title,
  publishedOn: day,
  receivedOn: day.optional().describe('when the supervising side was told, where that was not by the publication'),
  url: reportEventSchemas.ReportPublished.shape.url.unwrap().optional(),
  classification: z.enum(['public', 'internal', 'restricted']).optional(),
  defaults: z.strictObject({ organisation: organisation.optional(), inspection: reference.optional(), report: reference.optional() }).optional(),
});
export type LedgerHeader = z.output<typeof headerSchema>;

const bucketRule = z.strictObject({
  when: z.strictObject({
    state: list(z.enum(issueStates)).optional(),
    track: list(z.enum(tracks)).optional(),
    disclosure: list(z.enum(disclosures)).optional(),
    basis: list(z.enum(completionBases)).optional(),
    openDatedResidual: z.boolean().optional(),
  }),
  bucket: z.enum(buckets),
});

/** One schema a kind of record; the field `kind` chooses it. */
export const recordSchemas = {
  organisation: z.strictObject({
    kind: z.literal('organisation'), key, code: word.regex(/^[A-Za-z0-9][A-Za-z0-9_-]*$/, { error: 'letters, digits, "-" and "_"' }), name: title, level: z.enum(orgLevels), parent: organisation.nullable().optional(),
  }).describe('An organisation of the administrative tree; one whose code is known already is referred to, not registered twice.'),
  inspection: z.strictObject({
    kind: z.literal('inspection'), key, organisation: owned.organisation, inspectionKind: z.enum(inspectionKinds), types: list(z.enum(inspectionTypes)).default([]), title,
    committee: orNull(title), topic: orNull(title), term: orNull(title), round: orNull(z.int().min(1)), team: orNull(title),
    fieldwork: z.strictObject({ start: dateSchema.optional(), end: dateSchema.optional() }).optional(),
    feedback: z.strictObject({ on: dateSchema, recommendations: orNull(z.int().min(0)) }),
    specialChecks: list(title).default([]), previous: reference.optional(),
  }).describe('An inspection and its feedback, the day from which its issues exist.'),
  plan: z.strictObject({
    kind: z.literal('plan'), key, ...owned, title, issues: list(reference).default([]), approvedBy: list(word), on: dateSchema.optional(),
  }).describe('The rectification plan that a report says was approved (by whom, in order) and issued.'),
  report: z.strictObject({
    kind: z.literal('report'), key, organisation: owned.organisation, inspections: list(reference).optional(), title, asOf: day.optional(), asOfPrinted: orNull(printed),
    publishedOn: day.optional(),
  }).describe('The report itself; `asOf` is the printed cut-off, default the day of publication.'),
  policy: z.strictObject({
    kind: z.literal('policy'), key, ...owned, name: title, from: day.optional().describe('default: the day of the feedback'), buckets: list(bucketRule).min(1),
    dueSoon: z.strictObject({ days: z.int().min(0).max(366), unit: z.enum(['calendar', 'working']) }).optional(), approvers: list(word).default([]),
  }).describe('How this organisation counts: the first rule whose lists hold an issue’s values gives its bucket; the last rule has an empty `when`.'),
  issue: z.strictObject({
    kind: z.literal('issue'), key, ...owned, numberPath: list(word).min(1).describe('the printed tokens from the part down: ["二、", "(一)", "1."]'),
    aspect: orNull(title), heading: orNull(title), title, strand: orNull(title), annex: z.boolean().default(false),
    track: z.enum(tracks).default('TIMED'), assisting: list(organisation).default([]),
  }).describe('An issue that was fed back.'),
  status: z.strictObject({
    kind: z.literal('status'), key, issue: reference, state: orNull(z.enum(issueStates)), track: orNull(z.enum(tracks)), printedStatus: orNull(freeText),
    disclosure: z.enum(disclosures).optional().describe('default: STATED with a state, else NOT_DISCLOSED'), on: dateSchema.optional(),
    continuation: z.enum(continuations).default('NONE'), continuationPrinted: orNull(freeText),
    residuals: list(z.strictObject({ key: word, printed: freeText, planned: dateSchema.optional(), measure: reference.optional() })).default([]),
    completionBasis: orNull(z.enum(completionBases)),
  }).describe('What the document says of an issue; no earlier transition is made up.'),
  measure: z.strictObject({
    kind: z.literal('measure'), key, issues: list(reference).min(1), marker: orNull(word), title, state: orNull(z.enum(measureStates)),
    printedStatus: orNull(freeText), planned: dateSchema.optional(), on: dateSchema.optional(),
  }).describe('A measure as printed, for one issue or several.'),
  deadline: z.strictObject({ kind: z.literal('deadline'), key, issue: reference, planned: dateSchema, on: dateSchema.optional() }).describe('The planned or striven-for date of an issue.'),
  nextStep: z.strictObject({ kind: z.literal('nextStep'), key, issue: reference, text: freeText, planned: dateSchema.optional(), on: dateSchema.optional() }).describe('下一步: planned, not done.'),
  progress: z.strictObject({ kind: z.literal('progress'), key, issue: reference, text: freeText, on: dateSchema.optional() }).describe('What was done for an issue, or evidence with its date; changes no status.'),
  continuation: z.strictObject({
    kind: z.literal('continuation'), key, issue: reference, continuation: z.enum(continuations), text: orNull(freeText), until: dateSchema.optional(), on: dateSchema.optional(),
  }).describe('What is kept up after an issue is done.'),
  subFindings: z.strictObject({
    kind: z.literal('subFindings'), key, issue: reference, found: z.int().min(0), fixed: z.int().min(0).nullable(), unit,
    categories: orNull(z.int().min(0)), on: dateSchema.optional(),
  }).describe('Findings inside an issue: 375 found, 374 fixed.'),
  recurrence: z.strictObject({ kind: z.literal('recurrence'), key, issue: reference, previousIssue: reference, on: dateSchema.optional() }).describe('The issue repeats one of an earlier round.'),
  duplicateIssue: z.strictObject({ kind: z.literal('duplicateIssue'), key, issue: reference, otherIssue: reference, on: dateSchema.optional() }).describe('Two issues are the same one.'),
  funds: z.strictObject({
    kind: z.literal('funds'), key, ...owned, fundsCase: reference.optional().describe('the case that an earlier record opened; default one of its own'), issues: list(reference).default([]),
    event: z.enum(['IDENTIFIED', 'RECOVERED', 'RETURNED']), fundsKind: z.enum(fundsKinds), money, voucher: orNull(title), on: dateSchema.optional(),
  }).describe('Irregular money identified, recovered (追回) or returned (退出). Investments and budgets are metrics.'),
  duplicate: z.strictObject({ kind: z.literal('duplicate'), key, fundsCase: reference, otherCase: reference, statedBy: z.enum(['SOURCE', 'PERSON']), note: freeText, on: dateSchema.optional() })
    .describe('Two funds cases may count the same money.'),
  figure: z.strictObject({
    kind: z.literal('figure'), key, ...ofReport, figure: title.describe('stable in the field: issues.total, issues.state.DONE_REPORTED, measures.done'), scope: scope.optional(),
    basis: z.enum(countingBases), figureKind: orNull(title), breakdown: orNull(z.strictObject({ by: title, value: title })), subsetOf: orNull(title),
    flow: z.enum(['stock', 'flow']).default('stock'), period: dateSchema.optional(), ...quantityShape, printed,
  }).describe('A number that the report declares; never added to what is found.'),
  rate: z.strictObject({
    kind: z.literal('rate'), key, ...ofReport, rate: title.describe('rate.completion'), scope: scope.optional(), basis: orNull(z.enum(countingBases)),
    value: decimal.nullable(),
    numerator: orNull(title), denominator: orNull(title),
    rounding: z.enum(['rounded', 'cut', 'approximate', 'unknown']).default('unknown'),
    changePoints: orNull(decimal), printed,
  }).describe('A rate in percent that the report declares.'),
  discrepancyNote: z.strictObject({
    kind: z.literal('discrepancyNote'), key, ...ofReport, discrepancy: title, discrepancyKind: word, declared: orNull(freeText), found: orNull(freeText), note: freeText,
  }).describe('A contradiction inside the document that no figure shows.'),
  metric: z.strictObject({
    kind: z.literal('metric'), key, ...owned, issue: reference.optional(), code: title.max(100), name: title, unit,
    direction: z.enum(['up', 'down', 'none']).default('none'),
  }).describe('A free figure (patrols, cases, kilometres, investment): what is measured.'),
  observation: z.strictObject({
    kind: z.literal('observation'), key, metric: reference, ...quantityShape, period: dateSchema.optional(), printed: orNull(printed),
    attributes: metricEventSchemas.MetricObserved.shape.attributes.default({}), on: dateSchema.optional(),
  }).describe('A value of a metric.'),
  target: z.strictObject({ kind: z.literal('target'), key, metric: reference, ...quantityShape, planned: dateSchema, on: dateSchema.optional() }).describe('A value that a metric is to reach.'),
} as const;

export type RecordKind = keyof typeof recordSchemas;
export type LedgerRecordOf<K extends RecordKind> = z.output<(typeof recordSchemas)[K]>;
export type LedgerRecord = { [K in RecordKind]: LedgerRecordOf<K> }[RecordKind];

export const isRecordKind = (kind: string): kind is RecordKind => Object.hasOwn(recordSchemas, kind);

/** JSON Schema (draft 2020-12) of one line of a ledger; published as docs/reference/ledger.schema.json. */
export const ledgerJsonSchema = (): unknown => ({
  $id: 'urn:rectrail:ledger:1',
  title: `${ledgerFormat}: one line`,
  ...z.toJSONSchema(z.union([headerSchema, ...Object.values(recordSchemas)]), { io: 'input', reused: 'ref' }),
});
