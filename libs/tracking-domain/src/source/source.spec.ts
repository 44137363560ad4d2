// Goal: no source from the future is taken in; an import is recorded once and stands until it is undone.
// Method: decide on hand-made states; today is 2022-04-29.
import { describe, expect, it } from '@jest/globals';
import { day, type Day, type Decision } from '@rectrail/kernel';
import { eventIdOf, fact, streamOf } from '../testing/decider-specification.ts';
import { decideSource } from './source.decide.ts';
import type { SourceEvent } from './source.events.ts';
import { evolveSource, initialSourceState } from './source.state.ts';

const data: SourceEvent['data'] = {
  importId: 'import', documentId: 'ningbo-2022', title: '通报', format: 'rectrail.ledger/1', sha256: 'a', publishedOn: day('2022-04-29'), receivedOn: null,
  rows: 1, rowsNew: 1, rowsChanged: 0, rowsRemoved: 0,
};
const decide = (publishedOn: string, receivedOn: Day | null, importId = 'import', ...before: readonly SourceEvent[]): Decision<SourceEvent> =>
  decideSource({ type: 'IngestSource', data: { ...data, importId, publishedOn: day(publishedOn), receivedOn } },
    { now: streamOf(...before.map((event) => fact(null, event))).reduce(evolveSource, initialSourceState), today: day('2022-04-29') });
const refusedAt = (pointer: string): unknown => expect.objectContaining({ ok: false, rejection: expect.objectContaining({ code: 'source-in-future', pointer }) as unknown });

describe('taking in a source', () => {
  it('is refused where it is published or was received after today', () => {
    expect(decide('2022-04-30', null)).toEqual(refusedAt('/publishedOn'));
    expect(decide('2022-04-30', day('2022-04-29'))).toEqual(refusedAt('/publishedOn'));
    expect(decide('2022-04-29', day('2022-04-30'))).toEqual(refusedAt('/receivedOn'));
  });

  it('is recorded once an import, and anew for the next import of the document', () => {
    const first: SourceEvent = { type: 'SourceIngested', data };
    expect(decide('2022-04-29', null)).toEqual({ ok: true, events: [first] });
    expect(decide('2022-04-29', null, 'import', first)).toEqual({ ok: true, events: [] });
    expect(decide('2022-04-29', null, 'second', first)).toEqual({ ok: true, events: [{ type: 'SourceIngested', data: { ...data, importId: 'second' } }] });
  });

  it('keeps the imports of the document in the order of recording', () => {
    const state = streamOf<SourceEvent>(fact(null, { type: 'SourceIngested', data }), fact(null, { type: 'SourceIngested', data: { ...data, importId: 'second' } })).reduce(evolveSource, initialSourceState);
    expect(state.imports.map(({ importId, eventId }) => [importId, eventId])).toEqual([['import', eventIdOf(1)], ['second', eventIdOf(2)]]);
  });
});
