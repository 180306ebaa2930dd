import type { Db } from '../db/database.ts'

export type EventEntry = {
  readonly at: number
  readonly type: string
  /** What it happened to: `models/churn/versions/3`, `deployments/churn`. */
  readonly subject: string
  readonly by: string
  readonly data: Record<string, unknown>
}

/** Appends to the log, inside the transaction of the change itself: no change without its event. */
export async function recordEvent(db: Db, entry: EventEntry): Promise<void> {
  await db
    .insertInto('events')
    .values({
      at: entry.at,
      type: entry.type,
      subject: entry.subject,
      by_whom: entry.by,
      data: JSON.stringify(entry.data),
    })
    .execute()
}
