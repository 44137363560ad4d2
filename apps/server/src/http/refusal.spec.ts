import { EventStoreError, ExpectedVersionConflict } from '@rectrail/event-store';
import { streamId, streamVersion } from '@rectrail/kernel';
import { CommandRejected } from '@rectrail/tracking-app';
import { HttpException } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseJson } from './body-parsers.ts';
import { HttpProblem } from './http-problem.ts';
import { refusalOf } from './problem.filter.ts';

// Goal: each error of each layer becomes its problem, a defect says nothing of itself. Method: throw it, look at the refusal.
describe('a refusal', () => {
  it('keeps code, detail, places and extensions of a rejected command', () => {
    const error = new CommandRejected('validation-failed', 'wrong', { errors: [{ pointer: '/title', code: 'validation-failed', detail: 'too long' }], extensions: { more: 1 } });
    expect(refusalOf(error)).toMatchObject({ code: 'validation-failed', problem: { status: 400 }, detail: 'wrong', errors: error.errors, extensions: { more: 1 } });
  });

  it('is 412 where the caller named a version, 409 where the store ran out of retries', () => {
    const stale = new CommandRejected('stream-version-conflict', 'the resource is at version 4', { extensions: { currentVersion: 4 } });
    const contended = new ExpectedVersionConflict(streamId('issue-1'), streamVersion(3), streamVersion(4));
    expect(refusalOf(stale).problem.status).toBe(412);
    expect(refusalOf(contended).problem.status).toBe(409);
  });

  it('tells when to come back where the server cannot serve now', () => {
    expect(refusalOf(new EventStoreError('event-store-unavailable', 'no connection'))).toMatchObject({ problem: { status: 503 }, headers: { 'Retry-After': expect.any(String) } });
  });

  it.each([
    ['by its code', Object.assign(new Error('hunter2'), { code: '57P01' })], ['where nobody listens', Object.assign(new AggregateError([], 'hunter2'), { code: 'ECONNREFUSED' })],
    ['in the middle', new Error('Connection terminated unexpectedly')], ['before the next statement', new Error('Client has encountered a connection error and is not queryable')],
  ])('that the database is away is told from a defect, %s, and leaks nothing', (_name, thrown) => {
    expect(refusalOf(thrown)).toMatchObject({ code: 'database-unavailable', problem: { status: 503 }, headers: { 'Retry-After': expect.any(String) } });
    expect(JSON.stringify(refusalOf(thrown))).not.toContain('hunter2');
  });

  it('of another library that cannot connect is none of the database', () => {
    expect(refusalOf(Object.assign(new Error('x'), { name: 'KafkaJSConnectionError', code: 'ECONNREFUSED' })).code).toBe('internal');
  });

  it.each([
    ['an unknown error', new Error('password=hunter2')],
    ['a code that no table knows', Object.assign(new Error('hunter2'), { code: '22P02' })],
    ['a defect with a row', new EventStoreError('append-invalid', 'hunter2')],
    ['no error at all', 'hunter2'],
    ['the name of an inherited property', Object.assign(new Error('hunter2'), { code: 'constructor' })],
  ])('of %s is 500 and leaks nothing', (_name, thrown) => {
    const refusal = refusalOf(thrown);
    expect(refusal.problem.status).toBe(500);
    expect(JSON.stringify(refusal)).not.toContain('hunter2');
  });

  it.each([[413, 'body-too-large'], [415, 'content-type-unsupported'], [414, 'uri-too-long'], [400, 'request-malformed'], [418, 'request-refused']])('of the framework with status %d is %s', (status, code) => {
    expect(refusalOf(new HttpException('x', status)).code).toBe(code);
  });
});

describe('a JSON body', () => {
  const faultOf = (text: string | Buffer): unknown => {
    try {
      return parseJson(Buffer.from(text));
    } catch (error) {
      return error;
    }
  };

  it('is any JSON value, and an empty one an empty object', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value);
      // Refused as a key, wherever it stands (test/http/hostile-input.e2e.spec.ts).
      fc.pre(!text.includes('__proto__'));
      expect(JSON.stringify(parseJson(Buffer.from(text)))).toBe(text);
    }));
    expect(parseJson(Buffer.from(' \n'))).toEqual({});
  });

  it('names the place of its fault', () => {
    expect(faultOf('{\n  "title": "甲",\n  "oops }')).toMatchObject({ code: 'body-malformed', errors: [{ pointer: '', detail: expect.stringMatching(/line 3|ends|no JSON/) }] });
    expect(faultOf('{"a":1,}')).toMatchObject({ code: 'body-malformed', errors: [{ detail: 'no JSON at line 1, column 8' }] });
  });

  it('is UTF-8 and has no __proto__', () => {
    expect(faultOf(Buffer.from([0x7b, 0xff, 0x7d]))).toBeInstanceOf(HttpProblem);
    expect(faultOf('{"__proto__": {"admin": true}}')).toBeInstanceOf(HttpProblem);
  });
});
