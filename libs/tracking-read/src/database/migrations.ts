import { engineSql, nextSchema } from '@rectrail/projections';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { schema } from './rows.ts';

/** Read models and what rebuilds have made of them; the log is elsewhere and everything here can be made anew from it. */
export const dropReadModels = async (runner: QueryRunner): Promise<void> => {
  const { records } = await runner.query('select nspname as name from pg_namespace where nspname = $1 or starts_with(nspname, $2)', [schema, nextSchema(schema, '')], true);
  for (const { name } of records as readonly { readonly name: string }[]) await runner.query(`drop schema ${name} cascade`);
};

/** What belongs to no projection; their tables are theirs to make (docs/adr/0005-rectangles-and-signed-points.md). */
export class ReadSchema1 implements MigrationInterface {
  readonly name = 'ReadSchema1795000000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of engineSql(schema)) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await dropReadModels(runner);
  }
}
