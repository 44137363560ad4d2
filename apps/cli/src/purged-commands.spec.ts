// Goal: a purged event is of the command that it was of, as far as anything of that command is left. Method: random logs of commands, of which random contents are then gone.
import { describe, expect, it } from '@jest/globals';
import { entryOfStored } from '@rectrail/audit';
import { canonicalJson, contentPurged, contentSha256, deriveEventId, newCommandId } from '@rectrail/event-store';
import { instantOfMs, position, streamId, streamVersion } from '@rectrail/kernel';
import fc from 'fast-check';
import { PurgedCommands } from './purged-commands.ts';

const logId = '00000000-0000-4000-8000-000000000000';
const at = instantOfMs(1_800_000_000_000);

/** Of each command, which of its events are purged later. */
const commands = fc.array(fc.array(fc.boolean(), { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 8 });

const stored = (n: number, said: { readonly commandId: string; readonly eventId: string; readonly type: string; readonly data: object }) => ({
  position: position(n), recordedAt: at, streamId: streamId('issue-1'), streamVersion: streamVersion(n), type: said.type, content: canonicalJson({ actor: '某人', correlationId: 'c', ...said }),
});

describe('PurgedCommands', () => {
  it('gives each purged event its command where one of its events is left, and else one of its own that stands together', () => {
    // In one millisecond all ids begin alike.
    fc.assert(fc.property(commands, fc.boolean(), (log, areApart) => {
      const events = log.flatMap((purged, c) => {
        const commandId = newCommandId(areApart ? instantOfMs(1_800_000_000_000 + c) : at);
        return purged.map((isGone, index) => ({ commandId, eventId: deriveEventId(commandId, index), isGone, isKnown: purged.includes(false) }));
      });
      const rows = events.map((event, i) => ({ ...event, row: stored(i + 1, { commandId: event.commandId, eventId: event.eventId, type: 'Said', data: { n: i } }) }));
      const purge = newCommandId(at);
      const purges = rows.filter(({ isGone }) => isGone).map(({ row, eventId }, i) =>
        stored(rows.length + i + 1, {
          commandId: purge, eventId: deriveEventId(purge, i), type: contentPurged, data: { contentSha256: contentSha256(row), eventId, position: row.position },
        }));
      const found = new PurgedCommands();
      found.add([...rows.map(({ row, isGone }) => (isGone ? { ...row, content: '', contentSha256: contentSha256(row) } : row)), ...purges].map((row) => entryOfStored(row, { logId })));
      const given = found.of(logId);
      expect([...given.keys()]).toEqual(rows.filter(({ isGone }) => isGone).map(({ row }) => Number(row.position)));
      const all = rows.map(({ row, commandId, isKnown }) => given.get(row.position) ?? (isKnown ? commandId : ''));
      rows.forEach(({ isKnown, commandId }, i) => { if (isKnown) expect(all[i]).toBe(commandId); });
      // No command in two places, which no log takes.
      const runs = all.filter((id, i) => id !== all[i - 1]);
      expect(new Set(runs).size).toBe(runs.length);
    }), { numRuns: 200 });
  });
});
