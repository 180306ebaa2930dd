import { Readable } from 'node:stream'
import { Name, PredictionRecord } from '@millwright/contracts'
import { z } from 'zod'
import { timeOfId } from '../ids.ts'
import { answerPage, pageSchema } from '../paging.ts'
import { defineRoute, type Route } from '../route.ts'
import { toPredictionRecord } from '../segments/record.ts'
import type { PredictionLog } from './prediction-log.ts'
import type { RowKey, RowQuery } from './row-query.ts'

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 1000
const NDJSON = 'application/x-ndjson'
const MINUTE_MS = 60_000
/** An id of ours is made when its request comes; its row is logged when the answer goes. */
const ID_BEFORE_MS = MINUTE_MS
const ID_AFTER_MS = 60 * MINUTE_MS
const ID_PREFIX = 'prd_'
const CURSOR = /^(\d{1,15})\.([\s\S]*)$/

const Text = z.string().min(1).max(256)
const Instant = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text))

const PredictionParams = z.strictObject({
  id: Text.optional(),
  subject: Text.optional(),
  request_id: Text.optional(),
  deployment: Name.optional(),
  model: Name.optional(),
  version: z.coerce.number().int().positive().optional(),
  variant: Name.optional(),
  /** Inclusive. */
  since: Instant.optional(),
  /** Exclusive. */
  until: Instant.optional(),
  cursor: z
    .string()
    .max(2048)
    .refine(
      (cursor) => decodeCursor(cursor) !== undefined,
      'expected the cursor of the next of a former answer',
    )
    .optional(),
  limit: z.coerce.number().int().min(1).max(MAX_LIMIT).default(DEFAULT_LIMIT),
})

export function predictionRoutes(log: Pick<PredictionLog, 'find'>): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/predictions',
      permission: 'read',
      summary:
        'Logged predictions, newest first. A page may be short, or empty, and still have a next: the search for ' +
        `something rare goes back in steps. With "Accept: ${NDJSON}" all of them are streamed, one per line.`,
      tag: 'predictions',
      query: PredictionParams,
      answers: { 200: pageSchema(PredictionRecord) },
      async handle({ query, url, headers }) {
        if (headers.accept?.includes(NDJSON)) {
          const body = Readable.from(exportLines(log, { ...rowQuery(query), limit: MAX_LIMIT }))
          return { body, headers: { 'content-type': NDJSON } }
        }
        const { rows, next } = await log.find(rowQuery(query))
        const cursor = next === undefined ? null : encodeCursor(next)
        return { body: answerPage({ items: rows, cursor }, url, toPredictionRecord) }
      },
    }),
  ]
}

/** Page by page, so that no search holds up compaction for long; the reader's pace is the pace. */
async function* exportLines(log: Pick<PredictionLog, 'find'>, query: RowQuery): AsyncGenerator<string> {
  let before = query.before
  do {
    const { rows, next } = await log.find({ ...query, before })
    if (rows.length > 0) yield rows.map((row) => `${JSON.stringify(toPredictionRecord(row))}\n`).join('')
    before = next
  } while (before !== undefined)
}

function rowQuery(params: z.infer<typeof PredictionParams>): RowQuery {
  const { id, subject, deployment, model, version, variant, limit } = params
  const madeMs = id?.startsWith(ID_PREFIX) ? timeOfId(id) : undefined
  return {
    id,
    subject,
    requestId: params.request_id,
    deployment,
    model,
    version,
    variant,
    sinceMs: Math.max(params.since ?? 0, madeMs === undefined ? 0 : madeMs - ID_BEFORE_MS),
    untilMs: Math.min(
      params.until ?? Number.MAX_SAFE_INTEGER,
      madeMs === undefined ? Number.MAX_SAFE_INTEGER : madeMs + ID_AFTER_MS,
    ),
    before: params.cursor === undefined ? undefined : decodeCursor(params.cursor),
    limit,
  }
}

function encodeCursor({ timeMs, id }: RowKey): string {
  return Buffer.from(`${timeMs}.${id}`).toString('base64url')
}

function decodeCursor(cursor: string): RowKey | undefined {
  const [, timeMs, id] = CURSOR.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
  return timeMs === undefined ? undefined : { timeMs: Number(timeMs), id: id ?? '' }
}
