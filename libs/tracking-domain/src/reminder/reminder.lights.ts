import type { Day, IssueId } from '@rectrail/kernel';
import { isClosed, type IssueState } from '../issue/issue.state.ts';
import { lightColours, type Light, type LightColour } from '../policy/policy.events.ts';

/** What the lights of an issue climb towards: another deadline, or another reopening, begins a ladder of its own. */
export interface Ladder { readonly deadline: Day; readonly reopenings: number }

/** The ladder of an issue as it stands; null where it is closed, not disclosed, or has no open date (rules.md section 5). */
export const ladderOf = (issue: IssueState): Ladder | null => {
  if (issue.registration === null || issue.disclosure !== 'STATED' || isClosed(issue)) return null;
  const dates = [issue.planned, ...issue.residuals.map(({ open, planned }) => (open ? planned ?? null : null))].flatMap((date) => (date === null ? [] : [date.last]));
  const [deadline] = dates.toSorted();
  return deadline === undefined ? null : { deadline, reopenings: issue.deadlines.filter(({ planned }) => planned === null).length };
};

export const ladderKey = (issueId: IssueId, { deadline, reopenings }: Ladder): string => `${issueId} ${reopenings} ${deadline}`;

/** Whom a light without recipients addresses: the organisation as a whole. */
export const organisationItself = 'organisation';
export const recipientsOf = ({ recipients }: Light): readonly string[] => (recipients.length === 0 ? [organisationItself] : recipients);

/** From 0 (green). */
export const severityOf = (colour: LightColour): number => lightColours.indexOf(colour);

/** The severest of the lights that are due with so many days left, the nearest of equals; null before the first. */
export const lightDue = (lights: readonly Light[], daysLeft: number): Light | null =>
  lights.filter(({ atDaysLeft }) => daysLeft <= atDaysLeft)
    .reduce<Light | null>((severest, light) => (severest === null || severityOf(light.colour) >= severityOf(severest.colour) ? light : severest), null);
