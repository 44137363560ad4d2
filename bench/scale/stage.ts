import type { BenchServer } from '../server.ts';
import type { Datasets, DatasetPlan } from './datasets.ts';
import type { Servers } from './server-process.ts';

/** How much of everything is measured. */
export interface ScaleOptions {
  /** Events, each ten times the one before; all but the first are written on. */
  readonly sizes: readonly number[];
  readonly organisations: number;
  /** Events for writers, kept back from each history but the smallest. */
  readonly tailEvents: number;
  /** Requests to each server: dashboards and all else, alone and beside a writer; a warm-up comes before. */
  readonly calls: { readonly dashboard: number; readonly other: number; readonly dashboardBesideWriter: number; readonly otherBesideWriter: number; readonly warmUp: number };
  /** A run of requests at full load, and how many of them. */
  readonly loadMs: number;
  readonly rounds: number;
  /** How long one pace of the live projection is watched, and the last one. */
  readonly paceMs: number;
  readonly lastPaceMs: number;
  /** Small histories that are also told by the figures module, and at how many cuts. */
  readonly naive: readonly SmallHistory[];
}

export interface SmallHistory { readonly events: number; readonly organisations: number; readonly cuts: number }

/** What all rows share. */
export interface Stage {
  readonly server: BenchServer;
  readonly datasets: Datasets;
  readonly servers: Servers;
  readonly options: ScaleOptions;
}

/** At this size ten years at the one growth are ten years at the other. */
const bothGrowthsFrom = 10_000_000;

/** The histories, by years and then by density, each from the smallest to the largest. */
export const plansOf = ({ sizes, organisations, tailEvents }: ScaleOptions): readonly DatasetPlan[] => [
  ...sizes.map((events, i): DatasetPlan => ({ events, growth: 'years', organisations, tailEvents: i === 0 ? 0 : tailEvents })),
  ...sizes.filter((events) => events < bothGrowthsFrom).map((events): DatasetPlan => ({ events, growth: 'density', organisations, tailEvents: 0 })),
];

/** Those that are written on, and the first of them, on which what takes one size is measured. @throws RangeError where there is but one size. */
export const writtenPlans = (options: ScaleOptions): readonly [DatasetPlan, ...DatasetPlan[]] => {
  const [first, ...more] = plansOf(options).filter(({ tailEvents, growth }) => tailEvents > 0 && growth === 'years');
  if (first === undefined) throw new RangeError('no history is written on');
  return [first, ...more];
};

/** Those of the same kind with a tenth of the events; two where a history is the end of both growths. */
export const tenthsOf = (plan: DatasetPlan, plans: readonly DatasetPlan[]): readonly DatasetPlan[] =>
  plans.filter(({ events, growth }) => events * 10 === plan.events && (growth === plan.growth || plan.events >= bothGrowthsFrom));
