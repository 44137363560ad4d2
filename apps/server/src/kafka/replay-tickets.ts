import { createHash, randomBytes } from 'node:crypto';
import type { Database } from '@rectrail/platform';

/** How long a replayed record may wait for the consumer, hours. */
const validHours = 24;
const secretBytes = 32;
/** Instead of `Bearer` in the header `authorization` of a replayed record. */
const scheme = 'Replay';
const shape = new RegExp(`^${scheme} ([\\w-]{43})$`);

const tables = `
  create schema if not exists rectrail_kafka;
  create table if not exists rectrail_kafka.replay (
    ticket_sha256 bytea primary key,
    letter        text not null,
    letter_at     timestamptz not null,
    record_sha256 text not null,
    token_id      text not null,
    replayed_at   timestamptz not null default now()
  );
  create index if not exists replay_letter on rectrail_kafka.replay (letter);
`;

/** A dead letter that is put back: the ticket is good for this very record alone, and acts for the token of the administrator who asked for it. */
export interface ReplayTicket {
  /** Name of the dead letter, by its place and its instant. */
  readonly letter: string;
  readonly letterAtMs: number;
  /** Of key and value as they are put back. */
  readonly recordSha256: string;
  readonly tokenId: string;
}

export interface ReplayTickets {
  /** The header `authorization` of the record. */
  issue(ticket: ReplayTicket): Promise<string>;
  /** Null for one that is unknown, too old, or another record's. */
  redeem(authorization: string, recordSha256: string): Promise<ReplayTicket | null>;
  /** When each letter was last replayed, for those that were. */
  lastReplays(letters: readonly string[]): Promise<ReadonlyMap<string, Date>>;
}

export const isReplay = (authorization: string): boolean => shape.test(authorization);

export const recordSha256Of = (idempotencyKey: string, value: Uint8Array): string => createHash('sha256').update(JSON.stringify(idempotencyKey)).update(value).digest('hex');

const hashOf = (secret: string): Buffer => createHash('sha256').update(secret, 'utf8').digest();

/**
 * A dead letter keeps no token, and the token of whoever replays it must not lie in a topic either: a ticket does, which nobody can use for another record. It is good for
 * every delivery of its record, since a record may be delivered twice.
 */
export const openReplayTickets = async (database: Database): Promise<ReplayTickets> => {
  await database.transaction(async (query) => {
    await query(`select pg_advisory_xact_lock(hashtextextended('rectrail_kafka', 0))`);
    await query(tables);
  });
  return {
    issue: async ({ letter, letterAtMs, recordSha256, tokenId }) => {
      const secret = randomBytes(secretBytes).toString('base64url');
      await database.query(
        'insert into rectrail_kafka.replay (ticket_sha256, letter, letter_at, record_sha256, token_id) values ($1, $2, $3, $4, $5)',
        [hashOf(secret), letter, new Date(letterAtMs), recordSha256, tokenId],
      );
      return `${scheme} ${secret}`;
    },
    redeem: async (authorization, recordSha256) => {
      const secret = shape.exec(authorization)?.[1] ?? '';
      const { rows: [kept] } = await database.query<{ letter: string; letter_at: Date; token_id: string }>(
        'select letter, letter_at, token_id from rectrail_kafka.replay where ticket_sha256 = $1 and record_sha256 = $2 and replayed_at > now() - make_interval(hours => $3)',
        [hashOf(secret), recordSha256, validHours],
      );
      return kept === undefined ? null : { letter: kept.letter, letterAtMs: kept.letter_at.getTime(), recordSha256, tokenId: kept.token_id };
    },
    lastReplays: async (letters) => {
      const { rows } = await database.query<{ letter: string; at: Date }>('select letter, max(replayed_at) as at from rectrail_kafka.replay where letter = any($1) group by letter', [letters]);
      return new Map(rows.map(({ letter, at }) => [letter, at]));
    },
  };
};
