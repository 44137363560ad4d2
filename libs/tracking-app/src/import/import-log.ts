import { withContent, type EventStore } from '@rectrail/event-store';
import { position, type CommandId, type EventId, type StreamId } from '@rectrail/kernel';

/** What one import wrote, by stream; what was purged of it since is left out. */
export type WrittenEvents = ReadonlyMap<StreamId, readonly EventId[]>;

const idOf = (content: string): EventId => {
  const parsed: unknown = JSON.parse(content);
  if (typeof parsed === 'object' && parsed !== null && 'eventId' in parsed && typeof parsed.eventId === 'string') return parsed.eventId as EventId;
  throw new Error('a stored content has an eventId');
};

/**
 * The events of a command, from the log itself: an append takes one unbroken range of positions, so no read model is needed
 * and none can be behind. Null where the command was never carried out.
 */
export const writtenBy = async (store: Pick<EventStore, 'findCommand' | 'readAll' | 'capabilities'>, commandId: CommandId): Promise<WrittenEvents | null> => {
  const appended = await store.findCommand(commandId);
  if (appended === null) return null;
  const written = new Map<StreamId, EventId[]>();
  for (let after = position(appended.first - 1); after < appended.last;) {
    const page = await store.readAll({ after, limit: Math.min(appended.last - after, store.capabilities.pageEventsMax) });
    for (const event of withContent(page.events)) {
      const ids = written.get(event.streamId) ?? [];
      ids.push(idOf(event.content));
      written.set(event.streamId, ids);
    }
    after = page.scannedTo;
  }
  return written;
};
