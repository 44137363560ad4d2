import { hashedUuid } from '@rectrail/event-store';
import { type Actor, type CommandId, type Decision, type Fact, type OrgId } from '@rectrail/kernel';
import {
  administrativeTreeId, decideCalendar, decideInstallation, decideOrganisationTree, emptyCalendar, evolveCalendar, streams,
  type OrganisationTreeCommand, type OrganisationTreeEvent, type TrackingEvent, type WorkingCalendar, type WorkingCalendarEvent,
} from '@rectrail/tracking-domain';
import { provinceZone } from './dates.ts';
import { StreamEnd } from './journal.ts';
import { administrator } from './organisations.ts';
import { inventedProvince } from './province.ts';
import type { CalendarYear } from './pace.ts';
import { newId, type World } from './world.ts';

const installer: Actor = { orgId: null, role: 'installation', subject: 'installation', assurance: 'system' };
/** The command id of every first start (tracking-app's bootstrap), so that a server that starts on the log finds that it has been. */
const firstStartCommand = hashedUuid('rectrail.first-start/1') as CommandId;
/** As many registrations as come in one request. */
const registrationsPerCommand = 100;

const accepted = <E>(decision: Decision<E>): readonly E[] => {
  if (!decision.ok) throw new Error(`refused: ${decision.rejection.detail}`);
  return decision.events;
};

/** The working days, which the first start lays down and an official notice may change. */
export class Calendar {
  readonly #world: World;
  readonly #end = new StreamEnd(streams.workingCalendar);
  #calendar: WorkingCalendar = emptyCalendar;

  constructor(world: World) {
    this.#world = world;
  }

  set(year: CalendarYear, actor: Actor, classification: 'public' | 'internal'): void {
    for (const event of accepted(decideCalendar({ type: 'SetCalendarYear', data: year }, this.#calendar))) {
      const fact: Fact<WorkingCalendarEvent> = this.#world.journal.record(this.#end, { event, actor, scope: { orgId: null }, validTime: null, classification });
      this.#calendar = evolveCalendar(this.#calendar, fact);
    }
  }
}

/** Records an event of the tree and lets the tree follow. */
export const recordOfTree = (world: World, event: OrganisationTreeEvent, entry: Pick<Parameters<World['journal']['record']>[1], 'actor' | 'validTime' | 'knownTime' | 'classification'>, orgId: OrgId | null): Fact<OrganisationTreeEvent> => {
  const { journal, organisations } = world;
  const fact = journal.record(organisations.end, { ...entry, event, scope: { orgId } });
  organisations.tree.add(fact);
  return fact;
};

/** What the server writes at the first start of an installation, as it writes it. */
export const firstStart = (world: World, jurisdiction: string, calendar: Calendar, years: readonly CalendarYear[]): void => {
  const { journal, organisations, policies } = world;
  journal.beginCommand(firstStartCommand);
  const entry = { actor: installer, validTime: null, classification: 'public' } as const;
  for (const event of accepted(decideInstallation({ type: 'InitialiseInstallation', data: { jurisdiction, zone: provinceZone } }, null))) {
    journal.record<TrackingEvent>(new StreamEnd(streams.installation), { ...entry, event, scope: { orgId: null } });
  }
  const { tree } = organisations;
  const open: OrganisationTreeCommand = { type: 'OpenTree', data: { jurisdiction, kind: 'administrative', treeId: administrativeTreeId } };
  for (const event of accepted(decideOrganisationTree(open, { then: tree, now: tree, today: journal.today }))) recordOfTree(world, event, entry, null);
  policies.begin(installer);
  for (const year of years) calendar.set(year, installer, 'public');
};

/** The whole province, from above. `tick` moves the clock before each command. */
export const registerProvince = (world: World, count: number, tick: (n: number, of: number) => void): void => {
  const { journal } = world;
  const ids: OrgId[] = [];
  const province = inventedProvince(count);
  province.forEach((invented, n) => {
    if (n % registrationsPerCommand === 0) {
      tick(n, province.length);
      journal.beginCommand();
    }
    const orgId = newId<OrgId>(world);
    ids.push(orgId);
    const { code, level, name, parent } = invented;
    registerOrganisation(world, { code, level, name, orgId, parentId: ids[parent] ?? null });
  });
};

/** Within the command under way. */
export const registerOrganisation = (world: World, data: Extract<OrganisationTreeCommand, { type: 'RegisterOrg' }>['data']): void => {
  const { journal, organisations } = world;
  const { tree } = organisations;
  for (const event of accepted(decideOrganisationTree({ type: 'RegisterOrg', data }, { then: tree, now: tree, today: journal.today }))) {
    recordOfTree(world, event, { actor: administrator, validTime: null }, data.orgId);
    organisations.registered(data.orgId, data.level);
  }
};
