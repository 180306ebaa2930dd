import type { ImportEnd } from '@millwright/contracts'
import type { Db } from '../db/database.ts'
import { recordEvent } from '../events/record.ts'

type Ended = { readonly end: ImportEnd; readonly at: number; readonly by: string }

/** Records an import as a whole: its rows are as they were elsewhere, and leave no events. */
export async function endImport(db: Db, { end, at, by }: Ended): Promise<ImportEnd> {
  const recorded = { ...end, source: withoutCredentials(end.source) }
  await recordEvent(db, { at, by, type: 'tracking.imported', subject: 'tracking', data: recorded })
  return recorded
}

/** Of an address where it is; a path as it is. */
function withoutCredentials(source: string): string {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(source)) return source
  const url = URL.parse(source)
  return url === null ? 'an address that cannot be read' : `${url.protocol}//${url.host}`
}
