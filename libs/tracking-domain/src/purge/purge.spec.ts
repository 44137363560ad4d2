// Goal: what may be purged, by whom, and what it comes to. Method: a stream of an issue of which one progress was corrected; one case for each rule.
import { describe, expect, it } from '@jest/globals';
import { position, type PurgeId, type StreamId } from '@rectrail/kernel';
import type { IssueEvent } from '../issue/issue.events.ts';
import type { FactsRetracted } from '../retraction/retraction.events.ts';
import { eventIdOf, fact, streamOf, type GivenFact } from '../testing/decider-specification.ts';
import { countingOnAnyDay } from '../time/counting.ts';
import { decidePurgeConsent, decidePurgeDecline, decidePurgeRequest, isPurgeable, type PurgeAsked } from './purge.decide.ts';
import type { ContentPurged, PurgeEvent } from './purge.events.ts';
import { evolvePurge, initialPurgeState, type PurgeState } from './purge.state.ts';

type InIssue = IssueEvent | FactsRetracted | ContentPurged;

const progress = (text: string): GivenFact<InIssue> => fact<InIssue>('2026-02-01', { type: 'ProgressReported', data: { text } });
const retraction = (kind: 'withdrawn' | 'entered-in-error', ...versions: readonly number[]): GivenFact<InIssue> =>
  fact<InIssue>(null, { type: 'FactsRetracted', data: { eventIds: versions.map(eventIdOf), reason: '含个人信息', kind } });
const grounds = { reason: 'PERSONAL_INFORMATION', legalBasis: '《个人信息保护法》第四十七条' } as const;
const purgeId = '00000000-0000-8000-8000-000000000041' as PurgeId;
const contentSha256 = 'ab'.repeat(32);

const corrected = [progress('某人住址'), retraction('entered-in-error', 1), progress('已办理')];
const purgeOf1 = fact<InIssue>(null, { type: 'ContentPurged', data: { purgeId, eventId: eventIdOf(1), position: position(1), contentSha256, ...grounds } });

const request = (given: readonly GivenFact<InIssue>[], versions: readonly number[], more: Partial<PurgeAsked> = {}) =>
  decidePurgeRequest({ purgeId, streamId: 'issue-1' as StreamId, facts: streamOf(...given), eventIds: versions.map(eventIdOf), contentSha256: () => contentSha256, ...grounds, ...more });
const codeOf = (decision: { readonly ok: boolean; readonly rejection?: { readonly code: string } }): string | undefined => (decision.ok ? undefined : decision.rejection?.code);

/** As `streamOf` gives its subject to each actor. */
const requested = (): PurgeState => {
  const decision = request(corrected, [1]);
  return streamOf(...(decision.ok ? decision.events : []).map((event) => fact<PurgeEvent>(null, event))).reduce(evolvePurge, initialPurgeState);
};

describe('a purge', () => {
  it('names what was entered in error, with its place and hash', () => {
    expect(request(corrected, [1])).toEqual({ ok: true, events: [{
      type: 'PurgeRequested', data: { purgeId, streamId: 'issue-1', targets: [{ eventId: eventIdOf(1), position: expect.any(Number), contentSha256 }], ...grounds },
    }] });
  });

  it.each([
    ['what still counts', corrected, [3], 'purge-of-standing'], ['what was only withdrawn', [progress('甲'), retraction('withdrawn', 1)], [1], 'purge-of-standing'],
    ['what counts again', [...corrected, retraction('entered-in-error', 2)], [1], 'purge-of-standing'], ['one that may go with one that may not', corrected, [1, 3], 'purge-of-standing'],
    ['a retraction', corrected, [2], 'not-purgeable'], ['what is not there', corrected, [9], 'unknown-event'], ['what is gone', [...corrected, purgeOf1], [1], 'already-purged'],
    ['a purge', [...corrected, purgeOf1], [4], 'not-purgeable'],
  ] as const)('is not of %s', (_, given, versions, code) => {
    expect(codeOf(request(given, versions))).toBe(code);
  });

  it('is of streams that hold words about what was found and done', () => {
    for (const stream of ['issue-1', 'measure-1', 'plan-1', 'source-1']) expect(isPurgeable(stream)).toBe(true);
    for (const stream of ['installation', 'org-tree-administrative', 'policy-default', 'working-calendar', 'purge-1', 'subscription-1', 'reminders-1']) {
      expect(isPurgeable(stream)).toBe(false);
      expect(codeOf(request(corrected, [1], { streamId: stream as StreamId }))).toBe('not-purgeable');
    }
  });

  it('is agreed to once, by another person, while what it names does not count', () => {
    const state = requested();
    const facts = streamOf(...corrected);
    const agreed = decidePurgeConsent(state, 'second', facts);
    expect(agreed).toMatchObject({ ok: true, events: [{ type: 'PurgeConsented' }], purged: [{ type: 'ContentPurged', data: { purgeId, eventId: eventIdOf(1), contentSha256, ...grounds } }] });
    expect(codeOf(decidePurgeConsent(state, state.requestedBy ?? '', facts))).toBe('consent-by-requester');
    expect(codeOf(decidePurgeConsent(state, 'second', streamOf(...corrected, retraction('entered-in-error', 2))))).toBe('purge-of-standing');
    expect(codeOf(decidePurgeConsent(state, 'second', streamOf(...corrected, purgeOf1)))).toBe('already-purged');
    const declined = decidePurgeDecline(state);
    expect(declined).toEqual({ ok: true, events: [{ type: 'PurgeDeclined', data: {} }] });
    for (const status of ['CARRIED_OUT', 'DECLINED'] as const) {
      expect([codeOf(decidePurgeConsent({ ...state, status }, 'second', facts)), codeOf(decidePurgeDecline({ ...state, status }))]).toEqual(['purge-settled', 'purge-settled']);
    }
    expect(codeOf(decidePurgeConsent(initialPurgeState, 'second', facts))).toBe('purge-settled');
  });

  it('is in no fold', () => {
    const facts = streamOf(...corrected, purgeOf1);
    const cut = { atPosition: position(99), knownAt: facts.at(-1)!.recordedAt };
    expect(countingOnAnyDay(facts, cut)).toEqual(countingOnAnyDay(facts.slice(0, -1), cut));
  });
});
