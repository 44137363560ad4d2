import type { AppendRequest, EventToAppend } from '@rectrail/event-store';
import type { RecordedEvent } from '@rectrail/generator';
import { streamId, streamVersion, type CommandId, type EventId } from '@rectrail/kernel';

/** An event of the tail of a history, as a line of its file holds it. */
type TailEvent = readonly [commandId: CommandId, streamId: string, streamVersion: number, type: string, content: string];

export const tailLine = ({ commandId, streamId: id, streamVersion: version, type, content }: Omit<RecordedEvent, 'position' | 'recordedAt'>): string =>
  `${JSON.stringify([commandId, id, version, type, content] satisfies TailEvent)}\n`;

const eventOf = ([, , , type, content]: TailEvent): EventToAppend => ({ eventId: (JSON.parse(content) as { eventId: EventId }).eventId, type, content });

const requestOf = (commandId: CommandId, events: readonly TailEvent[]): AppendRequest => ({
  commandId,
  entries: [...Map.groupBy(events, ([, id]) => id)].map(([id, ofStream]) => ({
    streamId: streamId(id), expectedVersion: streamVersion((ofStream[0]?.[2] ?? 1) - 1), events: ofStream.map(eventOf),
  })),
});

/** What a tail tells, append by append, as the commands of the history made them. */
export function* tailRequests(text: string): Generator<AppendRequest, void, void> {
  let events: TailEvent[] = [];
  for (let at = 0; at < text.length;) {
    const end = text.indexOf('\n', at);
    const event = JSON.parse(text.slice(at, end)) as TailEvent;
    const commandId = events[0]?.[0];
    if (commandId !== undefined && commandId !== event[0]) {
      yield requestOf(commandId, events);
      events = [];
    }
    events.push(event);
    at = end + 1;
  }
  if (events[0] !== undefined) yield requestOf(events[0][0], events);
}
