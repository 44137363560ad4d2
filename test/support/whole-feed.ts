import { position } from '@rectrail/kernel';
import type { Message, MessageFeed } from '@rectrail/messaging';

/** Every message that the feed has for insiders, in order. */
export const messagesOf = async (feed: MessageFeed): Promise<readonly Message[]> => {
  const messages: Message[] = [];
  for (let after = position(0), to = await feed.head(); after < to;) {
    const slice = await feed.read({ after, audience: 'internal' });
    messages.push(...slice.messages);
    after = slice.scannedTo;
  }
  return messages;
};

/** The digest that the server states of all subjects at the head. */
export const digestOf = async (feed: MessageFeed): Promise<string | null> => {
  const at = await feed.head();
  for (let cursor: string | null = null; ;) {
    const page = await feed.snapshot({ at, audience: 'internal', cursor, limit: 5_000 });
    if (page.next === null) return page.digest;
    cursor = page.next;
  }
};
