import type { Actor, OrgId } from '@rectrail/kernel';
import { isAdministrator } from './access-control.ts';

/** On which organisations an actor may act: its own and all below it in the administrative tree as it is now. */
export interface Jurisdiction {
  readonly orgId: OrgId | null;
  /** `null` is the installation itself (default policy, calendar, roots), which is the administrator's. */
  mayActOn(orgId: OrgId | null): boolean;
}

/**
 * `parentOf` gives the parent now, null for a root or an unknown organisation. A cycle in it (which the tree refuses) ends the
 * walk instead of hanging it.
 */
export const jurisdictionOf = (actor: Actor, parentOf: (orgId: OrgId) => OrgId | null): Jurisdiction => ({
  orgId: actor.orgId,
  mayActOn: (target) => {
    if (isAdministrator(actor)) return true;
    const seen = new Set<OrgId>();
    for (let at = target; at !== null && !seen.has(at); at = parentOf(at)) {
      if (at === actor.orgId) return true;
      seen.add(at);
    }
    return false;
  },
});
