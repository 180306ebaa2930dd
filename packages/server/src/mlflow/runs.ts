import { invalid, missing } from '../tracking/errors.ts'
import { assertKey } from '../tracking/limits.ts'
import { assertMetric, historyOf, type Metric, putMetrics } from '../tracking/metrics.ts'
import {
  createRun,
  deleteRun,
  deleteTag,
  findActiveRow,
  findRow,
  getRun,
  putParams,
  putTags,
  restoreRun,
  updateRun,
} from '../tracking/runs.ts'
import { metricOf, runInfoOf, runOf } from './encode.ts'
import { TAG } from './experiments.ts'
import { double, int64, list, type Message, message, oneOf, required, text } from './fields.ts'
import { newRunId, runName } from './names.ts'
import { change, type MlflowRoute, route } from './route.ts'

/** Clients send the one, the other, or both. */
const RUN = { run_id: text, run_uuid: text }
const idOf = ({ run_id: id, run_uuid: uuid }: Message<typeof RUN>): string => {
  const found = id || uuid
  if (!found) throw missing('run_id')
  return found
}
const STATUS = oneOf(['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED'])
const METRIC = { key: required(text), value: required(double), timestamp: required(int64), step: int64 }
const metricFrom = ({ step = 0, ...metric }: Message<typeof METRIC>): Metric => ({ ...metric, step })

/** Most of what one batch may hold. */
const BATCH = { metrics: 1000, params: 100, tags: 100, total: 1000 }
/** Metrics in a page of a history that asks for no size. */
const ALL = 1_000_000_000

function assertBatch(batch: Readonly<Record<'metrics' | 'params' | 'tags', readonly unknown[]>>): void {
  for (const part of ['metrics', 'params', 'tags'] as const)
    if (batch[part].length > BATCH[part])
      throw invalid(
        `A batch logging request can contain at most ${BATCH[part]} ${part}. Got ${batch[part].length} ${part}. Please split up ${part} across multiple requests and try again.`,
      )
  const total = batch.metrics.length + batch.params.length + batch.tags.length
  if (total > BATCH.total)
    throw invalid(
      `A batch logging request can contain at most ${BATCH.total} metrics, params, and tags. Got ${total} metrics, params, and tags. Please split up requests across multiple requests and try again.`,
    )
}

export const RUN_ROUTES: readonly MlflowRoute[] = [
  route('POST', 'runs/create', 'track', {
    fields: {
      ...{ experiment_id: required(text), user_id: text, run_name: text },
      ...{ start_time: int64, tags: list(required(message(TAG))) },
    },
    answer: change(async (db, { experiment_id, user_id, run_name, start_time, tags }) => {
      const named = tags.find(({ key }) => key === 'mlflow.runName')
      const name = run_name || named?.value || runName()
      const run = await createRun(db, {
        ...{ experiment: experiment_id, runId: newRunId(), userId: user_id ?? '', name },
        startTime: start_time ?? 0,
        tags: named === undefined ? [...tags, { key: 'mlflow.runName', value: name }] : tags,
      })
      return { run: runOf(run) }
    }),
  }),
  route('GET', 'runs/get', 'read', {
    fields: RUN,
    answer: async ({ db }, message) => ({ run: runOf(await getRun(db, idOf(message))) }),
  }),
  route('POST', 'runs/update', 'track', {
    fields: { ...RUN, status: STATUS, end_time: int64, run_name: text },
    answer: change(async (db, { status, end_time: endTime, run_name: name, ...run }) => ({
      run_info: runInfoOf(await updateRun(db, idOf(run), { status, endTime, name })),
    })),
  }),
  route('POST', 'runs/delete', 'track', {
    fields: RUN,
    answer: change((db, message, { now }) => deleteRun(db, idOf(message), now())),
  }),
  route('POST', 'runs/restore', 'track', {
    fields: RUN,
    answer: change((db, message) => restoreRun(db, idOf(message))),
  }),
  route('POST', 'runs/log-metric', 'track', {
    fields: { ...RUN, ...METRIC },
    answer: change(async (db, { run_id, run_uuid, ...given }) => {
      const metric = metricFrom(given)
      assertMetric(metric)
      await putMetrics(db, (await findActiveRow(db, idOf({ run_id, run_uuid }))).id, [metric])
    }),
  }),
  route('POST', 'runs/log-parameter', 'track', {
    fields: { ...RUN, key: required(text), value: text },
    answer: change(async (db, { key, value = '', ...run }) => {
      assertKey(key)
      await putParams(db, await findActiveRow(db, idOf(run)), [{ key, value }])
    }),
  }),
  route('POST', 'runs/set-tag', 'track', {
    fields: { ...RUN, key: required(text), value: text },
    answer: change(async (db, { key, value = '', ...run }) => {
      assertKey(key)
      await putTags(db, (await findActiveRow(db, idOf(run))).id, [{ key, value }])
    }),
  }),
  route('POST', 'runs/delete-tag', 'track', {
    fields: { ...RUN, key: required(text) },
    answer: change((db, { key, ...run }) => deleteTag(db, idOf(run), key)),
  }),
  route('POST', 'runs/log-batch', 'track', {
    fields: {
      ...RUN,
      metrics: list(required(message(METRIC))),
      params: list(required(message({ key: required(text), value: text }))),
      tags: list(required(message({ key: required(text), value: text }))),
    },
    answer: change(async (db, { metrics, params, tags, ...run }) => {
      assertBatch({ metrics, params, tags })
      const values = metrics.map(metricFrom)
      for (const metric of values) assertMetric(metric)
      for (const { key } of [...params, ...tags]) assertKey(key)
      const row = await findActiveRow(db, idOf(run))
      await putParams(db, row, params.map(withValue))
      await putMetrics(db, row.id, values)
      await putTags(db, row.id, tags.map(withValue))
    }),
  }),
  route('GET', 'metrics/get-history', 'read', {
    fields: { ...RUN, metric_key: required(text), max_results: int64, page_token: text },
    answer: async ({ db }, { metric_key: key, max_results: limit = ALL, page_token: token, ...run }) => {
      const offset = token === undefined ? 0 : offsetOf(token)
      const { id } = await findRow(db, idOf(run))
      const metrics = await historyOf(db, id, { key, offset, limit: limit + 1 })
      const page = metrics.slice(0, limit).map(metricOf)
      return metrics.length > limit
        ? { metrics: page, next_page_token: tokenOf(offset + limit) }
        : { metrics: page }
    },
  }),
]

const withValue = ({ key, value = '' }: { readonly key: string; readonly value: string | undefined }) => ({
  key,
  value,
})

const tokenOf = (offset: number): string => Buffer.from(JSON.stringify({ offset })).toString('base64')

/** @throws MlflowError INVALID_PARAMETER_VALUE */
function offsetOf(token: string): number {
  try {
    const { offset } = JSON.parse(Buffer.from(token, 'base64').toString()) as { offset: unknown }
    if (Number.isSafeInteger(offset) && (offset as number) >= 0) return offset as number
  } catch {
    // The same answer as for a number that is none.
  }
  throw invalid('Invalid page token, could not base64-decode')
}
