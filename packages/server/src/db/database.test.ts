import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../control/testing.ts'
import { openDatabase } from './database.ts'

test('a commit is on the disk and readers do not wait for writers', async () => {
  await using folder = await temporaryFolder()
  const db = await openDatabase(join(folder.path, 'millwright.db'))

  const journal = await sql<{ journal_mode: string }>`pragma journal_mode`.execute(db)
  const synchronous = await sql<{ synchronous: number }>`pragma synchronous`.execute(db)
  const foreignKeys = await sql<{ foreign_keys: number }>`pragma foreign_keys`.execute(db)

  expect(journal.rows[0]?.journal_mode).toBe('wal')
  expect(synchronous.rows[0]?.synchronous).toBe(2)
  expect(foreignKeys.rows[0]?.foreign_keys).toBe(1)
  await db.destroy()
})

test('a database of a newer program is refused in words, and left as it is', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'millwright.db')
  await (await openDatabase(path)).destroy()
  const raw = new DatabaseSync(path)
  raw.exec("insert into kysely_migration (name, timestamp) values ('0099-later', '2030-01-01')")
  raw.close()

  await expect(openDatabase(path)).rejects.toThrowErrorMatchingInlineSnapshot(
    `[Error: the data folder was written by a newer Millwright (schema 0099-later, this one knows 0007-promotion); start that version or a later one, or restore a backup]`,
  )
})

test('transactions of one process do not mix', async () => {
  await using folder = await temporaryFolder()
  const db = await openDatabase(join(folder.path, 'millwright.db'))
  const add = (name: string, fail: boolean) =>
    db.transaction().execute(async (tx) => {
      await tx.insertInto('models').values({ name, created_at: 0 }).execute()
      await new Promise((resolve) => setImmediate(resolve))
      if (fail) throw new Error('no')
    })

  await Promise.allSettled(Array.from({ length: 20 }, (_, i) => add(`m${i}`, i % 2 === 1)))

  const rows = await db.selectFrom('models').select('name').execute()
  expect(rows.map((row) => row.name).sort()).toEqual(Array.from({ length: 10 }, (_, i) => `m${i * 2}`).sort())
  await db.destroy()
})
