import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { jsonMediaType } from '../http/body-parsers.ts';
import { apiPath } from '../http/table-routes.ts';
import type { Answers } from './answer-types.ts';

/** What the operations of the interface's description are made of. */

export type Json = Readonly<Record<string, unknown>>;

export const jsonSchema = (schema: z.ZodType): Json => {
  const made = z.toJSONSchema(schema, { io: 'input', target: 'draft-2020-12', unrepresentable: 'any', reused: 'inline' });
  // OpenAPI 3.1 names the dialect once for the whole document.
  return Object.fromEntries(Object.entries(made).filter(([key]) => key !== '$schema'));
};

interface AnswerSchemas { readonly answers: Readonly<Record<keyof Answers, Json>>; readonly schemas: Readonly<Record<string, Json>> }
// Made by tools/gen-answer-schemas.mjs from the type `Answers`; a spec fails where it is not what the types say. It lies beside `src` as beside `dist`.
export const { answers: answerSchemas, schemas: answerComponents } = JSON.parse(readFileSync(new URL('../../answer-schemas.json', import.meta.url), 'utf8')) as AnswerSchemas;

export const ref = (name: string): Json => ({ $ref: `#/components/${name}` });
export const answer = (description: string, schema: Json, headers: Json = {}, example?: unknown): Json => ({
  description, headers: { 'X-Correlation-Id': ref('headers/CorrelationId'), ...headers }, content: { [jsonMediaType]: { schema, ...(example === undefined ? {} : { example }) } },
});
export const refused = (...statuses: readonly number[]): Json => Object.fromEntries([...statuses, 401, 500, 503].map((status) => [String(status), ref(`responses/Problem${status}`)]));

export const queryParameters = (schema: z.ZodObject): readonly Json[] => Object.entries<z.ZodType>(schema.shape as Readonly<Record<string, z.ZodType>>).map(([name, field]) => {
  const { description, ...rest } = jsonSchema(field);
  return { name, in: 'query', required: !field.safeParse(undefined).success, schema: rest, ...(description === undefined ? {} : { description }) };
});

export const idParameter = (path: string): readonly Json[] => (path.includes(':id') ? [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }] : []);
export const openApiPath = (path: string): string => `${apiPath}${path.replace(':id', '{id}')}`;

export const jsonBody = (schema: Json, required: boolean, example?: unknown): Json =>
  ({ required, content: { [jsonMediaType]: { schema, ...(example === undefined ? {} : { example }) } } });
