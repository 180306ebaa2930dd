import { join } from 'node:path'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { temporaryFolder } from '../control/testing.ts'
import { type Db, isNewDatabase, openDatabase } from './database.ts'
import { MIGRATIONS, type Migrations } from './migrate.ts'
import { databaseIn } from './testing.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let address: string
const open: Db[] = []
beforeEach(async () => {
  folder = await temporaryFolder()
  address = await databaseIn(folder.path)
})
afterEach(async () => {
  for (const db of open.splice(0)) await db.destroy()
  await folder[Symbol.asyncDispose]()
})
const openIt = async (migrations: Migrations = MIGRATIONS): Promise<Db> => {
  const db = await openDatabase(address, migrations)
  open.push(db)
  return db
}

test('SQLite: a commit is on the disk and readers do not wait for writers', async () => {
  address = join(folder.path, 'millwright.db')
  const db = await openIt()

  const journal = await sql<{ journal_mode: string }>`pragma journal_mode`.execute(db)
  const synchronous = await sql<{ synchronous: number }>`pragma synchronous`.execute(db)
  const foreignKeys = await sql<{ foreign_keys: number }>`pragma foreign_keys`.execute(db)

  expect(journal.rows[0]?.journal_mode).toBe('wal')
  expect(synchronous.rows[0]?.synchronous).toBe(2)
  expect(foreignKeys.rows[0]?.foreign_keys).toBe(1)
})

/** This program and what a later one might add to it. */
const later = (readableFrom?: string): Migrations => ({
  ...MIGRATIONS,
  '0099-later': {
    ...(readableFrom !== undefined && { readableFrom }),
    async up(db) {
      await db.schema.alterTable('models').addColumn('colour', 'text').execute()
    },
  },
})
const LAST = Object.keys(MIGRATIONS).at(-1)!

describe('a database of a newer program', () => {
  test('that says nothing of those before it is refused in words, and left as it is', async () => {
    await openIt(later())

    await expect(openIt()).rejects.toThrow(
      `the database was written by a newer Millwright (schema 0099-later, this one knows ${LAST}); start that version or a later one, or restore a backup`,
    )
  })

  test('that only added something is read and written by the one before it, and by itself again', async () => {
    await openIt(later(LAST))

    const before = await openIt()
    await before.insertInto('models').values({ name: 'churn', created_at: 1 }).execute()
    const after = await openIt(later(LAST))

    expect(await after.selectFrom('models').select(['name', 'created_at']).execute()).toEqual([
      { name: 'churn', created_at: 1 },
    ])
  })

  test('that the one before it can read is refused by one that is older still', async () => {
    const { [LAST]: _, ...older } = MIGRATIONS
    await openIt(later(LAST))

    await expect(openIt(older)).rejects.toThrow(/written by a newer Millwright \(schema 0099-later/)
  })
})

test('is new until a program has used it', async () => {
  const before = await isNewDatabase(address)
  await openIt()

  expect([before, await isNewDatabase(address)]).toEqual([true, false])
})

test('integers are numbers, of any size; texts come back as they were, but for U+0000, which is refused', async () => {
  const db = await openIt()
  const values = [0, -1, 2 ** 53, 2 ** 60, -(2 ** 62)]
  for (const [i, created_at] of values.entries())
    await db
      .insertInto('models')
      .values({ name: `m${i} é😀\\'%`, created_at })
      .execute()

  const rows = await db.selectFrom('models').select(['name', 'created_at']).orderBy('name').execute()
  const { count } = await db
    .selectFrom('models')
    .select((column) => column.fn.countAll().as('count'))
    .executeTakeFirstOrThrow()

  expect(rows).toEqual(values.map((created_at, i) => ({ name: `m${i} é😀\\'%`, created_at })))
  expect(count).toBe(values.length)
  await expect(db.insertInto('models').values({ name: 'a\0b', created_at: 0 }).execute()).rejects.toThrow(
    'a text holds the character U+0000 (NUL), which no text here may hold; leave it out',
  )
})

test('texts are sorted byte by byte', async () => {
  const db = await openIt()
  const names = ['b', 'B', 'a-b', 'a b', 'a/b', 'a0b', 'é', 'Z', '_', '😀', '\uffee']
  for (const name of names) await db.insertInto('models').values({ name, created_at: 0 }).execute()

  const rows = await db.selectFrom('models').select('name').orderBy('name').execute()

  expect(rows.map(({ name }) => name)).toEqual(
    names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
  )
})
