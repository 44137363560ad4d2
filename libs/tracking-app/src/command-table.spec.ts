import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { commandDefinitions, definitionNamed, definitionOfPath } from './command-table.ts';

// Goal: the table can be made into routes, OpenAPI and batches. Method: properties of every row.
describe('the table of commands', () => {
  it('has each name and each path once', () => {
    expect(new Set(commandDefinitions.map(({ name }) => name)).size).toBe(commandDefinitions.length);
    expect(new Set(commandDefinitions.map(({ path }) => path)).size).toBe(commandDefinitions.length);
  });

  it.each(commandDefinitions.map((definition) => [definition.name, definition] as const))('%s is found, described, and strict in its body', (name, definition) => {
    const hasId = definition.path.includes(':id');
    expect(definitionNamed(name)).toBe(definition);
    expect(definitionOfPath(definition.path.replace(':id', 'x'))).toEqual({ definition, id: hasId ? 'x' : null });
    expect(definition.stream !== null).toBe(hasId);
    expect(definition.summary).not.toBe('');
    expect(z.toJSONSchema(definition.body, { io: 'input' })).toMatchObject({ type: 'object', additionalProperties: false });
  });

  it('asks for If-Match where a person judges what they saw', () => {
    expect(commandDefinitions.filter(({ ifMatch }) => ifMatch === 'required').map(({ name }) => name)).toEqual(['VerifyIssue', 'RejectCompletion', 'WriteOffIssue', 'RevokeWriteOff', 'CorrectFacts', 'ConsentToPurge']);
  });

  it('finds nothing at a path that is none', () => {
    expect([definitionOfPath('/issues/x'), definitionOfPath('/issues/x/accept/y'), definitionNamed('Nothing')]).toEqual([null, null, null]);
  });
});
