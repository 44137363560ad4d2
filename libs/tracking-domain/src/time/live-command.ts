import type { Day, FuzzyDate, OrgId, Rejection } from '@rectrail/kernel';

/** Who gives a command, as the token says. */
export interface CommandActor { readonly subject: string; readonly orgId: OrgId | null; readonly role: string }

/** A command in the domain: what is to be done, from which day it holds, who says so. */
export interface DomainCommand<T extends string, D> {
  readonly type: T;
  readonly on: FuzzyDate;
  readonly by: CommandActor;
  readonly data: D;
}

/**
 * What a live command is decided on: the state at (the last day of the command's `on`, now) and at (today, now), both after
 * the retraction where the command corrects. A correction may be effective before later assertions; nothing else may.
 */
export interface LiveSituation<S> {
  readonly then: S;
  readonly now: S;
  readonly today: Day;
  readonly correction?: boolean;
}

/** The last status assertion of a thing: what the next one builds on. */
export interface Basis { readonly type: string; readonly last: Day }

export interface RejectionText { readonly en: string; readonly zh: string }

/** Rejections that every live command shares. */
export const liveRejections = {
  'effective-in-future': { en: 'A command cannot take effect after today.', zh: '生效日期不得晚于今天。' },
  'effective-before-basis': { en: 'The command takes effect before the status that it builds on; correct that status instead.', zh: '生效日期早于其所依据的状态；如需补正，请使用更正。' },
} as const satisfies Record<string, RejectionText>;
export type LiveRejection = Rejection & { readonly code: keyof typeof liveRejections };

/** Null where the command may take effect on that day. */
export const refuseFuture = (on: FuzzyDate, today: Day): LiveRejection | null => (on.last <= today ? null : {
  code: 'effective-in-future', detail: `effective on ${on.last}, after today (${today})`, effectiveOn: on.last, today,
});

/** Null where nothing asserted so far is effective after the command, or the command is a correction (rules.md section 3). */
export const refuseBeforeBasis = (on: FuzzyDate, basis: Basis | null, correction = false): LiveRejection | null => (
  correction || basis === null || basis.last <= on.last ? null : {
    code: 'effective-before-basis',
    detail: `effective on ${on.last}, before ${basis.type} of ${basis.last}, on which it builds`,
    effectiveOn: on.last,
    basis: basis.type,
    basisOn: basis.last,
  });
