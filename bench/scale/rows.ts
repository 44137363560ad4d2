import type { RowResult } from '../results.ts';
import { eventsKey, eventsLabel, keyOf, labelOf } from './datasets.ts';
import { measureBesideWriter, measureLatency, requestPlans } from './latency.ts';
import { measureData, measureNaive, measureRebuild, measureReplay } from './read-models.ts';
import { measureReadsDuringRebuild } from './rebuild-reads.ts';
import { plansOf, writtenPlans, type ScaleOptions, type Stage } from './stage.ts';
import { measureThroughput } from './throughput.ts';
import { measureLiveProjection } from './writer.ts';

/** A line or more of the result. */
export interface BenchRow {
  readonly key: string;
  readonly title: string;
  /** What it takes on two cores, about. */
  readonly seconds: number;
  measure(stage: Stage): Promise<RowResult>;
}

/** Beside reads: a province's busiest hours. */
const writerPace = 500;

/** Events a second of the generator with the load, and of a rebuild; milliseconds of a request, on the whole. For the time left, no more. */
const about = { generated: 20_000, rebuilt: 25_000, replayed: 150_000, requestMs: 10, starting: 4 };

/** Histories, what is made of them, and what is asked of it; a row that is measured alone makes what it needs first. */
export const scaleRows = (options: ScaleOptions): readonly BenchRow[] => {
  const { calls, naive } = options;
  const plans = plansOf(options);
  const written = writtenPlans(options);
  const largest = written.at(-1) ?? written[0];
  const requestSeconds = (count: number): number => (count * about.requestMs) / 1_000;
  const besideCalls = calls.dashboardBesideWriter + (requestPlans.length - 1) * calls.otherBesideWriter + requestPlans.length * calls.warmUp;
  return [
    ...plans.map((plan): BenchRow => ({
      key: `data-${keyOf(plan)}`, title: `history of ${labelOf(plan)}`, seconds: (plan.events + plan.tailEvents) / about.generated, measure: (stage) => measureData(stage, plan),
    })),
    { key: `replay-${keyOf(largest)}`, title: `replay of the whole log, ${labelOf(largest)}`, seconds: largest.events / about.replayed, measure: (stage) => measureReplay(stage, largest) },
    ...plans.map((plan): BenchRow => {
      const besideCopy = plan.events === written[0].events && plan.growth === written[0].growth;
      return {
        key: `rebuild-${keyOf(plan)}`, title: `rebuild of all read models, ${labelOf(plan)}`, seconds: plan.events / about.rebuilt * (besideCopy ? 2 : 1), measure: (stage) => measureRebuild(stage, plan, besideCopy),
      };
    }),
    {
      key: `rebuild-reads-${keyOf(written[0])}`, title: `dashboards while all read models are rebuilt, ${labelOf(written[0])}`, seconds: about.starting + written[0].events / about.rebuilt * 2,
      measure: (stage) => measureReadsDuringRebuild(stage, written[0]),
    },
    ...requestPlans.map((plan): BenchRow => ({
      key: `read-${plan.request}`, title: plan.title, seconds: about.starting + plans.length * requestSeconds(calls.warmUp + (plan.request === 'dashboard' ? calls.dashboard : calls.other)),
      measure: (stage) => measureLatency(stage, plan),
    })),
    { key: 'throughput', title: 'requests a second', seconds: 12 + 3 * options.rounds * (options.loadMs / 1_000 + 1), measure: measureThroughput },
    ...naive.map((small): BenchRow => ({
      key: `naive-${eventsKey(small.events)}`, title: `dashboard by a naive replay of ${eventsLabel(small.events)} events`, seconds: 5 + small.events * small.cuts / about.rebuilt, measure: (stage) => measureNaive(stage, small),
    })),
    ...written.map((plan): BenchRow => ({
      key: `beside-writer-${keyOf(plan)}`, title: `${labelOf(plan)}, beside a writer of ${writerPace} events/s`, seconds: about.starting + 2 * requestSeconds(besideCalls),
      measure: (stage) => measureBesideWriter(stage, plan, writerPace),
    })),
    { key: 'live', title: 'live projection', seconds: about.starting + (8 * options.paceMs + options.lastPaceMs) / 1_000 + 20, measure: measureLiveProjection },
  ];
};
