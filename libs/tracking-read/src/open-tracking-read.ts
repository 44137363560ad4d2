import type { EventCodec, EventStore } from '@rectrail/event-store';
import { dayIn, msOfInstant, type Clock, type Position } from '@rectrail/kernel';
import { ProjectionRunner, type BatchSizes, type Projection, type RunnerStatus } from '@rectrail/projections';
import { openReadDatabase, projectionDatabase } from './database/data-source.ts';
import { schema } from './database/rows.ts';
import { eventProjection } from './projections/event-projection.ts';
import { registerProjection } from './projections/register-projection.ts';
import { auditTrail, issueHistory } from './queries/audit.query.ts';
import { compare } from './queries/compare.query.ts';
import { dashboard, dashboardChildren } from './queries/dashboard.query.ts';
import { funds } from './queries/funds.query.ts';
import { deadlines, issue, issues } from './queries/issues.query.ts';
import { lateness } from './queries/lateness.query.ts';
import { catchUp, lookupsOf } from './queries/lookups.ts';
import { measures } from './queries/measures.query.ts';
import { organisation, organisations, trees } from './queries/organisations.query.ts';
import { waitMsMax, type ReadContext } from './queries/read-session.ts';
import { ReferenceData } from './queries/reference-data.ts';
import { replay } from './queries/replay.query.ts';
import { remindersDue } from './queries/reminders-due.query.ts';
import { reminder, reminders } from './queries/reminders.query.ts';
import { discrepancies, inspections, reports } from './queries/reports.query.ts';
import { timeline } from './queries/timeline.query.ts';
import { series } from './queries/series.query.ts';
import type { ProjectionStatus, TrackingQueries, TrackingRead } from './queries/tracking-read.ts';

/** All projections of the tracking side; `zone` is that of the installation (an IANA name). */
export const trackingProjections = (zone: string, coarseFromPoints?: number): readonly Projection[] => [eventProjection(zone), registerProjection(zone, coarseFromPoints)];

/** Sizes of batches: those of the projection runner unless given. */
export interface TrackingReadOptions extends Partial<BatchSizes> {
  readonly connectionString: string;
  readonly store: EventStore;
  readonly codec: Pick<EventCodec, 'decode'>;
  readonly clock: Clock;
  /** IANA name of the zone of the installation. */
  readonly zone: string;
  /** Points up to which a comparison looks at each issue of a selection, which takes about a tenth of a second. Default 40,000. */
  readonly fewPoints?: number | undefined;
  /** Points from which an organisation without children has coarse cells too; a change takes a rebuild. Default 4,000. */
  readonly coarseFromPoints?: number | undefined;
  /** Default 10. */
  readonly connectionsMax?: number;
  /** How long a connection is waited for, and a third of how long the answer to a statement of a read is; default 10,000 ms. */
  readonly timeoutMs?: number | undefined;
  /** `at` is null where the surroundings failed and the batch will be tried again. */
  readonly onFailure?: (projection: string, at: Position | null, error: unknown) => void;
}

const queriesOf = (context: ReadContext): TrackingQueries => ({
  dashboard: (request) => dashboard(context, request),
  dashboardChildren: (request) => dashboardChildren(context, request),
  issues: (request) => issues(context, request),
  issue: (id, request) => issue(context, id, request),
  issueHistory: (id, request) => issueHistory(context, id, request),
  deadlines: (request) => deadlines(context, request),
  funds: (request) => funds(context, request),
  measures: (request) => measures(context, request),
  organisations: (request) => organisations(context, request),
  trees: (request) => trees(context, request),
  organisation: (idOrCode, request) => organisation(context, idOrCode, request),
  inspections: (request) => inspections(context, request),
  reports: (request) => reports(context, request),
  discrepancies: (id, request) => discrepancies(context, id, request),
  reminders: (request) => reminders(context, request),
  reminder: (id, request) => reminder(context, id, request),
  remindersDue: (request) => remindersDue(context, request),
  auditTrail: (request) => auditTrail(context, request),
  timeline: (kind, id, request) => timeline(context, kind, id, request),
  lateness: (request) => lateness(context, request),
  series: (request) => series(context, request),
  compare: (request) => compare(context, request),
  replay: (request) => replay(context, request),
});

/** What stopped a rebuild matters to readers only where there are no rows yet that they may read. */
const statusAt = (nowMs: number, { readable, laggingSince, ...status }: RunnerStatus): ProjectionStatus => {
  const failure = readable ? status.failure : status.build?.failure ?? null;
  const lagSeconds = laggingSince === null ? 0 : Math.max(0, (nowMs - msOfInstant(laggingSince)) / 1_000);
  return { ...status, failure, state: failure !== null ? 'stopped' : readable ? 'running' : 'rebuilding', lagSeconds };
};

const statusOf = async (runner: ProjectionRunner, clock: Clock): Promise<readonly ProjectionStatus[]> => {
  const statuses = await runner.status();
  const nowMs = msOfInstant(clock.now());
  return statuses.map((status) => statusAt(nowMs, status));
};

/** Connects, migrates and prepares the projections; nothing is projected before `start`. */
export const openTrackingRead = async (options: TrackingReadOptions): Promise<TrackingRead> => {
  const { connectionString, store, codec, clock, zone, connectionsMax, timeoutMs, onFailure, batchEventsMax, laggingEventsMax, batchCharsMax } = options;
  dayIn(zone, clock.now());
  const dataSource = await openReadDatabase({ connectionString, ...(connectionsMax !== undefined && { connectionsMax }), ...(timeoutMs !== undefined && { timeoutMs }) });
  const projections = trackingProjections(zone, options.coarseFromPoints);
  const decode: ReadContext['decode'] = (stored) => codec.decode(stored);
  const runner = new ProjectionRunner({
    store, decode, database: projectionDatabase(dataSource), projections, schema,
    ...(batchEventsMax !== undefined && { batchEventsMax }), ...(laggingEventsMax !== undefined && { laggingEventsMax }), ...(batchCharsMax !== undefined && { batchCharsMax }),
    ...(onFailure && { onFailure }),
  });
  try {
    await runner.prepare();
  } catch (error) {
    await dataSource.destroy();
    throw error;
  }
  const context: ReadContext = { dataSource, runner, store, decode, clock, zone, reference: new ReferenceData(), fewPoints: options.fewPoints ?? 40_000 };
  return {
    queries: queriesOf(context),
    lookups: lookupsOf(context),
    start: () => { runner.start(); },
    project: (upTo) => runner.project(upTo),
    catchUp: (to, timeoutMs) => catchUp(context, to, timeoutMs ?? waitMsMax),
    rebuild: (name, rebuildOptions) => runner.rebuild(name, rebuildOptions),
    pauseRebuild: (name) => runner.pauseRebuild(name),
    cancelRebuild: (name) => runner.cancelRebuild(name),
    skip: (name, at, why) => runner.skip(name, at, why),
    projectionStatus: () => statusOf(runner, clock),
    stop: async () => {
      await runner.stop();
      await dataSource.destroy();
    },
  };
};
