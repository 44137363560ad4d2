type Json = Readonly<Record<string, unknown>>;

const readinessProperties: Json = {
  status: { enum: ['ready', 'not-ready'] }, database: { enum: ['up', 'down'] }, headPosition: { type: ['integer', 'null'] },
  behind: { type: 'array', items: { type: 'string' }, description: 'Projections that stand stopped, have no rows yet that may be read, or lag for longer than RECTRAIL_READY_LAG_SECONDS' },
  readOnly: { type: ['string', 'null'], description: 'Why nothing is written: the log is an older copy, or another epoch of it has begun' },
};
const failureHealth: Json = { type: ['object', 'null'], additionalProperties: false, required: ['position'], properties: { position: { type: 'integer' }, reason: { type: 'string', description: 'For administrators' } } };
const projectionHealthProperties: Json = {
  name: { type: 'string' }, state: { enum: ['running', 'stopped', 'rebuilding'] }, position: { type: 'integer' }, lagEvents: { type: 'integer' }, lagSeconds: { type: 'number' }, failure: failureHealth,
  build: {
    type: ['object', 'null'], additionalProperties: false, required: ['phase', 'position', 'target', 'running', 'paused', 'failure'],
    properties: { phase: { type: 'string' }, position: { type: 'integer' }, target: { type: 'integer' }, running: { type: 'boolean' }, paused: { type: 'boolean' }, failure: failureHealth },
  },
};
const followerProperties: Json = {
  name: { type: 'string' }, position: { type: ['integer', 'null'], description: 'Null where it follows something else than the log' }, epoch: { type: 'integer', description: 'How often its lease has changed hands' }, held: { type: 'boolean', description: 'Whether some process holds it' },
  lagEvents: { type: ['integer', 'null'] }, lagSeconds: { type: ['number', 'null'] },
  stopped: { ...failureHealth, description: 'The relay to Kafka where it stands before an event that cannot be read: the last position that it is done with (docs/runbooks/stuck-relay.md)' },
};

const resultProperties: Json = {
  id: { type: 'string', description: 'Of what the command made, or of its target' }, created: { type: 'boolean' },
  streamVersion: { type: 'integer', description: 'Version of the resource, as in its ETag' }, location: { type: ['string', 'null'], description: 'Where it is read' },
  retracted: {
    type: 'array', description: 'Of a retraction: what it names, dependents included',
    items: { type: 'object', required: ['stream', 'eventIds'], properties: { stream: { type: 'string' }, eventIds: { type: 'array', items: { type: 'string' } } } },
  },
};
const resultRequired = ['id', 'created', 'streamVersion', 'location'];
const outcomeProperties: Json = {
  commandId: { type: 'string' }, position: { type: ['integer', 'null'], description: 'Position reached; null where nothing had to be stored' }, dryRun: { type: 'boolean' },
};
const outcomeRequired = ['commandId', 'position', 'dryRun'];
/** Answers of commands and of the probes of health, which no type of `Answers` has. */
export const outcomeSchemas: Json = {
  CommandAnswer: { type: 'object', additionalProperties: false, required: [...resultRequired, ...outcomeRequired], properties: { ...resultProperties, ...outcomeProperties } },
  BatchAnswer: {
    type: 'object', additionalProperties: false, required: ['results', ...outcomeRequired],
    properties: { ...outcomeProperties, results: { type: 'array', items: { type: 'object', additionalProperties: false, required: resultRequired, properties: resultProperties } } },
  },
  Readiness: { type: 'object', additionalProperties: false, required: Object.keys(readinessProperties), properties: readinessProperties },
  Health: {
    type: 'object', additionalProperties: false, required: [...Object.keys(readinessProperties), 'clock', 'projections', 'followers', 'stoppedSubscriptions'],
    properties: {
      ...readinessProperties,
      clock: { enum: ['steady', 'jumped', null], description: '`jumped`: the clock that stamps the events has leapt ahead, and nothing is stored (docs/runbooks/clock-jumped.md); null where it is not watched' },
      projections: {
        type: 'array',
        items: {
          type: 'object', additionalProperties: false, required: Object.keys(projectionHealthProperties), properties: projectionHealthProperties,
        },
      },
      followers: {
        type: 'array', description: 'Followers of the log of which one process at a time does the work',
        items: { type: 'object', additionalProperties: false, required: Object.keys(followerProperties), properties: followerProperties },
      },
      stoppedSubscriptions: {
        type: 'array', description: 'Subscriptions to webhooks that stand before an event that cannot be read, the farthest behind first, 20 at most (docs/runbooks/webhooks-behind.md)',
        items: {
          type: 'object', additionalProperties: false, required: ['subscriptionId', 'position'],
          properties: { subscriptionId: { type: 'string' }, position: { type: 'integer', description: 'The last that it is done with' }, reason: { type: 'string', description: 'For administrators' } },
        },
      },
    },
  },
};
