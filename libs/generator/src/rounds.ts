import type { OrgId } from '@rectrail/kernel';
import { InspectionWork, type EarlierInspection } from './inspections.ts';
import { inDays, type World } from './world.ts';

/**
 * What one issue comes to on average, with all that belongs to it, in the days after its feedback: (until this day, events). Measured on histories
 * made here; it only decides when the next inspection is fed back.
 */
const expected: readonly (readonly [days: number, events: number])[] = [[3, 1.1], [15, 1.6], [40, 3.8], [90, 4.8], [180, 4], [300, 3], [500, 2.1]];
/** Beside what follows from inspections, people report whenever they like. */
const plannedShare = 0.78;
/** Enough in both: else the deadlines of what is fed back at once would come at once. */
const horizonsDays = [14, 70];
/** Three of five inspections are prepared in the open before they are fed back; of the others is told afterwards. */
const openedAheadShare = 0.6;

/** Which inspection comes when: enough that there is something to record, and no more. */
export class Rounds {
  readonly #world: World;
  /** Expected events of each day from the first on. */
  readonly #load: Float64Array;
  readonly #ready: InspectionWork[] = [];
  readonly #last = new Map<OrgId, EarlierInspection>();

  constructor(world: World) {
    this.#world = world;
    this.#load = new Float64Array(world.pace.until - world.pace.from + 1);
  }

  /** Something more to record today, when an ordinary working day has room for so many events. */
  more(perDay: number): void {
    const { underWay, random } = this.#world;
    if (underWay.size === 0 || this.#comingLoad() < perDay * plannedShare) this.#next();
    else underWay.draw(random).note();
  }

  #next(): void {
    const { random, agenda } = this.#world;
    let inspection = this.#ready.shift();
    if (inspection === undefined) {
      inspection = this.#new();
      inspection.tellAfterwards();
    }
    if (random.chance(openedAheadShare)) agenda.put(inDays(this.#world, random.int(0, 30)), this.#new());
    this.#expect(inspection.issueCount);
    inspection.deliverFeedback();
    this.#last.set(inspection.orgId, inspection.asEarlier);
  }

  #new(): InspectionWork {
    const orgId = this.#world.organisations.inspectedNext(this.#world.random);
    return new InspectionWork(this.#world, orgId, this.#last.get(orgId) ?? null, (inspection) => { this.#ready.push(inspection); });
  }

  get #today(): number {
    return this.#world.journal.todayNumber - this.#world.pace.from;
  }

  #comingLoad(): number {
    const today = this.#today;
    // The working days of a week do the work of all.
    const perDay = (days: number): number => this.#load.subarray(today, today + days).reduce((sum, events) => sum + events, 0) / (days * 5 / 7);
    return Math.max(...horizonsDays.map(perDay));
  }

  #expect(issues: number): void {
    let day = 0;
    for (const [until, events] of expected) {
      const perDay = issues * events / (until - day);
      for (; day < until && this.#today + day < this.#load.length; day++) this.#load[this.#today + day] = (this.#load[this.#today + day] ?? 0) + perDay;
      day = until;
    }
  }
}
