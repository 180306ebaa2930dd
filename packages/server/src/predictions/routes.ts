import { Name, PredictionRecord } from '@millwright/contracts'
import { z } from 'zod'
import { defineRoute, type Route } from '../control/route.ts'
import { timeOfId } from '../ids.ts'
import { answerPage, pageSchema } from '../paging.ts'
import { toPredictionRecord } from '../segments/record.ts'
import type { PredictionLog } from './prediction-log.ts'
import type { RowKey, RowQuery } from './row-query.ts'

const MAX_LIMIT = 1000
const MINUTE_MS = 60_000
/** An id of ours is made when its request comes; its row is logged when the answer goes. */
const ID_BEFORE_MS = MINUTE_MS
const ID_AFTER_MS = 60 * MINUTE_MS
const ID_PREFIX = 'prd_'
const CURSOR = /^(\d{1,15})\.([\s\S]*)$/

const Text = z.string().min(1).max(256)
const Instant = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text))

const PredictionParams = z.object({
  id: Text.optional(),
  subject: Text.optional(),
  request_id: Text.optional(),
  deployment: Name.optional(),
  model: Name.optional(),
  version: z.coerce.number().int().positive().optional(),
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
  limit: z.coerce.number().int().min(1).max(MAX_LIMIT).default(100),
})

export function predictionRoutes(log: Pick<PredictionLog, 'find'>): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/predictions',
      summary:
        'Logged predictions, newest first. A page may be short, or empty, and still have a next: the search for something rare goes back in steps.',
      tag: 'predictions',
      query: PredictionParams,
      answers: { 200: pageSchema(PredictionRecord) },
      async handle({ query, url }) {
        const { rows, next } = await log.find(rowQuery(query))
        const cursor = next === undefined ? null : encodeCursor(next)
        return { body: answerPage({ items: rows, cursor }, url, toPredictionRecord) }
      },
    }),
  ]
}

function rowQuery(params: z.infer<typeof PredictionParams>): RowQuery {
  const { id, subject, deployment, model, version, limit } = params
  const madeMs = id?.startsWith(ID_PREFIX) ? timeOfId(id) : undefined
  return {
    id,
    subject,
    requestId: params.request_id,
    deployment,
    model,
    version,
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
