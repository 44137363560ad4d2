import type { EventId, Instant, OrgId, Position } from '@rectrail/kernel';

/** To whom is told: the public hears of public facts alone, `internal` of internal ones too. Restricted facts leave to nobody. */
export const audiences = ['public', 'internal'] as const;
export type Audience = (typeof audiences)[number];

/** What messages are about; also the last part of a Kafka topic's name. */
export const nouns = ['organisations', 'inspections', 'plans', 'issues', 'measures', 'funds', 'policies', 'calendars', 'reports', 'metrics', 'reminders'] as const;
export type Noun = (typeof nouns)[number];

/** A fuzzy date as integrators see it: the days that it may mean and what was printed. */
export interface MessageDate { readonly first: string; readonly last: string; readonly printed: string }

/** What happened: the verb of the message's type, the day on which it takes effect, and how many earlier facts it retracts. */
export interface MessageChange {
  readonly name: string;
  /** Null for what is cut by position alone, and for retractions. */
  readonly on: MessageDate | null;
  /** Organisation that acted; null for the installation and its administrator, and for a retraction that the audience may hear of but not by whom. Persons are never told. */
  readonly byOrgId: OrgId | null;
  readonly retracts: number;
  /** Of `content-purged` alone: the id of the earlier message (the event) whose content is gone; whoever kept it deletes it. */
  readonly purges?: EventId;
}

/**
 * A message's body: what changed, and the subject as all facts recorded so far (and fit for the audience) have it, whatever day they take effect on.
 * `state` null: nothing is left of the subject. A consumer that stores the newest `state` of each subject needs no rule of the domain.
 */
export interface MessageData {
  readonly change: MessageChange;
  readonly state: Readonly<Record<string, unknown>> | null;
}

/** One change of one subject, made from one event: a pure function of the subject's stream up to that event, and of the audience. */
export interface Message {
  readonly position: Position;
  /** Of the event, but for a retraction that changes several subjects: derived for each. (source, id) is unique. */
  readonly id: EventId;
  /** `rectrail.issue.accepted.v1`. */
  readonly type: string;
  readonly noun: Noun;
  /** Path of the subject below `/api/v1`: `issues/0198…`. Messages of one subject keep their order everywhere. */
  readonly subject: string;
  /** The first instant of the last day on which it may have happened, in the installation's zone; null where it has no day. */
  readonly time: Instant | null;
  readonly recordedAt: Instant;
  readonly correlationId: string;
  readonly causationId: string | null;
  readonly classification: Audience;
  /** The subject's owner, by which subtrees are selected (an organisation owns itself); null for the installation's own. */
  readonly orgId: OrgId | null;
  readonly data: MessageData;
}

/**
 * `scannedTo`: every position up to here has been looked at. All messages of one event stand in one slice; who stops between two of them
 * goes on from before their position.
 */
export interface MessageSlice { readonly messages: readonly Message[]; readonly scannedTo: Position }

/** All conditions hold together; one that is absent selects everything. */
export interface MessageFilter {
  readonly nouns?: readonly Noun[];
  readonly types?: readonly string[];
  /** Owner in the subtree of this organisation, in the administrative tree as it is now; what has no owner is always selected. */
  readonly subtreeOf?: OrgId;
  /** And in that of this one, which the reader may hear of: the tree of read models that let it ask for `subtreeOf` may lag behind. */
  readonly within?: OrgId;
  /** Level of the owner: province, city, county … */
  readonly levels?: readonly string[];
}

export interface ReadMessages {
  /** Exclusive. */
  readonly after: Position;
  readonly audience: Audience;
  readonly filter?: MessageFilter;
  /** Most events that are told, coerced to the feed's page maximum; a retraction in a stream of several subjects may make more than one message. */
  readonly limit?: number;
}

export interface FollowMessages extends ReadMessages {
  /** Most events of a slice at the head of the log, where what one command wrote is told by and by while the rest is folded; default `limit`. */
  readonly headLimit?: number;
  readonly signal: AbortSignal;
}

/** A subject as it stood at a position: `position` is that of its last message. */
export interface SubjectState {
  readonly subject: string;
  readonly noun: Noun;
  readonly position: Position;
  readonly orgId: OrgId | null;
  readonly state: Readonly<Record<string, unknown>>;
}

export interface SnapshotRequest {
  /** Not beyond the head. */
  readonly at: Position;
  readonly audience: Audience;
  /** Its `types` select messages, never subjects. */
  readonly filter?: MessageFilter;
  readonly limit?: number;
  /** Of the page before. */
  readonly cursor: string | null;
}

/** `digest` stands on the last page: that of every subject on all pages (`rectrail.feed/1`). */
export interface SnapshotPage { readonly at: Position; readonly subjects: readonly SubjectState[]; readonly next: string | null; readonly digest: string | null }

/** What leaves, wherever it goes: Kafka, webhooks, HTTP and server-sent events carry the same messages. */
export interface MessageFeed {
  /** CloudEvents `source`: `urn:rectrail:<logId>:<epoch>`, so that a copied or restored database never speaks as the old one. */
  source(): Promise<string>;
  head(): Promise<Position>;
  read(options: ReadMessages): Promise<MessageSlice>;
  /** The past, then live, until the signal aborts; each message once and in order. Empty slices tell that positions were passed over. */
  follow(options: FollowMessages): AsyncIterable<MessageSlice>;
  /** @throws SnapshotRejected `cursor-invalid`, `cursor-mismatch` */
  snapshot(request: SnapshotRequest): Promise<SnapshotPage>;
}
