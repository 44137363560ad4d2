import { createEventCodec, deriveEventId, newCommandId, sha256Hex, type EventCodec } from '@rectrail/event-store';
import {
  day, instantOfMs, onDay, type FuzzyDate, type InspectionId, type IssueId, type MeasureId, type NewFact, type OrgId, type PersonRef,
} from '@rectrail/kernel';
import { trackingEventDefinitions, type TrackingEvent } from '@rectrail/tracking-domain';

/** `real`: events of a round of rectification, about 850 bytes each; `small`: 205 bytes, the size of the usual benchmark event. */
export type PayloadName = 'real' | 'small';

interface Content {
  readonly type: string;
  /** The text that the store and the raw driver are given. */
  readonly content: string;
}

export interface Payload extends Content {
  /** The same, parsed: Emmett takes an object and writes the JSON itself. */
  readonly data: Record<string, unknown>;
}

/** Contents that are taken in turn, so that no two neighbours are alike; more than the largest append has events. */
const payloadsKept = 1_000;
const smallBytes = 205;
/** Contents are the same in each run and process. */
const salt = 'cmVjdHJhaWwtYmVuY2gtMQ';
const effectiveDay = day('2022-04-29');

export const benchCodec = (): EventCodec => createEventCodec(trackingEventDefinitions, () => salt);

const id = <T extends string>(kind: string, n: number): T => `${sha256Hex(`${kind} ${n}`).slice(0, 8)}-0000-8000-8000-${String(n).padStart(12, '0')}` as T;

const planned: FuzzyDate = { printed: '6月底前', precision: 'month', edge: 'byEndOf', first: day('2022-06-01'), last: day('2022-06-30'), commitment: 'planned', inferred: ['year'] };

/** What a round of rectification writes: the texts are as long as people's. */
const eventOf = (n: number, of: { orgId: OrgId; inspectionId: InspectionId; issueId: IssueId }): TrackingEvent => {
  switch (n % 6) {
    case 0: return { type: 'IssueRegistered', data: {
      ...of, numberPath: ['二、', '（一）', `${n % 60}.`], numberKey: `002.001.${String(n % 60).padStart(3, '0')}`, aspect: '（一）聚焦党组整改主体责任与实效', heading: null,
      title: `公路养护巡查记录不完整，第${n % 60}项整改责任未逐级落实`, strand: null, annex: false, track: 'TIMED', assistingOrgIds: [],
    } };
    case 1: return { type: 'MeasurePlanned', data: {
      measureId: id<MeasureId>('measure', n), orgId: of.orgId, inspectionId: of.inspectionId, issueIds: [of.issueId], marker: '一是', title: `修订公路养护管理办法，建立巡查台账（${n % 60}）`, planned,
    } };
    case 2: return { type: 'DeadlineSet', data: { planned } };
    case 3: return { type: 'PhaseResultReported', data: {
      result: `养护管理办法已经党组会审议通过并印发，${n % 60}个路段的巡查台账补录完毕，责任人已约谈。`, nextStep: '每季度抽查一次台账，抽查结果列入年度考核，年底前形成长效机制。',
    } };
    case 4: return { type: 'IssueAccepted', data: { leader: id<PersonRef>('person', n % 9) } };
    default: return { type: 'RectificationStarted', data: {} };
  }
};

type Identity = Pick<NewFact, 'eventId' | 'commandId' | 'correlationId'>;

const factOf = (n: number, identity: Identity): NewFact => {
  const of = { orgId: id<OrgId>('org', n % 7), inspectionId: id<InspectionId>('inspection', n % 7), issueId: id<IssueId>('issue', n % 500) };
  return {
    ...identity, actor: { orgId: of.orgId, role: 'organisation', subject: id('subject', n % 5), assurance: 'local-token' },
    scope: { orgId: of.orgId, inspectionId: of.inspectionId }, classification: 'internal', event: eventOf(n, of), validTime: onDay(effectiveDay), knownTime: null,
  };
};

/** Facts as commands hand them to the codec, each with ids of its own. */
export const realFacts = (): readonly NewFact[] => Array.from({ length: payloadsKept }, (_, n) => {
  const commandId = newCommandId(instantOfMs(Date.UTC(2026, 0, 1) + n));
  return factOf(n, { eventId: deriveEventId(commandId, 0), commandId, correlationId: commandId });
});

const smallContent = (n: number): Content => {
  const content = { data: { on: '2022-04-29', text: '' }, eventId: sha256Hex(`small ${n}`), number: 100_000 + n };
  content.data.text = 'x'.repeat(smallBytes - Buffer.byteLength(JSON.stringify(content)));
  return { type: 'ProgressReported', content: JSON.stringify(content) };
};

const contentsOf = (name: PayloadName): readonly Content[] => {
  if (name === 'small') return Array.from({ length: payloadsKept }, (_, n) => smallContent(n));
  const codec = benchCodec();
  return realFacts().map((fact) => codec.encode(fact));
};

export const payloadsOf = (name: PayloadName): readonly Payload[] =>
  contentsOf(name).map(({ type, content }) => ({ type, content, data: JSON.parse(content) as Record<string, unknown> }));

export const meanBytes = (payloads: readonly Payload[]): number => Math.round(payloads.reduce((sum, p) => sum + Buffer.byteLength(p.content), 0) / payloads.length);
