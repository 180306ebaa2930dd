import { type Kysely, SqliteAdapter, sql } from 'kysely'

/** Files of runs and models. Folders are listed by the order of paths, byte by byte, which SQLite's is and PostgreSQL's need not be. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const isSqlite = db.getExecutor().adapter instanceof SqliteAdapter
  const table = db.schema
    .createTable('artifacts')
    .addColumn('path', isSqlite ? 'text' : sql`text collate "C"`, (c) => c.primaryKey().notNull())
    .addColumn('digest', 'text', (c) => c.notNull())
    .addColumn('bytes', 'bigint', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
  await (isSqlite ? table.modifyEnd(sql`without rowid`) : table).execute()
}
