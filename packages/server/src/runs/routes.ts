import {
  MetricSeries,
  MetricSummary,
  Name,
  RunDiff,
  SavedSearch,
  SaveSearch,
  TaggedRuns,
  TagRuns,
  TrackedRun,
} from '@millwright/contracts'
import { z } from 'zod'
import { recordEvent } from '../events/record.ts'
import type { MlflowContext } from '../mlflow/route.ts'
import { defineRoute, type Route } from '../route.ts'
import { findRow } from '../tracking/runs.ts'
import { seriesOf } from '../tracking/series.ts'
import { numberInJson } from './answer.ts'
import { diffRuns } from './diff.ts'
import { answerRuns, findRuns, getTrackedRun } from './find.ts'
import { deleteSearch, getSearch, listSearches, saveSearch } from './saved.ts'
import { summariseMetrics } from './summary.ts'
import { tagRuns } from './tag.ts'

const tag = 'tracking'
const ofRun = z.object({ run: z.string().min(1) })
/** A parameter given once, several times or not at all. */
const several = z
  .union([z.string(), z.array(z.string())])
  .default([])
  .transform((given) => [given].flat())

export const runRoutes = (context: MlflowContext): Route[] => [
  ...readRoutes(context),
  ...metricRoutes(context),
  ...searchRoutes(context),
  tagRoute(context),
]

const readRoutes = (context: MlflowContext): Route[] => [
  defineRoute({
    method: 'GET',
    path: '/api/v1/tracking/runs',
    permission: 'read',
    summary:
      'Runs that a filter of MLflow’s grammar finds, or a saved search; `next` is the token of the following page',
    tag,
    query: z.object({
      ...{
        filter: z.string().max(10_000).optional(),
        saved: Name.optional(),
        experiment: several,
        order_by: several,
      },
      lifecycle: z.enum(['active', 'deleted', 'all']).default('active'),
      limit: z.coerce.number().int().min(1).max(1000).default(50),
      token: z.string().optional(),
    }),
    answers: {
      200: z.object({ data: z.array(TrackedRun), next: z.string().nullable(), columns: z.array(z.string()) }),
    },
    async handle({ query: { saved: name, filter, experiment, order_by, ...rest } }) {
      const saved = name === undefined ? undefined : await getSearch(context.db, name)
      const { rows, next } = await findRuns(context.db, {
        ...rest,
        filter: [saved?.filter, filter].filter((text) => text).join(' AND '),
        orderBy: order_by.length > 0 ? order_by : (saved?.order_by ?? []),
        experiments: experiment.length > 0 ? experiment : (saved?.experiments ?? []),
      })
      const data = await answerRuns(context.db, rows)
      return { body: { data, next: next ?? null, columns: saved?.columns ?? [] } }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/api/v1/tracking/runs/{run}',
    permission: 'read',
    summary: 'A run with its metrics, params, tags, datasets and models',
    tag,
    params: ofRun,
    answers: { 200: TrackedRun },
    handle: async ({ params }) => ({ body: await getTrackedRun(context.db, params.run) }),
  }),
  defineRoute({
    method: 'GET',
    path: '/api/v1/tracking/runs/{run}/diff/{other}',
    permission: 'read',
    summary:
      'What changed between two runs: params, digests of data, code, packages; metrics beside each other',
    tag,
    params: ofRun.extend({ other: z.string().min(1) }),
    answers: { 200: RunDiff },
    handle: async ({ params: { run, other } }) => ({ body: await diffRuns(context, run, other) }),
  }),
]

const metricRoutes = ({ db }: MlflowContext): Route[] => [
  defineRoute({
    method: 'GET',
    path: '/api/v1/tracking/runs/{run}/metrics/{key}/series',
    permission: 'read',
    summary:
      'A metric over its steps, thinned out to so many points without losing a peak; `from` and `to`: steps',
    tag,
    params: ofRun.extend({ key: z.string().min(1) }),
    query: z.object({
      points: z.coerce.number().int().min(4).max(10_000).default(500),
      ...{ from: z.coerce.number().int().optional(), to: z.coerce.number().int().optional() },
    }),
    answers: { 200: MetricSeries },
    async handle({ params: { run, key }, query: { points, from, to } }) {
      const { id } = await findRow(db, run)
      const isWhole = from === undefined && to === undefined
      const steps = [from ?? Number.MIN_SAFE_INTEGER, to ?? Number.MAX_SAFE_INTEGER] as const
      const series = await seriesOf(db, id, { key, points, steps: isWhole ? undefined : steps })
      const answered = series.map(({ step, timestamp, value }) => ({
        step,
        timestamp,
        value: numberInJson(value),
      }))
      return { body: { key, points: answered } }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/api/v1/tracking/runs/{run}/metrics/summary',
    permission: 'read',
    summary:
      'Of each metric of a run: how many values, the last, lowest, highest, and the best where `direction` says which',
    tag,
    params: ofRun,
    query: z.object({ direction: z.enum(['max', 'min']).optional() }),
    answers: { 200: z.array(MetricSummary) },
    async handle({ params: { run }, query: { direction } }) {
      const { id } = await findRow(db, run)
      return { body: await summariseMetrics(db, id, direction) }
    },
  }),
]

const ofSearch = z.object({ name: Name })

const searchRoutes = ({ db, writer, now }: MlflowContext): Route[] => [
  defineRoute({
    method: 'GET',
    path: '/api/v1/tracking/searches',
    permission: 'read',
    summary: 'Saved searches, by name',
    tag,
    answers: { 200: z.array(SavedSearch) },
    handle: async () => ({ body: await listSearches(db) }),
  }),
  defineRoute({
    method: 'GET',
    path: '/api/v1/tracking/searches/{name}',
    permission: 'read',
    summary: 'One saved search',
    tag,
    params: ofSearch,
    answers: { 200: SavedSearch },
    handle: async ({ params }) => ({ body: await getSearch(db, params.name) }),
  }),
  defineRoute({
    method: 'PUT',
    path: '/api/v1/tracking/searches/{name}',
    permission: 'track',
    summary: 'Save a search under a name, in the place of the one there was',
    tag,
    params: ofSearch,
    body: SaveSearch,
    answers: { 200: SavedSearch },
    handle: async ({ params: { name }, body: search, by }) => ({
      body: await writer.write((tx) => saveSearch(tx, { name, search, by, at: now() })),
    }),
  }),
  defineRoute({
    method: 'DELETE',
    path: '/api/v1/tracking/searches/{name}',
    permission: 'track',
    summary: 'Forget a saved search',
    tag,
    params: ofSearch,
    answers: { 200: SavedSearch },
    handle: async ({ params }) => ({ body: await writer.write((tx) => deleteSearch(tx, params.name)) }),
  }),
]

const tagRoute = ({ writer, runTexts, now }: MlflowContext): Route =>
  defineRoute({
    method: 'POST',
    path: '/api/v1/tracking/tags',
    permission: 'track',
    summary: 'Set and delete tags of many runs at once, named or found by a filter: of all or of none',
    tag,
    body: TagRuns,
    answers: { 200: TaggedRuns },
    async handle({ body, by }) {
      const runs = await writer.write(async (tx) => {
        const ids = await tagRuns(tx, body)
        if (!body.dry_run && ids.length > 0)
          await recordEvent(tx, {
            ...{ at: now(), by, type: 'runs.tagged', subject: 'tracking' },
            data: { runs: ids.length, set: Object.keys(body.set), deleted: body.delete },
          })
        return ids
      })
      for (const id of runs) runTexts.forget(id)
      return { body: { runs: runs.length, dry_run: body.dry_run } }
    },
  })
