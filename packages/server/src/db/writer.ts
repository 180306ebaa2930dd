import type { Db } from './database.ts'
import { isSqlite } from './dialect.ts'
import { run, statement } from './statement.ts'
import { inTransaction } from './transaction.ts'

const [SAVE, UNDO, KEEP] = [
  statement('savepoint change'),
  statement('rollback to savepoint change'),
  statement('release savepoint change'),
]

/** Makes changes, each whole or not at all. */
export type Writer = {
  /** What the change gives, once it is on the disk. @throws what the change throws; nothing of it is kept then */
  write<T>(change: (db: Db) => Promise<T>): Promise<T>
}

/** Most changes that share a transaction. */
const MOST = 256

type Waiting = {
  readonly change: (db: Db) => Promise<unknown>
  readonly resolve: (value: never) => void
  readonly reject: (error: unknown) => void
}

/** SQLite makes one change after the other, in the order asked for; PostgreSQL as many at once as it has connections. */
export const createWriter = (db: Db): Writer =>
  isSqlite(db) ? createGroupWriter(db) : { write: (change) => inTransaction(db, change) }

/**
 * Group commit: changes that arrive while others are written share the next transaction, and so one wait for the disk. One
 * that fails is undone alone.
 */
function createGroupWriter(db: Db): Writer {
  let waiting: Waiting[] = []
  let isWriting = false

  const writeAll = async (): Promise<void> => {
    isWriting = true
    while (waiting.length > 0) {
      const group = waiting.slice(0, MOST)
      waiting = waiting.slice(MOST)
      await (group.length === 1 ? writeOne(db, group[0]!) : writeGroup(db, group))
    }
    isWriting = false
  }
  return {
    write: (change) =>
      new Promise((resolve, reject) => {
        waiting.push({ change, resolve, reject })
        if (!isWriting) void writeAll()
      }),
  }
}

/** Nobody else's change is to be kept when it fails. Never rejects: whoever waits is told. */
const writeOne = (db: Db, { change, resolve, reject }: Waiting): Promise<void> =>
  db
    .transaction()
    .execute(change)
    .then((value) => resolve(value as never), reject)

/** Never rejects: whoever waits is told. */
async function writeGroup(db: Db, group: readonly Waiting[]): Promise<void> {
  const settle: (() => void)[] = []
  try {
    await db.transaction().execute(async (transaction) => {
      for (const { change, resolve, reject } of group) {
        await run(transaction, SAVE, [])
        try {
          const value = await change(transaction)
          settle.push(() => resolve(value as never))
        } catch (error) {
          await run(transaction, UNDO, [])
          settle.push(() => reject(error))
        }
        await run(transaction, KEEP, [])
      }
    })
    for (const tell of settle) tell()
  } catch (error) {
    for (const { reject } of group) reject(error)
  }
}
