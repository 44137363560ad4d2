import type { EventId, OrgId } from '@rectrail/kernel';
import { decideOrganisationTree, decideRetraction, isCurrentOrg, type OrganisationTreeCommand, type OrgLevel, type OrgNode, type OrgTree } from '@rectrail/tracking-domain';
import type { Task } from './agenda.ts';
import { dayAt, drawnLag, numberOf, told } from './dates.ts';
import { recordOfTree, registerOrganisation } from './first-start.ts';
import { administrator } from './organisations.ts';
import { reason } from './texts.ts';
import { inDays, newId, type World } from './world.ts';

/** Of all organisations in a year: in ten years 7 % move, 4 % are renamed, 1.5 % merged, half a percent dissolved, 2 % founded. */
const perYear = { move: 0.007, rename: 0.004, merge: 0.0015, dissolve: 0.0005, found: 0.002 } as const;
type Change = keyof typeof perYear;
/** However short the history, each happens. */
const changesMin = 3;
/** A move told wrongly, and told anew. */
const wrongShare = 0.04;

/** Reforms come in two months of the year; a third of the changes come at any time. */
const reformMonths: ReadonlySet<string> = new Set(['03', '10']);

const isReform = (day: number): boolean => reformMonths.has(dayAt(day).slice(5, 7));

const movedLevel: readonly (readonly [number, OrgLevel])[] = [[80, 'unit'], [17, 'bureau'], [2, 'county'], [1, 'district']];

/** A place of the kind that it has: a unit under a bureau, a bureau under a government. */
const otherParent = ({ random, organisations }: World, { level, parentId, orgId }: OrgNode): OrgId | null => {
  const above: OrgLevel = level === 'unit' ? 'bureau' : level === 'bureau' ? random.pick(['county', 'district', 'city'] as const) : 'city';
  const found = organisations.ofLevel(random, above);
  return found === parentId || found === orgId ? null : found;
};

/** Every change is told in the order of its day: one told later is not of an earlier day than the one before it. */
const changed = (world: World): ReturnType<typeof told> => {
  const { random, journal, organisations } = world;
  const { lastDay } = organisations.tree;
  const today = journal.todayNumber;
  return told(random, Math.max(today - drawnLag(random), lastDay === '' ? 0 : numberOf(lastDay)), today);
};

const decided = (world: World, command: OrganisationTreeCommand, trees: { readonly then: OrgTree; readonly now: OrgTree; readonly correction?: boolean }): EventId | null => {
  const decision = decideOrganisationTree(command, { ...trees, today: world.journal.today });
  if (!decision.ok) {
    world.refused.set(decision.rejection.code, (world.refused.get(decision.rejection.code) ?? 0) + 1);
    return null;
  }
  const [event] = decision.events;
  if (event === undefined || !('on' in command)) return null;
  return recordOfTree(world, event, { actor: administrator, validTime: command.on }, command.data.orgId).eventId;
};

const commandOf = (world: World, change: Change): OrganisationTreeCommand | null => {
  const { random, organisations } = world;
  const orgId = organisations.ofLevel(random, change === 'move' ? random.weighted(movedLevel) : random.chance(0.8) ? 'unit' : 'bureau');
  if (orgId === null) return null;
  const org = organisations.node(orgId);
  const frame = { on: changed(world), by: administrator };
  switch (change) {
    case 'move': {
      const parentId = otherParent(world, org);
      return parentId === null ? null : { type: 'MoveOrg', ...frame, data: { orgId, parentId } };
    }
    case 'rename': return { type: 'RenameOrg', ...frame, data: { code: random.chance(0.4) ? `${org.code}-X${random.int(1, 99)}` : org.code, name: `${org.name}${random.pick(['（新）', '综合中心', '服务站'])}`, orgId } };
    case 'merge': {
      const successorId = org.parentId === null ? null : organisations.tree.children(org.parentId).find((other) => other !== orgId && isCurrentOrg(organisations.node(other)));
      return successorId == null ? null : { type: 'MergeOrg', ...frame, data: { orgId, successorId } };
    }
    case 'dissolve': return organisations.tree.children(orgId).length > 0 ? null : { type: 'DissolveOrg', ...frame, data: { orgId } };
    case 'found': {
      const { code, name } = org;
      return { type: 'RegisterOrg', data: { code: `${code}-N${random.int(100, 999)}`, level: 'unit', name: `${name}新设机构`, orgId: newId(world), parentId: org.parentId } };
    }
  }
};

/** A move that was told of the wrong organisation's place: retracted, and told as it is. */
const correctMove = (world: World, wrong: Extract<OrganisationTreeCommand, { type: 'MoveOrg' }>, eventId: EventId): void => {
  const { random, journal, organisations } = world;
  const { tree } = organisations;
  const decision = decideRetraction({ facts: tree.facts, eventIds: [eventId], kind: random.chance(0.5) ? 'entered-in-error' : 'withdrawn', reason: reason(random), now: journal.now });
  const { orgId } = wrong.data;
  const org = tree.orgs.get(orgId);
  if (!decision.ok || org === undefined || !isCurrentOrg(org) || org.placedBy !== eventId) return;
  const parentId = otherParent(world, org);
  const without = tree.without([eventId]);
  if (parentId === null || without.isWithin(parentId, orgId)) return;
  journal.beginCommand();
  for (const event of decision.events) tree.add(journal.record(organisations.end, { event, actor: administrator, scope: { orgId }, validTime: null }));
  decided(world, { ...wrong, data: { orgId, parentId } }, { then: tree, now: tree, correction: true });
};

/** One change of the tree, decided when its day comes: what it would need may have gone by then. */
class TreeChange implements Task {
  readonly #world: World;
  readonly #change: Change;

  constructor(world: World, change: Change) {
    this.#world = world;
    this.#change = change;
  }

  run(): void {
    const { random, journal, agenda, organisations } = this.#world;
    journal.beginCommand();
    let command: OrganisationTreeCommand | null = null;
    for (let tries = 0; tries < 10 && command === null; tries++) command = commandOf(this.#world, this.#change);
    if (command === null) return;
    if (command.type === 'RegisterOrg') {
      if (organisations.tree.byCode(command.data.code) === null) registerOrganisation(this.#world, command.data);
      return;
    }
    const { tree } = organisations;
    const eventId = decided(this.#world, command, { then: tree, now: tree });
    if (eventId !== null && command.type === 'MoveOrg' && random.chance(wrongShare)) {
      const move = command;
      agenda.put(inDays(this.#world, random.int(2, 30)), { run: () => { correctMove(this.#world, move, eventId); } });
    }
  }
}

/** Puts the changes of all the years into the agenda. */
export const planTreeChanges = (world: World): void => {
  const { random, agenda, pace, organisations } = world;
  const years = (pace.until - pace.from + 1) / 365.25;
  for (const [change, share] of Object.entries(perYear) as readonly (readonly [Change, number])[]) {
    const count = Math.max(changesMin, Math.round(organisations.count * share * years));
    for (let n = 0; n < count; n++) {
      let day = random.int(pace.from, pace.until - 1);
      // Most wait for a reform where the years hold one.
      for (let tries = 0; tries < 12 && !isReform(day) && random.chance(0.67); tries++) day = random.int(pace.from, pace.until - 1);
      agenda.put(pace.workingDay(day), new TreeChange(world, change));
    }
  }
};
