import type { Decision } from '@millwright/contracts'
import type { Selectable } from 'kysely'
import type { Db } from '../../db/database.ts'
import type { Tables } from '../../db/tables.ts'

/** Answers of a deployment that stand ready, and the two blobs they are in. */
export type StoredPrecomputed = {
  readonly generation: number
  readonly revision: number
  readonly version: { readonly number: number; readonly label: string }
  readonly decision: Decision | null
  readonly key: string
  readonly answers: string
  readonly index: string
  readonly keys: number
  readonly replaced: number
  readonly computedAt: number
  /** In seconds. */
  readonly maxAge: number | null
  readonly by: string
}

const precomputedOf = (row: Selectable<Tables['precomputed']>): StoredPrecomputed => ({
  generation: row.generation,
  revision: row.revision,
  version: { number: row.version, label: row.version_label },
  decision: row.decision === null ? null : (JSON.parse(row.decision) as Decision),
  key: row.key_column,
  answers: row.answers,
  index: row.key_index,
  keys: row.keys,
  replaced: row.replaced,
  computedAt: row.computed_at,
  maxAge: row.max_age,
  by: row.created_by,
})

export async function findPrecomputed(db: Db, deployment: string): Promise<StoredPrecomputed | undefined> {
  const row = await db
    .selectFrom('precomputed')
    .selectAll()
    .where('deployment', '=', deployment)
    .executeTakeFirst()
  return row && precomputedOf(row)
}

/** In the place of those before. */
export async function replacePrecomputed(
  db: Db,
  deployment: string,
  stored: StoredPrecomputed,
): Promise<void> {
  await deletePrecomputed(db, deployment)
  await db
    .insertInto('precomputed')
    .values({
      deployment,
      generation: stored.generation,
      revision: stored.revision,
      version: stored.version.number,
      version_label: stored.version.label,
      decision: stored.decision && JSON.stringify(stored.decision),
      key_column: stored.key,
      answers: stored.answers,
      key_index: stored.index,
      keys: stored.keys,
      replaced: stored.replaced,
      computed_at: stored.computedAt,
      max_age: stored.maxAge,
      created_by: stored.by,
    })
    .execute()
}

export async function deletePrecomputed(db: Db, deployment: string): Promise<void> {
  await db.deleteFrom('precomputed').where('deployment', '=', deployment).execute()
}

/** Blobs that answers are in. */
export async function listPrecomputedBlobs(db: Db): Promise<string[]> {
  const rows = await db.selectFrom('precomputed').select(['answers', 'key_index']).execute()
  return rows.flatMap(({ answers, key_index }) => [answers, key_index])
}
