import { sql } from 'kysely'
import type { Db } from '../database.ts'
import { isBookkeeping, orderByReferences, type Reference, type Table } from './table.ts'
import { KINDS, type Row } from './values.ts'

/** What one answer should hold, in characters, and the most rows of one. */
const FETCH_CHARACTERS = 4 * 1024 * 1024
const MOST_ROWS = 5_000
const FIRST_ROWS = 100

type Described = {
  readonly table: string
  readonly name: string
  readonly type: string
  readonly nullable: boolean
  readonly numbered: boolean
  /** Place in the primary key. */
  readonly place: number | null
}

/** Tables where Millwright's would be made, those of extensions aside, each after those that it refers to. */
export async function listTables(db: Db): Promise<readonly Table[]> {
  const { rows } = await sql<Described>`
    select c.relname as "table", a.attname as name, t.typname as type, not a.attnotnull as nullable, a.attidentity <> '' as numbered,
      array_position(i.indkey::int2[], a.attnum) as place
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    join pg_type t on t.oid = a.atttypid
    left join pg_index i on i.indrelid = c.oid and i.indisprimary
    where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p')
      and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
    order by c.relname, a.attnum`.execute(db)
  const byTable = Map.groupBy(rows, ({ table }) => table)
  const tables = [...byTable].map(([name, columns]) => tableOf(name, columns))
  return orderByReferences(
    tables.filter(({ name }) => !isBookkeeping(name)),
    await listReferences(db),
  )
}

function tableOf(name: string, described: readonly Described[]): Table {
  const columns = described.map(({ name, type, nullable, numbered, place }) => ({
    column: { name, type, isNullable: nullable, isNumbered: numbered },
    place,
  }))
  const key = columns.filter(({ place }) => place !== null).sort((a, b) => a.place! - b.place!)
  return {
    name,
    columns: columns.map(({ column }) => column),
    key: (key.length > 0 ? key : columns).map(({ column }) => column),
  }
}

async function listReferences(db: Db): Promise<readonly Reference[]> {
  const { rows } = await sql<Reference>`
    select a.relname as "from", b.relname as "to"
    from pg_constraint k join pg_class a on a.oid = k.conrelid join pg_class b on b.oid = k.confrelid
    where k.contype = 'f' and k.connamespace = current_schema()::regnamespace`.execute(db)
  return rows
}

/** Names of tables that have rows. */
export async function listFilled(db: Db, tables: readonly Table[]): Promise<readonly string[]> {
  if (tables.length === 0) return []
  const asked = tables.map(
    ({ name }) => sql`select ${sql.lit(name)} as name where exists (select from ${sql.table(name)})`,
  )
  const { rows } = await sql<{ name: string }>`${sql.join(asked, sql` union all `)}`.execute(db)
  return rows.map(({ name }) => name)
}

/** Until the transaction ends nobody else writes to them. */
export const lockTables = (tx: Db, tables: readonly Table[]) =>
  sql`lock table ${sql.join(tables.map(({ name }) => sql.table(name)))} in exclusive mode`.execute(tx)

/** As many rows as there are, in one statement of few parameters: one list a column. */
export async function insertRows(tx: Db, { name, columns }: Table, rows: readonly Row[]): Promise<void> {
  const lists = columns.map(({ type }, at) => sql`${rows.map((row) => row[at])}::${sql.raw(type)}[]`)
  await sql`
    insert into ${sql.table(name)} (${sql.join(columns.map((column) => sql.ref(column.name)))})
    select * from unnest(${sql.join(lists)})`.execute(tx)
}

/** The next number that is given is behind the largest there is. In the transaction, other than `setval`. */
export async function restartNumbers(tx: Db, { name, columns }: Table): Promise<void> {
  for (const column of columns.filter(({ isNumbered }) => isNumbered)) {
    const { rows } = await sql<{ next: string }>`
      select (greatest(max(${sql.ref(column.name)}), 0) + 1)::text as next from ${sql.table(name)}`.execute(
      tx,
    )
    await sql`alter table ${sql.table(name)} alter column ${sql.ref(column.name)} restart with ${sql.raw(rows[0]!.next)}`.execute(
      tx,
    )
  }
}

/** Rows by their key, few at a time: in the order of SQLite, which sorts texts byte by byte and has nulls first. */
export async function* readRows(tx: Db, { name, columns, key }: Table): AsyncGenerator<readonly Row[]> {
  const kinds = columns.map(({ type }) => KINDS[type]!)
  // With the table's name: without, it is the text that is selected.
  const order = key.map(
    (column) =>
      sql`${sql.id(name, column.name)}${sql.raw(column.type === 'text' ? ' collate "C"' : '')}${sql.raw(column.isNullable ? ' nulls first' : '')}`,
  )
  await sql`
    declare copied no scroll cursor for
    select ${sql.join(columns.map((column) => sql`${sql.ref(column.name)}::text`))}
    from ${sql.table(name)} order by ${sql.join(order)}`.execute(tx)
  for (let size = FIRST_ROWS; ; ) {
    const { rows } = await sql<
      Record<string, string | null>
    >`fetch ${sql.raw(String(size))} from copied`.execute(tx)
    if (rows.length === 0) break
    const read = rows.map((row) =>
      columns.map((column, at) => {
        const text = row[column.name]!
        return text === null ? null : kinds[at]!.ofPostgres(text)
      }),
    )
    yield read
    size = Math.min(MOST_ROWS, Math.ceil((FETCH_CHARACTERS * read.length) / charactersOf(read)))
  }
  await sql`close copied`.execute(tx)
}

const charactersOf = (rows: readonly Row[]): number =>
  rows.reduce((sum, row) => sum + row.reduce((length, value) => length + (value?.length ?? 0), 1), 0)

/** What it knows of them, searches are planned by. */
export const analyze = (tx: Db, tables: readonly Table[]) =>
  sql`analyze ${sql.join(tables.map(({ name }) => sql.table(name)))}`.execute(tx)
