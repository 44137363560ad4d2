import { checkpointTableSql } from '@rectrail/projections';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { schema, stillStands } from './rows.ts';

const rectangle = `
  valid_from date not null, valid_to date not null, known_from timestamptz not null, known_to timestamptz not null,
  pos_from bigint not null, pos_to bigint not null`;

/** A register of rectangles: `id` is the aggregate, `detail` what a list shows. The open row of a corner is found by the partial index. */
const registerSql = (table: string, columns: string): readonly string[] => [
  `create table ${schema}.${table} (
     id text not null, org_id text not null,${rectangle},
     ${columns}, detail jsonb,
     constraint ${table}_pk primary key (id, pos_from, known_from, valid_from))`,
  `create index ${table}_open on ${schema}.${table} (id, valid_from, known_from) where pos_to = ${stillStands}`,
];

/** Signed points: any sum over (valid day, known instant, position) is a range of the index alone. */
const pointSql = (table: string): readonly string[] => [
  `create table ${schema}.${table} (
     org_id text not null, cell text not null, valid_from date not null, known_from timestamptz not null, position bigint not null, n integer not null, fen bigint not null,
     constraint ${table}_pk primary key (org_id, cell, valid_from, known_from, position) include (n, fen))`,
];

const eventSql: readonly string[] = [
  `create table ${schema}.event (
     position bigint not null constraint event_pk primary key,
     stream_id text not null, stream_version integer not null, event_id text not null, type text not null, org_id text, subject text not null,
     fact jsonb not null)`,
  `create unique index event_stream on ${schema}.event (stream_id, stream_version) include (position)`,
  `create unique index event_event_id on ${schema}.event (event_id)`,
  `create index event_type on ${schema}.event (type, position)`,
  `create index event_org on ${schema}.event (org_id, position)`,
  `create index event_subject on ${schema}.event (subject, position)`,
  `create index event_reference_data on ${schema}.event (position) where stream_id like 'org-tree-%' or stream_id like 'policy-%' or stream_id = 'working-calendar'`,
  `create table ${schema}.event_standing (
     position bigint not null, stream_id text not null, type text not null, org_id text,
     valid_from date not null, known_from timestamptz not null, known_to timestamptz not null, pos_from bigint not null, pos_to bigint not null,
     constraint event_standing_pk primary key (position, pos_from))`,
  `create index event_standing_type on ${schema}.event_standing (type, org_id)`,
  `create index event_standing_stream on ${schema}.event_standing (stream_id)`,
  `create table ${schema}.event_reference (position bigint not null, stream_id text not null, ref text not null, constraint event_reference_pk primary key (ref, position))`,
];

/** The first shape of the read models. A later shape is a migration of its own and a raised version of its projection. */
export class ReadModels1 implements MigrationInterface {
  readonly name = 'ReadModels1782000000000';

  async up(runner: QueryRunner): Promise<void> {
    const statements = [
      checkpointTableSql(schema),
      ...eventSql,
      ...registerSql('issue_row', 'cell text not null, inspection_id text, number_key text collate "C", search text'),
      ...pointSql('issue_point'),
      ...registerSql('measure_row', 'cell text not null, issue_ids text[] not null'),
      ...pointSql('measure_point'),
      ...registerSql('funds_row', 'issue_ids text[] not null'),
      ...pointSql('funds_point'),
      `create index issue_row_org_cell on ${schema}.issue_row (org_id, cell)`,
      `create index measure_row_org on ${schema}.measure_row (org_id)`,
      `create index funds_row_org on ${schema}.funds_row (org_id)`,
      `create index issue_row_inspection on ${schema}.issue_row (inspection_id)`,
      `create index measure_row_issues on ${schema}.measure_row using gin (issue_ids)`,
      `create index funds_row_issues on ${schema}.funds_row using gin (issue_ids)`,
    ];
    for (const statement of statements) await runner.query(statement);
  }

  /** Only the read models go; the log is elsewhere and everything here can be made anew from it. */
  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop schema ${schema} cascade`);
  }
}
