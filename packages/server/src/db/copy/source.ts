import { existsSync } from 'node:fs'
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite'
import { type Column, isBookkeeping, type Table } from './table.ts'
import { KINDS, type Row } from './values.ts'

/** SQLite's file as one state of it, read and never written. */
export type Source = {
  /** Migrations that made it, in their order. */
  readonly applied: readonly string[]
  /** Columns of each table. */
  readonly columns: ReadonlyMap<string, readonly string[]>
  count(table: string): number
  /** By its key. @throws Error at a value that the column of the target does not take */
  rows(table: Table): Iterable<Row>
  close(): void
}

/** @throws Error when there is none */
export function openSource(path: string): Source {
  if (!existsSync(path))
    throw new Error(`there is no database ${path}: nothing was kept in SQLite in this folder`)
  const db = new DatabaseSync(path, { readOnly: true })
  db.exec('begin')
  const names = textsOf(
    db,
    "select name from sqlite_schema where type = 'table' and name not like 'sqlite!_%' escape '!'",
  )
  const isNew = !names.includes('kysely_migration')
  return {
    applied: isNew ? [] : textsOf(db, 'select name from kysely_migration order by name'),
    columns: new Map(
      names.filter((name) => !isBookkeeping(name)).map((name) => [name, columnsOf(db, name)] as const),
    ),
    count: (table) => Number(db.prepare(`select count(*) as rows from ${quote(table)}`).get()!.rows),
    rows: (table) => rowsOf(db, table),
    close: () => db.close(),
  }
}

const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`

const textsOf = (db: DatabaseSync, query: string): string[] =>
  db
    .prepare(query)
    .all()
    .map(({ name }) => name as string)

const columnsOf = (db: DatabaseSync, table: string): string[] =>
  textsOf(db, `select name from pragma_table_info('${table.replaceAll("'", "''")}')`)

function* rowsOf(db: DatabaseSync, { name, columns, key }: Table): Generator<Row> {
  const listed = (all: readonly Column[]): string => all.map((column) => quote(column.name)).join(', ')
  const statement = db.prepare(`select ${listed(columns)} from ${quote(name)} order by ${listed(key)}`)
  statement.setReadBigInts(true)
  statement.setReturnArrays(true)
  const kinds = columns.map(({ type }) => KINDS[type]!)
  // The types do not know of lists.
  for (const values of statement.iterate() as unknown as Iterable<readonly SQLOutputValue[]>)
    yield values.map((value, at) => {
      if (value === null) return null
      const text = kinds[at]!.ofSqlite(value)
      if (text === undefined)
        throw new Error(
          `column ${columns[at]!.name}: ${shown(value)} is no value of type ${columns[at]!.type}`,
        )
      return text
    })
}

const shown = (value: SQLOutputValue): string =>
  value instanceof Uint8Array ? `${value.length} bytes` : JSON.stringify(String(value).slice(0, 40))
