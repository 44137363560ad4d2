import type { CommandDefinition } from './command-definition.ts';
import { fundsCaseCommands } from './definitions/funds-cases.ts';
import { inspectionCommands } from './definitions/inspections.ts';
import { issueCommands } from './definitions/issues.ts';
import { measureCommands } from './definitions/measures.ts';
import { organisationCommands } from './definitions/organisations.ts';
import { planCommands } from './definitions/plans.ts';
import { policyCommands } from './definitions/policies.ts';
import { purgeCommands } from './definitions/purges.ts';
import { reminderCommands } from './definitions/reminders.ts';
import { reportCommands } from './definitions/reports.ts';
import { retractionCommands } from './definitions/retractions.ts';
import { subscriptionCommands } from './definitions/subscriptions.ts';

/** What states a fact, and so may also state the right one in a correction. */
const stating: readonly CommandDefinition[] = [
  ...organisationCommands, ...policyCommands, ...inspectionCommands, ...planCommands, ...issueCommands, ...measureCommands, ...fundsCaseCommands,
  ...reportCommands, ...reminderCommands,
];

const statingByName = new Map(stating.map((definition) => [definition.name, definition]));

/** Every command of the public interface; routes, OpenAPI and `POST /commands` are made from it. */
export const commandDefinitions: readonly CommandDefinition[] = [
  ...stating, ...subscriptionCommands, ...retractionCommands((name) => statingByName.get(name) ?? null), ...purgeCommands,
];

const byName = new Map(commandDefinitions.map((definition) => [definition.name, definition]));

export const definitionNamed = (name: string): CommandDefinition | null => byName.get(name) ?? null;

const routes = commandDefinitions.map((definition) => ({ definition, tokens: definition.path.split('/') }));

/** The definition of a path as called (`/issues/{uuid}/accept`), and its `:id`. */
export const definitionOfPath = (path: string): { readonly definition: CommandDefinition; readonly id: string | null } | null => {
  const called = path.split('/');
  for (const { definition, tokens } of routes) {
    if (tokens.length !== called.length || !tokens.every((token, i) => token === ':id' || token === called[i])) continue;
    const at = tokens.indexOf(':id');
    return { definition, id: at === -1 ? null : (called[at] ?? null) };
  }
  return null;
};
