import { leafBytes, type StoredEvent } from '@rectrail/event-store';
import { PostgresEventStore } from '@rectrail/event-store-postgres';
import { dumpDigest, poolDatabase } from '@rectrail/projections/testing';
import { trackingProjections } from '@rectrail/tracking-read';
import { GrowingTree, leafHash } from '@rectrail/transparency';
import pg from 'pg';

/** The whole log as the database has it, read past every server. */
export const storedEvents = async (url: string): Promise<readonly StoredEvent[]> => {
  const store = await PostgresEventStore.open({ connectionString: url });
  try {
    const events: StoredEvent[] = [];
    for (let page = await store.readAll(); page.events.length > 0; page = await store.readAll({ after: page.scannedTo })) events.push(...page.events);
    return events;
  } finally {
    await store.close();
  }
};

/** One digest of every row of each projection. */
export const rowsDigest = async (url: string): Promise<readonly string[]> => {
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  try {
    return await Promise.all(trackingProjections('Asia/Shanghai').map(({ tables }) => poolDatabase(pool).transaction((tx) => dumpDigest(tx, 'rectrail_read', tables))));
  } finally {
    await pool.end();
  }
};

/** Levels of the tree of which tiles keep hashes (C2SP tlog-tiles). */
const tileHeight = 8;

const hex = (levels: Iterable<readonly [number, readonly Buffer[]]>): Readonly<Record<string, string>> =>
  Object.fromEntries([...levels].map(([level, hashes]) => [level, Buffer.concat(hashes).toString('hex')]));

const treeOf = (events: readonly StoredEvent[], identity: { readonly logId: string }) => {
  const tree = new GrowingTree();
  const nodes = events.flatMap((event) => tree.append(leafHash(leafBytes(event, identity)))).filter(({ level }) => level % tileHeight === 0);
  const levels = [...Map.groupBy(nodes, ({ level }) => level / tileHeight)].map(([level, ofLevel]) => [level, ofLevel.map(({ hash }) => hash)] as const);
  return { levels: hex(levels), size: tree.size, root: tree.root.toString('base64') };
};

/** The tree that is kept beside the log, and the one made anew of its contents: all hashes of each level of tiles, and the root of both. */
export const keptAndMadeTrees = async (url: string, events: readonly StoredEvent[]) => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows: [identity] } = await client.query<{ logId: string }>('select log_id as "logId" from rectrail_events.epochs order by epoch desc limit 1');
    const { rows: tiles } = await client.query<{ level: number; hashes: Buffer }>('select level, hashes from rectrail_transparency.tile order by level, index');
    const { rows: [signed] } = await client.query<{ note: string }>('select note from rectrail_transparency.checkpoint order by epoch desc, size desc limit 1');
    const made = treeOf(events, identity!);
    const kept = [...Map.groupBy(tiles, ({ level }) => level)].map(([level, rows]) => [level, rows.map(({ hashes }) => hashes)] as const);
    const [, size = '', root = ''] = signed!.note.split('\n');
    return { kept: { levels: hex(kept), size: Number(size), root }, made };
  } finally {
    await client.end();
  }
};
