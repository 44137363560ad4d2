import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { EventId, Fact, FundsCaseId, InspectionId, IssueId, MeasureId, OrgId, Position, StreamId, StreamVersion } from '@rectrail/kernel';
import type { TrackingEvent } from '@rectrail/tracking-domain';
import type { FundsView } from '../projections/funds-projection.ts';
import type { IssueViewDetail } from '../projections/issue-projection.ts';
import type { MeasureViewDetail } from '../projections/measure-projection.ts';

/** The driver gives a bigint as text; positions are safe integers. */
const safeInteger = { to: (value: number) => value, from: (value: string) => Number(value) };

@Entity('event')
export class EventRow {
  @PrimaryColumn('bigint', { transformer: safeInteger }) readonly position!: Position;
  @Column('text', { name: 'stream_id' }) readonly streamId!: StreamId;
  @Column('integer', { name: 'stream_version' }) readonly streamVersion!: StreamVersion;
  @Column('text', { name: 'event_id' }) readonly eventId!: EventId;
  @Column('text') readonly type!: string;
  @Column('text', { name: 'org_id', nullable: true }) readonly orgId!: OrgId | null;
  @Column('text') readonly subject!: string;
  @Column('jsonb') readonly fact!: Fact<TrackingEvent>;
}

/** A row of a register: one view of one aggregate on a rectangle of valid days and known instants, standing at the positions [posFrom, posTo). */
abstract class RegisterRow {
  @PrimaryColumn('text') readonly id!: string;
  @Column('text', { name: 'org_id' }) readonly orgId!: OrgId;
  @PrimaryColumn('date', { name: 'valid_from', select: false }) readonly validFrom!: string;
  @Column('date', { name: 'valid_to', select: false }) readonly validTo!: string;
  @PrimaryColumn('timestamptz', { name: 'known_from', select: false }) readonly knownFrom!: unknown;
  @Column('timestamptz', { name: 'known_to', select: false }) readonly knownTo!: unknown;
  @PrimaryColumn('bigint', { name: 'pos_from', transformer: safeInteger }) readonly posFrom!: Position;
  @Column('bigint', { name: 'pos_to', transformer: safeInteger }) readonly posTo!: Position;
}

@Entity('issue_row')
export class IssueRow extends RegisterRow {
  declare readonly id: IssueId;
  @Column('text') readonly cell!: string;
  @Column('text', { name: 'inspection_id', nullable: true }) readonly inspectionId!: InspectionId | null;
  @Column('text', { name: 'number_key', nullable: true }) readonly numberKey!: string | null;
  @Column('text', { nullable: true, select: false }) readonly search!: string | null;
  @Column('jsonb', { nullable: true }) readonly detail!: IssueViewDetail | null;
}

@Entity('measure_row')
export class MeasureRow extends RegisterRow {
  declare readonly id: MeasureId;
  @Column('text') readonly cell!: string;
  @Column('text', { name: 'issue_ids', array: true }) readonly issueIds!: IssueId[];
  @Column('jsonb', { nullable: true }) readonly detail!: MeasureViewDetail | null;
}

@Entity('funds_row')
export class FundsRow extends RegisterRow {
  declare readonly id: FundsCaseId;
  @Column('text', { name: 'issue_ids', array: true }) readonly issueIds!: IssueId[];
  @Column('jsonb') readonly detail!: FundsView;
}
