import type { Event } from '@millwright/contracts'
import type { Db } from '../db/database.ts'
import type { Page, PageQuery } from '../paging.ts'
import { pageOf } from '../paging.ts'

export type EventFilter = { readonly type?: string | undefined; readonly subject?: string | undefined }

/** Newest first. */
export async function listEvents(db: Db, filter: EventFilter, page: PageQuery): Promise<Page<Event>> {
  let query = db
    .selectFrom('events')
    .selectAll()
    .orderBy('id', 'desc')
    .limit(page.limit + 1)
  if (page.after !== undefined) query = query.where('id', '<', page.after)
  if (filter.type !== undefined) query = query.where('type', '=', filter.type)
  if (filter.subject !== undefined) query = query.where('subject', '=', filter.subject)
  const rows = await query.execute()
  const events = rows.map((row) => ({
    id: row.id,
    at: new Date(row.at).toISOString(),
    type: row.type,
    subject: row.subject,
    by: row.by_whom,
    data: JSON.parse(row.data) as Record<string, unknown>,
  }))
  return pageOf(events, page, (event) => event.id)
}
