import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../control/testing.ts'
import { openDatabase } from './database.ts'
import { MIGRATIONS } from './migrate.ts'
import { databaseIn } from './testing.ts'

test('eight processes start on a new database at once: it is made once, and all go on', async () => {
  await using folder = await temporaryFolder()
  const address = await databaseIn(folder.path)
  const starting = Array.from({ length: 8 }, () =>
    fork(join(import.meta.dirname, '../../test/open-database.ts'), [address]),
  )

  const codes = await Promise.all(starting.map(async (child) => (await once(child, 'exit'))[0]))

  expect(codes).toEqual(Array.from({ length: 8 }, () => 0))
  const db = await openDatabase(address)
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db)
  expect(rows.map(({ name }) => name)).toEqual(Object.keys(MIGRATIONS))
  await db.destroy()
})
