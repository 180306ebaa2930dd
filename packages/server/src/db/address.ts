/** Where a database is: the path of SQLite's file, or `postgres://…`. */
export type DatabaseAddress = string

export const isPostgres = (address: DatabaseAddress): boolean => /^postgres(ql)?:\/\//i.test(address)

/** An address as it may be shown: without name and password of whoever connects. */
export function shownAddress(address: DatabaseAddress): string {
  if (!isPostgres(address)) return address
  try {
    const { host, pathname } = new URL(address)
    return `postgres://${host}${pathname}`
  } catch {
    return 'postgres://…'
  }
}
