import { createEventCodec, type EventCodec, type StagedFact, type StoredEvent, type UnitOfWork } from '@rectrail/event-store';
import { streamId, type StreamId } from '@rectrail/kernel';
import { z } from 'zod';

/** `after` rests on what the writer had read: the sum of the stream with this event. `part` of `parts`: place among the events of one intent. */
const counted = z.strictObject({ intent: z.string(), part: z.int(), parts: z.int(), by: z.int(), after: z.int() });
export type Counted = z.output<typeof counted>;

export const countersCodec = (): EventCodec => createEventCodec([{ type: 'Counted', schemaVersion: 1, schema: counted, upcasters: {} }], () => 'no salt');
export const countedIn = ({ content }: StoredEvent): Counted => counted.parse((JSON.parse(content) as { readonly data: unknown }).data);

/** Few, so that writers meet. The first is kept decoded by the runner. */
export const counters: readonly StreamId[] = ['tree-1', 'counter-1', 'counter-2'].map(streamId);

/** What somebody wants done once: amounts added to counters. */
export interface Intent { readonly id: string; readonly adds: readonly { readonly to: StreamId; readonly by: number }[] }

const fact = (data: Counted): StagedFact => ({
  event: { type: 'Counted', data }, actor: { orgId: null, role: 'clerk', subject: 's-1', assurance: 'system' },
  scope: { orgId: null }, validTime: null, knownTime: null, classification: 'internal',
});

/** The sums afterwards, in the order of the adds. */
export const carryOut = async ({ id, adds }: Intent, unit: UnitOfWork): Promise<readonly number[]> => {
  const sums: number[] = [];
  for (const [index, { to, by }] of adds.entries()) {
    const { facts } = await unit.load(to);
    const after = ((facts.at(-1)?.event.data as Counted | undefined)?.after ?? 0) + by;
    unit.stage(to, [fact({ intent: id, part: index + 1, parts: adds.length, by, after })]);
    sums.push(after);
  }
  return sums;
};
