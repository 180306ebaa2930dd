import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import {
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import { keptStatements } from './kept-statements.ts'
import type { ForLists } from './statement.ts'
import { assertStorable } from './text.ts'

/** How long another process that holds the file (a backup, a shell) is waited for, in milliseconds. */
const BUSY_TIMEOUT_MS = 5_000
/** Most of the file that is kept in memory, as it is read: searches go through many runs. 2 MiB unless said. */
const CACHE_KIB = 64 * 1024

/** Kysely over Node's own SQLite. A commit is on the disk when it returns (`synchronous = full`). */
export function sqliteDialect(path: string): Dialect {
  return {
    createDriver: () => new SqliteDriver(path),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createAdapter: () => new Adapter(),
    createIntrospector: (db: Kysely<unknown>) => new SqliteIntrospector(db),
  }
}

/** Migrations are a transaction: of several processes that start at once, one makes them and the others wait. */
class Adapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

/** One connection, lent to one query or transaction at a time: transactions of this process are serial. */
class SqliteDriver implements Driver {
  readonly #path: string
  readonly #waiting: (() => void)[] = []
  #connection: SqliteConnection | undefined
  #lent = false

  constructor(path: string) {
    this.#path = path
  }

  async init(): Promise<void> {
    this.#connection = new SqliteConnection(this.#path)
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    if (this.#lent) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#lent = true
    return this.#connection!
  }

  async releaseConnection(): Promise<void> {
    const next = this.#waiting.shift()
    if (next === undefined) this.#lent = false
    else next()
  }

  /** `immediate`: a second writer waits here, and never fails half-way. */
  async beginTransaction(): Promise<void> {
    this.#connection!.execute('begin immediate')
  }

  async commitTransaction(): Promise<void> {
    this.#connection!.execute('commit')
  }

  /** A full disk may have rolled back already. */
  async rollbackTransaction(): Promise<void> {
    if (this.#connection!.inTransaction) this.#connection!.run('rollback')
  }

  async destroy(): Promise<void> {
    this.#connection?.close()
  }
}

type Prepared = { readonly statement: StatementSync; readonly givesRows: boolean }

/** Prepared statements that are kept: searches have as many forms as callers think of. */
const MOST_STATEMENTS = 256
const KEPT = /^\s*(select|insert|update|delete|with|savepoint|release|rollback|begin|commit)/

class SqliteConnection implements DatabaseConnection {
  readonly #db: DatabaseSync
  readonly #statements = keptStatements<Prepared>(MOST_STATEMENTS)

  constructor(path: string) {
    this.#db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true })
    this.run('pragma journal_mode = wal')
    this.run('pragma synchronous = full')
    this.run(`pragma cache_size = -${CACHE_KIB}`)
  }

  get inTransaction(): boolean {
    return this.#db.isTransaction
  }

  run(sql: string): void {
    this.#db.exec(sql)
  }

  /** Without parsing it each time. */
  execute(sql: string): void {
    this.#statement(sql).statement.run()
  }

  close(): void {
    this.#statements.clear()
    this.#db.close()
  }

  async executeQuery<R>({ sql, parameters, asLists = false }: ForLists): Promise<QueryResult<R>> {
    const { statement, givesRows } = this.#statement(sql, asLists)
    assertStorable(parameters)
    const values = parameters as SQLInputValue[]
    if (givesRows) return { rows: readAll(statement, values) as R[] }
    const { changes, lastInsertRowid } = statement.run(...values)
    return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) }
  }

  // biome-ignore lint/correctness/useYield: nothing here streams; the interface asks for the method
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('sqlite: queries are not streamed; page through them')
  }

  /** Schema changes are not kept. */
  #statement(sql: string, asLists = false): Prepared {
    const name = asLists ? `lists: ${sql}` : sql
    const kept = this.#statements.get(name)
    if (kept !== undefined) return kept
    const statement = this.#db.prepare(sql)
    statement.setReturnArrays(asLists)
    const prepared = { statement, givesRows: statement.columns().length > 0 }
    if (KEPT.test(sql)) this.#statements.keep(name, prepared)
    return prepared
  }
}

/**
 * Integers beyond 2^53 are read as the nearest double. Node refuses them unless it is asked for bigints; a statement that
 * only reads can be run again to ask for them.
 */
function readAll(statement: StatementSync, values: readonly SQLInputValue[]): unknown[] {
  if (!/^\s*select/i.test(statement.sourceSQL)) return readBigInts(statement, values)
  try {
    return statement.all(...values)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_OUT_OF_RANGE') throw error
    return readBigInts(statement, values)
  }
}

function readBigInts(statement: StatementSync, values: readonly SQLInputValue[]): unknown[] {
  statement.setReadBigInts(true)
  try {
    return statement.all(...values).map((row) => (Array.isArray(row) ? row.map(toNumber) : withNumbers(row)))
  } finally {
    statement.setReadBigInts(false)
  }
}

const toNumber = (value: unknown): unknown => (typeof value === 'bigint' ? Number(value) : value)

const withNumbers = (row: object): object =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [name, toNumber(value)]))
