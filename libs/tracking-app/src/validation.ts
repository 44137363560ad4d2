import type { z } from 'zod';
import { wire } from '@rectrail/tracking-domain';
import { CommandRejected, type RejectionPlace } from './command-rejected.ts';

const pointerOf = (path: readonly PropertyKey[]): string => path.map((token) => `/${String(token).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

/** A refinement may give its faults a code of their own (`params.code`). */
const codeOf = (issue: z.core.$ZodIssue): string => {
  const code: unknown = issue.code === 'custom' ? issue.params?.['code'] : undefined;
  return typeof code === 'string' ? code : 'validation-failed';
};

const placesOf = (issue: z.core.$ZodIssue): readonly RejectionPlace[] => {
  const place = (path: readonly PropertyKey[]): RejectionPlace => ({ pointer: pointerOf(path), code: codeOf(issue), detail: issue.message });
  // An unknown field is reported at the field itself, not at its object.
  return issue.code === 'unrecognized_keys' ? issue.keys.map((key) => place([...issue.path, key])) : [place(issue.path)];
};

/** Of a body that is wrong in more places, the first: an answer must not be ten times as long as what it answers. */
const placesMax = 100;

/** @throws CommandRejected `validation-failed` or `personal-data-in-text` with every place, up to a hundred. */
export const parseBody = <S extends z.ZodType>(schema: S, body: unknown): z.output<S> => {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.flatMap(placesOf);
  const personal = errors.every((place) => place.code === wire.personalDataCode);
  const more = errors.length > placesMax ? `; the first ${placesMax} of ${errors.length} places are named` : '';
  const first = { errors: errors.slice(0, placesMax) };
  throw personal
    ? new CommandRejected('personal-data-in-text', `free text must not hold a telephone number, an identity-card number or an e-mail address${more}`, first)
    : new CommandRejected('validation-failed', `the body does not have the form that this command needs${more}`, first);
};
