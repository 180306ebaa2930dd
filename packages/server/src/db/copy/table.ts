/** A table to be copied, as the target has it. */
export type Table = {
  readonly name: string
  readonly columns: readonly Column[]
  /** Columns that rows are in the order of: of the primary key, or all. */
  readonly key: readonly Column[]
}

export type Column = {
  readonly name: string
  /** PostgreSQL's name of it. */
  readonly type: string
  readonly isNullable: boolean
  /** The database gives the next number where none is given. */
  readonly isNumbered: boolean
}

/** What migrations write of themselves, and each database has of its own. */
const BOOKKEEPING = new Set(['kysely_migration', 'kysely_migration_lock', 'migration_readers'])

export const isBookkeeping = (table: string): boolean => BOOKKEEPING.has(table)

/** A table refers to another. */
export type Reference = { readonly from: string; readonly to: string }

/** Each after those that it refers to. @throws Error when there is no such order */
export function orderByReferences(
  tables: readonly Table[],
  references: readonly Reference[],
): readonly Table[] {
  const ordered: Table[] = []
  for (let left = tables; left.length > 0; ) {
    const waiting = new Set(left.map(({ name }) => name))
    const isFree = ({ name }: Table): boolean =>
      !references.some(({ from, to }) => from === name && to !== name && waiting.has(to))
    const free = left.filter(isFree)
    if (free.length === 0)
      throw new Error(`tables refer to each other in a circle: ${[...waiting].join(', ')}`)
    ordered.push(...free)
    left = left.filter((table) => !free.includes(table))
  }
  return ordered
}
