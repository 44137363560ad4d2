// Goal: an export of a log that goes on is of one state of it that can be verified. Method: a log in memory behind a client that answers as the server does, of which a content is
// purged while the export is under way, and which seals what was recorded a moment later.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { bundleEvent, bundleLine } from '@rectrail/audit';
import { leafBytes, MemoryEventStore } from '@rectrail/event-store';
import { freshStream, purgeOf, requestOf } from '@rectrail/event-store/testing';
import { position, type Instant } from '@rectrail/kernel';
import { GrowingTree, leafHash, newNoteKey, noteSigner, parseCheckpointText, parseNote, signCheckpoint } from '@rectrail/transparency';
import type { ApiClient } from './api-client.ts';
import { exportLog } from './log-export.ts';

let directory: string;
beforeAll(async () => { directory = await mkdtemp(join(tmpdir(), 'rectrail-export-')); });
afterAll(async () => { await rm(directory, { recursive: true, force: true }); });

describe('an export', () => {
  it('during which a content is purged goes on to the checkpoint that holds the event that says so', async () => {
    const store = new MemoryEventStore({ now: () => '2026-01-01T00:00:00.000Z' as Instant });
    const stream = freshStream();
    await store.append(requestOf([{ stream, says: Array.from({ length: 6 }, (_, n) => String(n)) }]));
    const identity = await store.identity();
    const origin = `rectrail/${identity.logId}/1`;
    const key = newNoteKey(origin);
    let asked = 0;
    let sealed = 6;
    const client = {
      get: () => Promise.resolve({ begun: [] }),
      text: async (path: string) => {
        if (path !== '/log/checkpoint') return `${key.verifier}\n`;
        const tree = new GrowingTree();
        for (const event of (await store.readAll({ limit: sealed })).events) tree.append(leafHash(leafBytes(event, identity)));
        // Sealed once it has been asked for in vain.
        if (asked > 0) sealed = (await store.head()).position;
        return signCheckpoint({ origin, size: tree.size, root: tree.root }, [noteSigner(key.secret)]);
      },
      bytes: async (_path: string, query: Readonly<Record<string, string>>) => {
        asked += 1;
        if (asked === 2) await store.append(purgeOf((await store.readStream(stream)).events[4]!));
        const { events } = await store.readAll({ after: position(Number(query['after'])), limit: Math.min(Number(query['limit']), 3) });
        return Buffer.from(events.map((event) => bundleLine(bundleEvent(event, identity, true))).join(''));
      },
    };
    const { manifest, isAsSigned } = await exportLog({ client: client as unknown as ApiClient, directory: join(directory, 'bundle'), isPublic: false, onProgress: () => undefined });
    expect({ isAsSigned, ...manifest }).toMatchObject({ isAsSigned: true, last: 7, purged: 1, withheld: 0 });
    expect(manifest.checkpoints.map((note) => parseCheckpointText(parseNote(note).text).size)).toEqual([6, 7]);
  });
});
