import type { DataByType } from '../event-handlers.ts';
import type { DomainCommand } from '../time/live-command.ts';
import type { MeasureEvent } from './measure.events.ts';

type DataOf<T extends MeasureEvent['type']> = DataByType<MeasureEvent>[T];

export interface MeasureCommandData {
  readonly PlanMeasure: DataOf<'MeasurePlanned'>;
  readonly LinkMeasureToIssue: DataOf<'MeasureLinkedToIssue'>;
  readonly ReportMeasureProgress: DataOf<'MeasureProgressed'>;
  readonly CompleteMeasure: DataOf<'MeasureCompleted'>;
  readonly SuspendMeasure: DataOf<'MeasureSuspended'>;
  readonly ResumeMeasure: DataOf<'MeasureResumed'>;
  readonly MakeMeasureStanding: DataOf<'MeasureMadeStanding'>;
  readonly WithdrawMeasure: DataOf<'MeasureWithdrawn'>;
  /** Of an import: no guard applies. */
  readonly StateMeasure: DataOf<'MeasureStated'>;
}

export type MeasureCommandType = keyof MeasureCommandData;
export type MeasureCommand<K extends MeasureCommandType = MeasureCommandType> = { [P in K]: DomainCommand<P, MeasureCommandData[P]> }[K];
