// Goal: /asyncapi.json is an AsyncAPI document, names every topic, and says of messages what they are. Method: the parser of AsyncAPI; the frozen message of every type against its
// schema, whole and as a record of Kafka.
import { readdirSync, readFileSync } from 'node:fs';
import { messageTypes, topicNames, type CloudEvent } from '@rectrail/messaging';
import { Parser } from '@asyncapi/parser';
import { Ajv } from 'ajv';
import { describe, expect, it } from '@jest/globals';
import { asyncApiDocument } from './asyncapi-document.ts';

const document = asyncApiDocument({ version: '0.0.0', topicPrefix: 'province' });
const { channels } = document as { readonly channels: Readonly<Record<string, { readonly address: string | null; readonly messages: object }>> };
const fixtures = new URL('../../../../libs/messaging/src/contracts/fixtures/', import.meta.url);
const frozen: Readonly<Record<string, CloudEvent>> = Object.assign({}, ...readdirSync(fixtures).map((name): unknown => JSON.parse(readFileSync(new URL(name, fixtures), 'utf8'))));

const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
ajv.addSchema({ $id: 'document', ...document });
/** The faults of a value by the schema at this place of the components. */
const faultsIn = (place: string, value: unknown): unknown => (ajv.validate({ $ref: `document#/components/${place}` }, value) ? null : ajv.errors);

describe('the AsyncAPI document', () => {
  it('is one, and nothing is to be said against it', async () => {
    const { document: parsed, diagnostics } = await new Parser().parse(JSON.stringify(document));
    expect(diagnostics).toEqual([]);
    expect(parsed?.version()).toBe('3.1.0');
  });

  it('has a channel for every topic, by the prefix of the installation', () => {
    const { messages: ofNouns, ...others } = topicNames('province');
    const addresses = Object.values(channels).map(({ address }) => address);
    expect(addresses).toEqual(expect.arrayContaining([...Object.values(ofNouns), ...Object.values(others), '/api/v1/feed', '/api/v1/feed/stream']));
    expect(new Set(addresses).size).toBe(addresses.length);
  });

  it.each(messageTypes.map(({ type, noun }) => [type, noun]))('says what %s is, as a CloudEvent and as a record', (type, noun) => {
    const event = frozen[type]!;
    expect(faultsIn(`messages/event.${type}/payload`, event)).toBeNull();
    const { data, datacontenttype, ...attributes } = event;
    expect(faultsIn(`messages/${type}/payload`, data)).toBeNull();
    const headers = { ...Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce_${name}`, value])), 'content-type': datacontenttype };
    expect([faultsIn('messageTraits/CloudEventHeaders/headers', headers), faultsIn(`messages/${type}/headers`, headers)]).toEqual([null, null]);
    expect(Object.keys(channels[noun]!.messages)).toContain(type);
  });

  it('refuses another type, and data without a state', () => {
    const [accepted, registered] = [frozen['rectrail.issue.accepted.v1']!, frozen['rectrail.issue.registered.v1']!];
    const payload = 'messages/event.rectrail.issue.accepted.v1/payload';
    expect(faultsIn(payload, registered)).not.toBeNull();
    expect(faultsIn(payload, { ...accepted, data: { change: accepted.data.change } })).not.toBeNull();
    expect(faultsIn(payload, { ...accepted, sequence: '1' })).not.toBeNull();
  });
});
