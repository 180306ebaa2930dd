import { afterEach, beforeEach, expect, test } from 'vitest'
import { temporaryFolder } from '../control/testing.ts'
import { type Db, openDatabase } from './database.ts'
import { databaseIn } from './testing.ts'
import { inTransaction } from './transaction.ts'
import { createWriter } from './writer.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let db: Db
beforeEach(async () => {
  folder = await temporaryFolder()
  db = await openDatabase(await databaseIn(folder.path))
})
afterEach(async () => {
  await db.destroy()
  await folder[Symbol.asyncDispose]()
})

const pause = () => new Promise((resolve) => setImmediate(resolve))
const add = async (tx: Db, name: string, fail = false): Promise<string> => {
  await tx.insertInto('models').values({ name, created_at: 0 }).execute()
  await pause()
  if (fail) throw new Error(`not ${name}`)
  return name
}
const namesKept = async () =>
  (await db.selectFrom('models').select('name').execute()).map(({ name }) => name).sort()

/** Reads, thinks and writes: whoever does so at the same time must not be forgotten. */
const countOne = async (tx: Db): Promise<void> => {
  const row = await tx.selectFrom('routing').select('epoch').where('id', '=', 1).executeTakeFirst()
  await pause()
  const epoch = (row?.epoch ?? 0) + 1
  if (row === undefined) await tx.insertInto('routing').values({ id: 1, epoch }).execute()
  else await tx.updateTable('routing').set({ epoch }).where('id', '=', 1).execute()
}
const counted = async () => (await db.selectFrom('routing').select('epoch').executeTakeFirstOrThrow()).epoch

test.each([
  ['a writer', () => createWriter(db).write],
  [
    'transactions',
    () =>
      <T>(change: (tx: Db) => Promise<T>) =>
        inTransaction(db, change),
  ],
])('%s: changes at the same time do not mix, and one that fails is undone alone', async (_, open) => {
  const write = open()
  const names = Array.from({ length: 20 }, (_, i) => `m${String(i).padStart(2, '0')}`)

  await expect(write((tx) => add(tx, 'alone', true))).rejects.toThrow('not alone')
  const results = await Promise.allSettled(names.map((name, i) => write((tx) => add(tx, name, i % 2 === 1))))

  const wanted = names.map((name, i) =>
    i % 2 === 0
      ? { status: 'fulfilled', value: name }
      : { status: 'rejected', reason: new Error(`not ${name}`) },
  )
  expect(results).toEqual(wanted)
  expect(await namesKept()).toEqual(names.filter((_, i) => i % 2 === 0))
})

test('what is read and written again by many at once is counted once each', async () => {
  const { write } = createWriter(db)

  await Promise.all([
    ...Array.from({ length: 16 }, () => write(countOne)),
    ...Array.from({ length: 8 }, () => inTransaction(db, countOne)),
  ])

  expect(await counted()).toBe(24)
})
