import { setTimeout as sleep } from 'node:timers/promises';
import { instantOfMs, position, type EventId, type Position } from '@rectrail/kernel';
import type { Message, MessageFeed, MessageSlice } from '../message.ts';

/** A message about `issues/<subject>` whose state is its own position. */
export const scriptedMessage = (at: number, subject: string): Message => ({
  position: position(at), id: `00000000-0000-8000-8000-${String(at).padStart(12, '0')}` as EventId, type: 'rectrail.issue.accepted.v1', noun: 'issues', subject: `issues/${subject}`,
  time: null, recordedAt: instantOfMs(Date.UTC(2026, 0, 1) + at), correlationId: 'scripted', causationId: null, classification: 'internal', orgId: null,
  data: { change: { name: 'accepted', on: null, byOrgId: null, retracts: 0 }, state: { at, title: `问题${at}` } },
});

/** A feed whose messages a test writes; nobody's log. */
export class ScriptedFeed implements Pick<MessageFeed, 'source' | 'head' | 'follow'> {
  readonly #messages: Message[] = [];
  readonly #sliceMax: number;
  #head = 0;

  constructor(sliceMax = 100) {
    this.#sliceMax = sliceMax;
  }

  /** Every message so far, in order. */
  get messages(): readonly Message[] {
    return this.#messages;
  }

  /** One message, some positions behind the last one. */
  add(subject: string, passedOver = 0): Message {
    this.#head += 1 + passedOver;
    const message = scriptedMessage(this.#head, subject);
    this.#messages.push(message);
    return message;
  }

  /** Another message of the newest event. */
  addAlong(subject: string): Message {
    const message = { ...scriptedMessage(this.#head, subject), id: `00000000-0000-8000-8001-${String(this.#messages.length).padStart(12, '0')}` as EventId };
    this.#messages.push(message);
    return message;
  }

  source(): Promise<string> {
    return Promise.resolve('urn:rectrail:scripted:1');
  }

  head(): Promise<Position> {
    return Promise.resolve(position(this.#head));
  }

  async *follow({ after, signal }: Parameters<MessageFeed['follow']>[0]): AsyncGenerator<MessageSlice, void, void> {
    let from: number = after;
    while (!signal.aborted) {
      const start = this.#messages.findIndex((message) => message.position > from);
      const cut = this.#messages[start + this.#sliceMax - 1]?.position ?? Infinity;
      // A slice holds all messages of an event.
      const messages = start < 0 ? [] : this.#messages.filter((message) => message.position > from && message.position <= cut);
      from = messages.length < this.#sliceMax ? this.#head : messages.at(-1)?.position ?? from;
      if (messages.length > 0) yield { messages, scannedTo: position(from) };
      else await sleep(2);
    }
  }
}
