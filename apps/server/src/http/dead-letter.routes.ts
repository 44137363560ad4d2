import type { DeadLetter, DeadLetters } from '@rectrail/messaging';
import { parseBody } from '@rectrail/tracking-app';
import { z } from 'zod';
import { recordSha256Of, type ReplayTickets } from '../kafka/replay-tickets.ts';
import type { DeadLetterDetail, DeadLetterView } from '../openapi/answer-types.ts';
import { requireAdministrator } from './fastify-server.ts';
import { HttpProblem } from './http-problem.ts';
import { limitParameter, parseQuery } from './query-parameters.ts';
import { apiPath, idOf, type TableRoute } from './table-routes.ts';
import { jsonBodyOf, noIfMatch } from './write-request.ts';

/** The topic of dead letters, and who is let put something back from it. */
export interface DeadLetterDesk { readonly letters: DeadLetters; readonly tickets: ReplayTickets }

const pageDefault = 50;
const pageMax = 500;
const idShape = /^(\d{1,9})-(\d{1,18})$/;
const cursorShape = /^\d{1,9}-\d{1,18}(\.\d{1,9}-\d{1,18}){0,99}$/;

type Cursor = ReadonlyMap<number, bigint>;

const cursorOf = (text: string): Cursor => new Map(text.split('.').map((part) => {
  const [partition = '0', offset = '0'] = part.split('-');
  return [Number(partition), BigInt(offset)];
}));
const cursorText = (cursor: Cursor): string => [...cursor].map(([partition, offset]) => `${partition}-${offset}`).join('.');

export const deadLettersQuery = z.strictObject({
  cursor: z.string().max(3_000).regex(cursorShape, 'no cursor of dead letters').transform(cursorOf).optional(), limit: limitParameter.optional(),
});
const nothing = z.strictObject({});

const theirs = 'dead letters are read and replayed by administrators';

const idOfLetter = ({ partition, offset }: DeadLetter): string => `${partition}-${offset}`;
/** Also where a topic was made anew: offsets begin again then. */
const nameOf = (letter: DeadLetter): string => `${idOfLetter(letter)} of ${letter.atMs}`;

const view = (letter: DeadLetter, replayedAt: Date | undefined): DeadLetterView => {
  const { atMs, reason, detail, place, key, bytes, value } = letter;
  return {
    id: idOfLetter(letter), at: new Date(atMs).toISOString(), reason, detail, ...place, key: key?.toString('utf8') ?? null, bytes, canReplay: value !== null,
    replayedAt: replayedAt?.toISOString() ?? null,
  };
};

/** What came over Kafka and was no request: looked at and, once its cause is gone, put back. */
export const deadLetterRoutes = (desk: DeadLetterDesk | null): readonly TableRoute[] => {
  const open = (): DeadLetterDesk => {
    if (desk === null) throw new HttpProblem('kafka-off', 'this server takes no commands from Kafka: RECTRAIL_KAFKA_BROKERS is not set');
    return desk;
  };
  const letterOf = async (id: string): Promise<DeadLetter> => {
    const [, partition, offset] = idShape.exec(id) ?? [];
    const letter = partition === undefined || offset === undefined ? null : await open().letters.find(Number(partition), BigInt(offset));
    if (letter === null) throw new HttpProblem('unknown-dead-letter', `there is no dead letter ${id}, or it is kept no longer`);
    return letter;
  };
  const detailOf = async (letter: DeadLetter): Promise<DeadLetterDetail> => {
    const name = nameOf(letter);
    return { ...view(letter, (await open().tickets.lastReplays([name])).get(name)), headers: letter.headers, value: letter.value?.toString('utf8') ?? null };
  };
  return [
    {
      name: 'DeadLetters',
      method: 'GET',
      path: '/dead-letters',
      handle: async (request, reply) => {
        requireAdministrator(request, theirs);
        const { letters, tickets } = open();
        const { cursor = null, limit = pageDefault } = parseQuery(deadLettersQuery, request.query);
        const { items, next } = await letters.page(Math.min(Math.max(limit, 1), pageMax), cursor);
        const replays = await tickets.lastReplays(items.map(nameOf));
        void reply.header('Cache-Control', 'no-store');
        return { items: items.map((letter) => view(letter, replays.get(nameOf(letter)))), nextCursor: next === null ? null : cursorText(next) };
      },
    },
    {
      name: 'DeadLetter',
      method: 'GET',
      path: '/dead-letters/:id',
      handle: async (request, reply) => {
        requireAdministrator(request, theirs);
        parseQuery(nothing, request.query);
        void reply.header('Cache-Control', 'no-store');
        return detailOf(await letterOf(idOf(request)));
      },
    },
    {
      name: 'ReplayDeadLetter',
      method: 'POST',
      path: '/dead-letters/:id/replay',
      handle: async (request, reply) => {
        const { tokenId } = requireAdministrator(request, theirs);
        noIfMatch(request);
        parseQuery(nothing, request.query);
        parseBody(nothing, jsonBodyOf(request));
        const letter = await letterOf(idOf(request));
        const { key, value, headers } = letter;
        if (value === null) throw new HttpProblem('dead-letter-not-kept', `the record of ${letter.bytes} bytes was not kept: send it again from where it came`);
        const idempotencyKey = headers['idempotency-key'] ?? `dead letter ${idOfLetter(letter)}`;
        const authorization = await open().tickets.issue({ letter: nameOf(letter), letterAtMs: letter.atMs, recordSha256: recordSha256Of(idempotencyKey, value), tokenId });
        await open().letters.putBack({ key, value, headers: { ...headers, 'idempotency-key': idempotencyKey, authorization } });
        void reply.status(202).header('Location', `${apiPath}/dead-letters/${idOfLetter(letter)}`);
        return detailOf(letter);
      },
    },
  ];
};
