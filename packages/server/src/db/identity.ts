import { randomUUID } from 'node:crypto'
import type { Db } from './database.ts'

/** What tells this database from every other; made when it is first asked for, and copied with it. */
export async function readIdentity(db: Db): Promise<string> {
  await db
    .insertInto('identity')
    .values({ only: 1, id: randomUUID() })
    .onConflict((conflict) => conflict.column('only').doNothing())
    .execute()
  const { id } = await db.selectFrom('identity').select('id').executeTakeFirstOrThrow()
  return id
}
