import type { TransitionTable } from '../time/transition.ts';
import type { issueStatusAssertions } from './issue.state.ts';

/** Every status assertion but the stated one, which nothing binds. */
export type IssueTransitionType = Exclude<(typeof issueStatusAssertions)[number], 'IssueStatusStated'>;

/** The table of domain.md section 3.2; row numbers in the margin. Guards beyond the state are in issue.decide.ts. */
export const issueTransitions: TransitionTable<IssueTransitionType> = {
  /*  2 */ IssueAccepted: { from: ['FED_BACK'], to: 'REGISTERED' },
  /*  3 */ IssuePlanned: { from: ['REGISTERED'], to: 'PLANNED' },
  /*  4 */ RectificationStarted: { from: ['PLANNED'], to: 'IN_PROGRESS' },
  /*  5 */ IssueMarkedImmediate: { from: ['FED_BACK', 'REGISTERED'], to: 'IN_PROGRESS' },
  // Also from PHASED: a long-term task reports each period (docs/adr/0007).
  /*  6 */ PhaseResultReported: { from: ['IN_PROGRESS', 'PHASED'], to: 'PHASED' },
  /*  6 */ PhaseCompleted: { from: ['IN_PROGRESS'], to: 'PHASED' },
  /*  7 */ IssueBasicallyCompleted: { from: ['IN_PROGRESS', 'PHASED'], to: 'BASICALLY_DONE' },
  /*  8 */ IssueCompletionReported: { from: ['IN_PROGRESS', 'PHASED', 'BASICALLY_DONE'], to: 'DONE_REPORTED' },
  /* 8b */ IssueMovedToRoutine: { from: ['PHASED'], to: 'VERIFIED' },
  /*  9 */ IssueVerified: { from: ['DONE_REPORTED'], to: 'VERIFIED' },
  /* 10 */ IssueVerificationRejected: { from: ['DONE_REPORTED', 'BASICALLY_DONE'], to: 'IN_PROGRESS' },
  /* 11 */ IssueWrittenOff: { from: ['VERIFIED'], to: 'WRITTEN_OFF' },
  /* 12 */ IssueReopened: { from: ['PHASED', 'BASICALLY_DONE', 'DONE_REPORTED', 'VERIFIED', 'WRITTEN_OFF'], to: 'REOPENED' },
  /* 13 */ RectificationResumed: { from: ['REOPENED'], to: 'IN_PROGRESS' },
  /* 14 */ WriteOffRevoked: { from: ['WRITTEN_OFF'], to: 'REOPENED' },
  /* 15 */ IssueTransferredOut: { from: ['FED_BACK', 'REGISTERED', 'PLANNED', 'IN_PROGRESS', 'PHASED', 'BASICALLY_DONE', 'REOPENED'], to: 'TRANSFERRED_OUT' },
};

/** What a look-back may check: work that claims a result. A look-back that finds a relapse reopens it (row 19). */
export const lookBackStates: readonly string[] = issueTransitions.IssueReopened.from;
