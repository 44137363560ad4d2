import { isDay, isFen, type Day, type DomainEvent, type FuzzyDate, type Money } from '@rectrail/kernel';
import { z } from 'zod';
import type { DataByType } from '../event-handlers.ts';
import { personalDataIn } from '../text/personal-data.ts';

/** Pieces of the schemas of events and command bodies; docs/reference/events.md is made from them. */

export const titleCharsMax = 200;
export const textCharsMax = 4_000;
export const listItemsMax = 500;

/** What an event type looks like on the wire; structurally the EventDefinition of @rectrail/event-store. */
export interface WireDefinition<S extends z.ZodType = z.ZodType> {
  readonly type: string;
  readonly schemaVersion: number;
  readonly schema: S;
  readonly upcasters: Readonly<Record<number, (data: unknown) => unknown>>;
}

/** The definition of an event type that has had one version so far. */
export const firstVersion = <S extends z.ZodType>(type: string, schema: S): WireDefinition<S> => ({ type, schemaVersion: 1, schema, upcasters: {} });

/** One schema for each event type of a union. */
export type EventSchemas<E extends DomainEvent> = { readonly [T in E['type']]: z.ZodType<DataByType<E>[T]> };
/** What schemas let through, by type; `Same` ties it to the domain's payloads. */
export type OutputsOf<S extends Readonly<Record<string, z.ZodType>>> = { readonly [T in keyof S]: z.output<S[T]> };
/** True where each type may stand for the other: a field that one of them lacks fails to compile (`const tied: Same<A, B> = true`). */
export type Same<A, B> = [A] extends [B] ? [B] extends [A] ? true : false : false;

export const definitionsOf = (schemas: Readonly<Record<string, z.ZodType>>): readonly WireDefinition[] =>
  Object.entries(schemas).map(([type, schema]) => firstVersion(type, schema));

/** `params.code` of the refusal of free text with a telephone, identity-card number or e-mail address in it. */
export const personalDataCode = 'personal-data-in-text';
/** `params.code` of the refusal of control characters and broken surrogates, which PostgreSQL and RFC 8785 cannot hold. */
export const unprintableCode = 'text-unprintable';

// Tab and line feed are allowed.
const controlCharacter = /[\u0000-\u0008\u000b-\u001f\u007f]/;

const plainText = (charsMin: number, charsMax: number) => z.string().min(charsMin).max(charsMax)
  .refine((text) => text.isWellFormed() && !controlCharacter.test(text), { error: 'holds a control character or half a surrogate pair', params: { code: unprintableCode } })
  .refine((text) => personalDataIn(text) === null, { error: 'holds a telephone number, an identity-card number or an e-mail address', params: { code: personalDataCode } });

/** A title or a name: 1 to 200 characters. */
export const title = plainText(1, titleCharsMax);
/** Free text: 1 to 4,000 characters. */
export const freeText = plainText(1, textCharsMax);
/** What a source prints, possibly nothing. */
export const printed = plainText(0, titleCharsMax);

export const listOf = <T extends z.ZodType>(item: T) => z.array(item).max(listItemsMax).readonly();
export const nonEmptyListOf = <T extends z.ZodType>(item: T) => z.array(item).min(1).max(listItemsMax).readonly();

// The casts below only add the brand that the pattern has just proved; at run time a branded id is its string.
/** The id of an aggregate or an event: a UUID in lower case. */
export const uuidOf = <Id extends string>() => z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/) as unknown as z.ZodType<Id, string>;
/** An id that someone else gives (a person reference, a tree): a slug, so that no name can stand in it, and no telephone or identity-card number either. */
export const slugOf = <Id extends string>() => z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/)
  // Digits inside a longer id, a UUID, mean nothing.
  .refine((id) => !/^[\d-]+X?$/i.test(id) || personalDataIn(id) === null, { error: 'is a telephone or an identity-card number', params: { code: personalDataCode } }) as unknown as z.ZodType<Id, string>;

export const day = z.string().regex(/^\d{4}-\d{2}-\d{2}$/).refine(isDay, { error: 'no such day in the calendar' }) as unknown as z.ZodType<Day, string>;

export const fuzzyDate: z.ZodType<FuzzyDate> = z.strictObject({
  printed,
  precision: z.enum(['day', 'tenDays', 'halfMonth', 'month', 'quarter', 'halfYear', 'year', 'range', 'undated']),
  edge: z.enum(['on', 'byEndOf', 'endOf', 'since', 'early', 'around']),
  first: day,
  last: day,
  commitment: z.enum(['planned', 'striving']).exactOptional(),
  inferred: z.array(z.enum(['year', 'date'])).max(2).readonly().exactOptional(),
}).refine((date) => date.first <= date.last, { error: 'ends before it begins', path: ['last'] });

const fen = z.string().regex(/^(0|[1-9]\d{0,18})$/).refine(isFen, { error: 'a whole number of fen, at most 10^18' });

export const money: z.ZodType<Money> = z.strictObject({
  fen: fen.nullable(),
  printed: printed.exactOptional(),
  printedPrecisionFen: fen.exactOptional(),
  approx: z.boolean().exactOptional(),
});

/** A printed number as a decimal string: no exponent, no leading zeros. */
export const decimal = z.string().regex(/^-?(0|[1-9]\d{0,17})(\.\d{1,9})?$/);
export const count = z.int().min(0);
