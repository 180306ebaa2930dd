import { z } from 'zod'

const DEFAULT_LIMIT = 50
const MAX_LIMIT = 500

/** Query parameters of every list. A cursor is opaque: it is given back as it came. */
export const PageParams = z.object({
  cursor: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, 'expected the cursor of the next of a former answer')
    .optional(),
  limit: z.coerce.number().int().min(1).max(MAX_LIMIT).default(DEFAULT_LIMIT),
})

/** Items beyond `after` in the list's own order. */
export type PageQuery = { readonly after: number | undefined; readonly limit: number }
export type Page<T> = { readonly items: readonly T[]; readonly cursor: string | null }

/** The answer of a list: `next` is the address of the following page. */
export const pageSchema = <T extends z.ZodType>(item: T) =>
  z.object({ data: z.array(item), has_more: z.boolean(), next: z.string().nullable() })

export function pageQuery(params: z.infer<typeof PageParams>): PageQuery {
  if (params.cursor === undefined) return { after: undefined, limit: params.limit }
  const after = Number(Buffer.from(params.cursor, 'base64url').toString())
  return { after: Number.isSafeInteger(after) ? after : 0, limit: params.limit }
}

/** A page of the rows read with `limit + 1`: the extra one says that there is more. */
export function pageOf<T>(rows: readonly T[], page: PageQuery, keyOf: (row: T) => number): Page<T> {
  const items = rows.slice(0, page.limit)
  const last = items.at(-1)
  const more = rows.length > page.limit && last !== undefined
  return { items, cursor: more ? Buffer.from(String(keyOf(last))).toString('base64url') : null }
}

/** What a list answers to the request for `url`. */
export function answerPage<T, A>(
  { items, cursor }: Page<T>,
  url: string,
  answer: (item: T) => A,
): { data: A[]; has_more: boolean; next: string | null } {
  return { data: items.map(answer), has_more: cursor !== null, next: cursor && nextUrl(url, cursor) }
}

function nextUrl(url: string, cursor: string): string {
  const [path, query] = url.split('?', 2)
  const params = new URLSearchParams(query)
  params.set('cursor', cursor)
  return `${path}?${params}`
}

export const asIs = <T>(item: T): T => item
