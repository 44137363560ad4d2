import type { OrgId, SubscriptionId } from '@rectrail/kernel';
import { z } from 'zod';
import { personalDataIn } from '../../text/personal-data.ts';
import { definitionsOf, nonEmptyListOf, personalDataCode, title, uuidOf, type EventSchemas } from '../../wire/primitives.ts';
import { disableCauses, subscriptionAudiences, subscriptionNouns, type SubscriptionEvent } from '../subscription.events.ts';

const endpointCharactersMax = 500;
const host = String.raw`(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]+\])`;
const loopback = String.raw`(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])`;
const place = String.raw`(?::\d{1,5})?(?:/[A-Za-z0-9._~%!$&'()*+,;=:/-]*)?`;
const endpointShape = new RegExp(`^(?:https://${host}|http://${loopback})${place}$`);

/** No user information, no query, no fragment: what is secret goes into no event, and keys sign instead. */
const endpoint = z.string().max(endpointCharactersMax)
  .refine((text) => endpointShape.test(text) && URL.canParse(text), { error: 'write https://host[:port][/path] in lower case, without user, query and fragment; http for a loopback address alone' })
  .refine((text) => personalDataIn(text) === null, { error: 'holds a telephone number, an identity-card number or an e-mail address', params: { code: personalDataCode } });

/** Of a message: `rectrail.issue.accepted.v1`. */
const messageType = z.string().max(100).regex(/^rectrail(\.[a-z0-9-]+){2}\.v[1-9]\d{0,2}$/);
const position = z.int().min(0);
const nothing = z.strictObject({});

/** What a subscription selects; command bodies use it too. */
export const subscriptionShape = {
  endpoint,
  audience: z.enum(subscriptionAudiences),
  nouns: nonEmptyListOf(z.enum(subscriptionNouns)).nullable(),
  types: nonEmptyListOf(messageType).nullable(),
  levels: nonEmptyListOf(title).nullable(),
  after: position.nullable(),
};

/** The newest version of each event of a subscription. */
export const subscriptionEventSchemas = {
  SubscriptionCreated: z.strictObject({ subscriptionId: uuidOf<SubscriptionId>(), orgId: uuidOf<OrgId>().nullable(), subtreeOf: uuidOf<OrgId>().nullable(), ...subscriptionShape }),
  SubscriptionPaused: nothing,
  SubscriptionResumed: nothing,
  SubscriptionDisabled: z.strictObject({ cause: z.enum(disableCauses) }),
  SubscriptionSecretRotated: nothing,
  SubscriptionDeleted: nothing,
} satisfies EventSchemas<SubscriptionEvent>;

export const subscriptionEventDefinitions = definitionsOf(subscriptionEventSchemas);
