import type { Scope } from '@millwright/contracts'
import type { Selectable } from 'kysely'
import type { Db } from '../db/database.ts'
import type { Tables } from '../db/tables.ts'
import { inTransaction } from '../db/transaction.ts'
import { type Page, type PageQuery, pageOf } from '../paging.ts'
import type { StoredKey } from './model.ts'

const listIn = (text: string | null): string[] | null =>
  text === null ? null : (JSON.parse(text) as string[])

const keyOf = (row: Selectable<Tables['api_keys']>): StoredKey => ({
  id: row.id,
  name: row.name,
  kind: row.kind,
  hash: row.hash,
  startsWith: row.starts_with,
  scopes: JSON.parse(row.scopes) as Scope[],
  ...{
    deployments: listIn(row.deployments),
    experiments: listIn(row.experiments),
    models: listIn(row.models),
  },
  createdAt: row.created_at,
  createdBy: row.created_by,
  expiresAt: row.expires_at,
  revokedAt: row.revoked_at,
  lastUsedAt: row.last_used_at,
  replaces: row.replaces,
})

export async function insertKey(db: Db, key: StoredKey): Promise<void> {
  await db
    .insertInto('api_keys')
    .values({
      id: key.id,
      name: key.name,
      kind: key.kind,
      hash: key.hash,
      starts_with: key.startsWith,
      scopes: JSON.stringify(key.scopes),
      deployments: key.deployments && JSON.stringify(key.deployments),
      experiments: key.experiments && JSON.stringify(key.experiments),
      models: key.models && JSON.stringify(key.models),
      created_at: key.createdAt,
      created_by: key.createdBy,
      expires_at: key.expiresAt,
      revoked_at: key.revokedAt,
      last_used_at: key.lastUsedAt,
      replaces: key.replaces,
    })
    .execute()
}

export async function findKey(db: Db, id: string): Promise<StoredKey | undefined> {
  const row = await db.selectFrom('api_keys').selectAll().where('id', '=', id).executeTakeFirst()
  return row && keyOf(row)
}

export async function findKeyByHash(db: Db, hash: string): Promise<StoredKey | undefined> {
  const row = await db.selectFrom('api_keys').selectAll().where('hash', '=', hash).executeTakeFirst()
  return row && keyOf(row)
}

export async function hasSuccessor(db: Db, id: string): Promise<boolean> {
  const row = await db.selectFrom('api_keys').select('id').where('replaces', '=', id).executeTakeFirst()
  return row !== undefined
}

/** Newest first, revoked ones among them. */
export async function listKeys(db: Db, page: PageQuery): Promise<Page<StoredKey>> {
  const offset = page.after ?? 0
  const rows = await db
    .selectFrom('api_keys')
    .selectAll()
    .orderBy('created_at', 'desc')
    .orderBy('id')
    .limit(page.limit + 1)
    .offset(offset)
    .execute()
  return pageOf(rows.map(keyOf), page, () => offset + page.limit)
}

/** Every key that was not revoked, oldest first. */
export async function listUnrevokedKeys(db: Db): Promise<StoredKey[]> {
  const rows = await db
    .selectFrom('api_keys')
    .selectAll()
    .where('revoked_at', 'is', null)
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  return rows.map(keyOf)
}

export async function writeEnd(
  db: Db,
  id: string,
  end: { readonly revoked_at: number } | { readonly expires_at: number },
): Promise<void> {
  await db.updateTable('api_keys').set(end).where('id', '=', id).execute()
}

/** @param uses milliseconds since 1970 by id; older than what is known, they change nothing */
export async function writeUses(db: Db, uses: ReadonlyMap<string, number>): Promise<void> {
  await inTransaction(db, async (tx) => {
    for (const [id, at] of uses)
      await tx
        .updateTable('api_keys')
        .set({ last_used_at: at })
        .where('id', '=', id)
        .where((where) => where.or([where('last_used_at', 'is', null), where('last_used_at', '<', at)]))
        .execute()
  })
}
