import type { SubscriptionId } from '@rectrail/kernel';
import { subscriptionShape } from '@rectrail/tracking-domain';
import { z } from 'zod';
import { actingOn, frameOf, make } from '../aggregate.ts';
import { subscriptions } from '../aggregates.ts';
import { orgRef, orNull } from '../body-schema.ts';
import { defineCommand, type CommandContext, type CommandDefinition } from '../command-definition.ts';
import { CommandRejected } from '../command-rejected.ts';
import { organisationOf, requireJurisdiction, requireOwner, treeToday } from '../organisations.ts';

const act = actingOn(subscriptions);
const nothing = z.strictObject({});

const { endpoint, audience, nouns, types, levels, after } = subscriptionShape;

/** Where nothing may be sent is refused before it is recorded; every delivery looks again. @throws CommandRejected `endpoint-refused`. */
const requireEndpoint = async (context: CommandContext, url: string): Promise<void> => {
  const fault = await context.endpointFault(url);
  if (fault !== null) throw new CommandRejected('endpoint-refused', fault).at('/endpoint');
};

/** Each costs a reader of the log, and its receiver a share of what is sent at once. @throws CommandRejected `too-many-subscriptions`. */
const requireRoom = async (context: CommandContext, id: SubscriptionId): Promise<void> => {
  const most = await context.subscriptionsFull(id);
  if (most !== null) throw new CommandRejected('too-many-subscriptions', `with this one there would be more subscriptions than the ${most} that there may be. Potential solutions: delete one; raise RECTRAIL_WEBHOOK_SUBSCRIPTIONS_MAX`);
};

/** Behind a position that nobody has seen it would hear of nothing for long. @throws CommandRejected `position-unknown`. */
const requireReached = async (context: CommandContext, after: number | null): Promise<void> => {
  const head = await context.head();
  if (after !== null && after > head) throw new CommandRejected('position-unknown', `position ${after} lies beyond the newest event, ${head}`).at('/after');
};

const createSubscription = defineCommand({
  name: 'CreateSubscription',
  path: '/subscriptions',
  summary: 'Have messages sent to an endpoint as webhooks; the secret is fetched once by `reveal-secret`',
  body: z.strictObject({
    org: orNull(orgRef).describe("Whose it is: it hears of this organisation's subtree at most. Left out: the caller's own; for an administrator all"),
    endpoint: endpoint.describe('https://host[:port][/path]: no user, no query, no fragment, and no secret in the path, since it stands in an event'),
    audience: audience.describe('public: public facts alone; internal: internal ones too'),
    nouns: nouns.default(null).describe('Left out: of all'), types: types.default(null).describe('Types of messages; left out: all'),
    subtreeOf: orNull(orgRef).describe('Of this organisation and all below it, by the tree as it is at the time of each delivery'), levels: levels.default(null).describe('Levels of the owner: province, city …'),
    after: after.default(null).describe('Position behind which it hears, as a snapshot gave it; left out: from its creation on'),
  }),
  ifMatch: 'none',
  stream: null,
  alone: true,
  execute: async (context, unit, _target, { org, subtreeOf, ...terms }) => {
    const { orgId: own } = context.actor;
    const owner = org ?? own;
    const orgId = owner === null ? null : await requireOwner(context, unit, owner);
    const tree = await treeToday(context, unit);
    requireJurisdiction(context, tree, orgId);
    const selected = subtreeOf === null ? null : (await organisationOf(context, unit, subtreeOf, '/subtreeOf')).orgId;
    if (orgId !== null && selected !== null && !tree.subtree(orgId).includes(selected)) {
      throw new CommandRejected('outside-jurisdiction', `${subtreeOf} is not below the organisation whose subscription it is`).at('/subtreeOf');
    }
    await requireReached(context, terms.after);
    await requireEndpoint(context, terms.endpoint);
    const id = context.newId('subscription') as SubscriptionId;
    await requireRoom(context, id);
    return make(subscriptions, context, unit, {
      id, scope: { orgId }, frame: frameOf(context, undefined), command: { type: 'CreateSubscription', data: { ...terms, subscriptionId: id, orgId, subtreeOf: selected } },
    });
  },
});

/** What goes out by itself, and to whom. They state no fact of the world, so none stands in a correction. */
export const subscriptionCommands: readonly CommandDefinition[] = [
  createSubscription,
  act({ name: 'PauseSubscription', verb: 'pause', summary: 'Send nothing until it is resumed', body: nothing, command: () => ({ type: 'PauseSubscription' }) }),
  act({ name: 'ResumeSubscription', verb: 'resume', summary: 'Go on where it stood: after a pause, or where it was disabled', body: nothing, command: () => ({ type: 'ResumeSubscription' }) }),
  act({
    name: 'RotateSubscriptionSecret', verb: 'rotate-secret', summary: 'Sign with new keys, and for 24 hours with the former ones too; `reveal-secret` shows them once', body: nothing,
    command: () => ({ type: 'RotateSubscriptionSecret' }),
  }),
  act({ name: 'DeleteSubscription', verb: 'delete', summary: 'Send nothing any more, for good', body: nothing, command: () => ({ type: 'DeleteSubscription' }) }),
];
