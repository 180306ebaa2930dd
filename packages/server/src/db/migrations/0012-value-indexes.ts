import { type Kysely, sql } from 'kysely'

/** Runs are looked for by what a param or a tag is; by its beginning, as a value may be longer than an index takes. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const table of ['params', 'run_tags'])
    await sql`create index ${sql.ref(`${table}_by_value`)} on ${sql.ref(table)} (key, substr(value, 1, 40), run)`.execute(
      db,
    )
}
