import type { Fact, FuzzyDate } from '@rectrail/kernel';
import { wire, type FactsRetracted, type TrackingEvent } from '@rectrail/tracking-domain';
import { z } from 'zod';
import type { Noun } from '../message.ts';

/** Pieces of the contracts. A released contract only ever gains fields: a consumer leaves alone what it does not know. */

export type State = Readonly<Record<string, unknown>>;

export const messageDate = z.object({ first: wire.day, last: wire.day, printed: wire.printed }).describe('first and last day that it may mean, and what was printed');
/** A date to be kept; `striving` where it was printed as an aspiration (力争). */
export const plannedDate = messageDate.extend({ striving: z.boolean() }).describe('a date to be kept; striving: printed as an aspiration (力争)');

export const listOf = <T extends z.ZodType>(item: T) => z.array(item).readonly();

type ToldDate = z.output<typeof messageDate>;
const dateTold = ({ first, last, printed }: FuzzyDate): ToldDate => ({ first, last, printed });
export const onTold = (date: FuzzyDate | null): ToldDate | null => (date === null ? null : dateTold(date));
export const plannedTold = (date: FuzzyDate | null): z.output<typeof plannedDate> | null => (date === null ? null : { ...dateTold(date), striving: date.commitment === 'striving' });

/**
 * What is told of one kind of subject. `fold` and `tell` are the domain's own fold and what of it leaves; `tell` is null where the subject
 * does not exist. `Folded` is opaque outside of the contract.
 */
export interface Contract {
  readonly noun: Noun;
  /** In the message's type: `rectrail.<singular>.<verb>.v1`. */
  readonly singular: string;
  readonly version: 1;
  /** Types of the stored events that it tells of, retractions aside. */
  readonly eventTypes: readonly string[];
  readonly state: z.ZodType<State>;
  readonly initial: Folded;
  fold(folded: Folded, fact: Fact): Folded;
  tell(folded: Folded): State | null;
}

declare const folded: unique symbol;
export interface Folded { readonly [folded]: true }

interface ContractParts<E extends TrackingEvent, F, S extends z.ZodType<State>> {
  readonly noun: Noun;
  readonly singular: string;
  readonly events: readonly wire.WireDefinition[];
  readonly state: S;
  readonly initial: F;
  fold(folded: F, fact: Fact<E | FactsRetracted>): F;
  tell(folded: F): z.output<S> | null;
}

/** A contract from its parts. The casts stand here alone: a stream's name says which events it holds, and nobody else makes a `Folded`. */
export const contractOf = <E extends TrackingEvent, F, S extends z.ZodType<State>>({ events, ...parts }: ContractParts<E, F, S>): Contract =>
  ({ ...parts, version: 1, eventTypes: events.map(({ type }) => type) }) as unknown as Contract;
