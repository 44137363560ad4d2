import type { InspectionId, MetricId, OrgId } from '@rectrail/kernel';
import { streams, type MetricCommand, type MetricEvent, type MetricState } from '@rectrail/tracking-domain';
import { act } from './acting.ts';
import type { Task } from './agenda.ts';
import { deadline, onDayAt } from './dates.ts';
import { metricKind } from './kinds.ts';
import { StreamEnd } from './journal.ts';
import { LiveAggregate } from './live-aggregate.ts';
import { happened, inDays, newId, type World } from './world.ts';

/** Of counts that stand beside the issues: what inspections lead to, and what no issue is. */
const figures = [
  ['institutions', '新建修订制度', '项', 'up'], ['talks', '廉政谈话', '人次', 'none'], ['accountability', '问责处理', '人', 'none'], ['patrols', '联合执法', '次', 'up'], ['letters', '信访件办结', '件', 'up'],
] as const;

/** A figure of an organisation, observed each month for some time. */
export class MetricWork implements Task {
  readonly #world: World;
  readonly #metric: LiveAggregate<MetricState, MetricCommand, MetricEvent>;
  readonly #orgId: OrgId;
  readonly #inspectionId: InspectionId;
  readonly #metricId: MetricId;
  readonly #months: number;

  constructor(world: World, orgId: OrgId, inspectionId: InspectionId) {
    this.#world = world;
    this.#orgId = orgId;
    this.#inspectionId = inspectionId;
    this.#metricId = newId(world);
    this.#metric = new LiveAggregate(metricKind, new StreamEnd(streams.metric(this.#metricId)), { orgId, inspectionId });
    this.#months = world.random.longTail(2, 6, 0.6);
  }

  run(): void {
    const { random, agenda, organisations, journal } = this.#world;
    const frame = { on: happened(this.#world, null), by: organisations.reporter(random, this.#orgId) };
    const { definition, observations, target } = this.#metric.now;
    if (definition === null) {
      const [code, name, unit, direction] = random.pick(figures);
      act(this.#world, this.#metric, { type: 'DefineMetric', ...frame, data: { code, direction, inspectionId: this.#inspectionId, issueId: null, metricId: this.#metricId, name, orgId: this.#orgId, unit } });
    } else if (target === null && random.chance(0.3)) {
      const quantity = { qualifier: 'exact', unit: definition.unit, value: String(random.int(10, 200)) } as const;
      act(this.#world, this.#metric, { type: 'SetMetricTarget', ...frame, data: { planned: deadline(random, journal.todayNumber + 180), quantity } });
    } else if (observations.length < this.#months) {
      const quantity = { cumulative: random.chance(0.3), qualifier: random.weighted([[0.8, 'exact'], [0.1, 'about'], [0.1, 'over']] as const), unit: definition.unit, value: String(random.longTail(1, 12, 1)) };
      act(this.#world, this.#metric, { type: 'ObserveMetric', ...frame, data: { attributes: {}, period: random.chance(0.5) ? onDayAt(journal.todayNumber) : null, printed: null, quantity } });
    } else return;
    agenda.put(inDays(this.#world, random.int(20, 40)), this);
  }
}
