import type { Selectable } from 'kysely'
import type { Db } from '../db/database.ts'
import { isSqlite } from '../db/dialect.ts'
import type { Tables } from '../db/tables.ts'
import { withData } from '../tracking/runs.ts'
import { encode, Json, runDataOf, runInfoOf } from './encode.ts'

type Row = Selectable<Tables['runs']>

/**
 * JSON of runs. What was logged to a run is remembered as text until something more is: lists of runs are asked for over and
 * over, and most of the runs in them have ended. With PostgreSQL nothing is remembered: others may write to it.
 */
export type RunTexts = {
  /** In the order given. */
  textsOf(db: Db, rows: readonly Row[]): Promise<Json[]>
  /** To be called when a change of the run is committed. */
  forget(runId: string): void
}

/** @param mostCharacters of all that is remembered */
export function createRunTexts(mostCharacters: number): RunTexts {
  /** Used last at the end. */
  const kept = new Map<string, string>()
  let characters = 0
  /** Counts changes, so that what was read before one is not kept after it. */
  let changes = 0
  const changedAt = new Map<string, number>()
  let forgottenBefore = 0

  const drop = (runId: string): void => {
    characters -= kept.get(runId)?.length ?? 0
    kept.delete(runId)
  }
  const keep = (runId: string, text: string): void => {
    drop(runId)
    kept.set(runId, text)
    characters += text.length
    for (const [oldest] of kept) {
      if (characters <= mostCharacters) break
      drop(oldest)
    }
  }
  const recall = (runId: string): string | undefined => {
    const text = kept.get(runId)
    if (text === undefined) return undefined
    kept.delete(runId)
    kept.set(runId, text)
    return text
  }
  return {
    async textsOf(db, rows) {
      const texts = new Map(rows.map((row) => [row.run_id, recall(row.run_id)]))
      const readAt = changes
      const others = rows.filter(({ run_id: id }) => texts.get(id) === undefined)
      for (const run of await withData(db, others)) {
        const text = encode(runDataOf(run)).slice(1, -1)
        texts.set(run.run_id, text)
        const isCurrent = readAt >= (changedAt.get(run.run_id) ?? forgottenBefore)
        if (isCurrent && isSqlite(db)) keep(run.run_id, text)
      }
      return rows.map((row) => new Json(`{"info":${encode(runInfoOf(row))},${texts.get(row.run_id)}}`))
    },
    forget(runId) {
      changes += 1
      drop(runId)
      changedAt.delete(runId)
      changedAt.set(runId, changes)
      if (changedAt.size <= CHANGES) return
      const [[oldest, at]] = changedAt as unknown as [[string, number]]
      changedAt.delete(oldest)
      forgottenBefore = at
    },
  }
}

/** Runs whose last change is remembered. */
const CHANGES = 10_000
