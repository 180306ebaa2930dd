import type { Db } from './database.ts'
import { isSqlite } from './dialect.ts'
import { createGate, type Gate } from './gate.ts'

/** Tries of a change beside others, and then alone. */
const TRIES_TOGETHER = 3
const TRIES_ALONE = 5

/**
 * Makes a change whole or not at all, as if no other were made at the same time. SQLite makes one after the other;
 * PostgreSQL makes them at once and refuses those that came in each other's way, which are made anew, in the end alone: so
 * `change` may run more than once, and does nothing that the database cannot undo.
 * @throws what the change throws; nothing of it is kept then
 */
export async function inTransaction<T>(db: Db, change: (tx: Db) => Promise<T>): Promise<T> {
  if (isSqlite(db)) return db.transaction().execute(change)
  const gate = gateOf(db)
  const make = () => db.transaction().setIsolationLevel('serializable').execute(change)
  for (let tried = 1; ; tried++) {
    try {
      return await (tried <= TRIES_TOGETHER ? gate.together(make) : gate.alone(make))
    } catch (error) {
      if (tried === TRIES_TOGETHER + TRIES_ALONE || !isConflict(error)) throw error
    }
  }
}

const gates = new WeakMap<Db, Gate>()

function gateOf(db: Db): Gate {
  const gate = gates.get(db) ?? createGate()
  gates.set(db, gate)
  return gate
}

/**
 * SQLSTATEs: serialization_failure, deadlock_detected, and unique_violation, as what was looked for in vain may have been
 * added since: the next try finds it.
 */
const CONFLICTS = new Set(['40001', '40P01', '23505'])

const isConflict = (error: unknown): boolean => CONFLICTS.has((error as { code?: string }).code ?? '')
