import { engineSql } from '@rectrail/projections';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { readSchemas, schema } from './rows.ts';

/** What belongs to no projection; their tables are theirs to make (docs/adr/0005-rectangles-and-signed-points.md). */
export class ReadSchema1 implements MigrationInterface {
  readonly name = 'ReadSchema1795000000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of engineSql(schema)) await runner.query(statement);
  }

  /** Only the read models go; the log is elsewhere and everything here can be made anew from it. */
  async down(runner: QueryRunner): Promise<void> {
    for (const one of readSchemas) await runner.query(`drop schema ${one} cascade`);
  }
}
