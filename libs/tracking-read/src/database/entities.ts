import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { EventId, Fact, OrgId, Position, StreamId, StreamVersion } from '@rectrail/kernel';
import type { TrackingEvent } from '@rectrail/tracking-domain';

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
