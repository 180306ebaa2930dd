import type { Selectable } from 'kysely'
import type { Db } from '../db/database.ts'
import type { Tables } from '../db/tables.ts'
import { invalid } from '../tracking/errors.ts'
import { assertKey } from '../tracking/limits.ts'
import { type LinkedMetric, linkMetrics } from '../tracking/logged-models.ts'
import { assertMetric, putMetrics } from '../tracking/metrics.ts'
import {
  createRun,
  deleteRun,
  deleteTag,
  findActiveRow,
  findRow,
  putParam,
  putParams,
  putTags,
  restoreRun,
  updateRun,
} from '../tracking/runs.ts'
import { ofExperiment, ofRun } from './about.ts'
import { runDataOf, runInfoOf } from './encode.ts'
import { TAG } from './experiments.ts'
import { double, int64, list, type Message, message, oneOf, required, text } from './fields.ts'
import { newRunId, runName } from './names.ts'
import { change, changeRun, type MlflowRoute, route } from './route.ts'
import { RUN, runIdOf } from './run-fields.ts'

const STATUS = oneOf(['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED'])
const METRIC = {
  ...{ key: required(text), value: required(double), timestamp: required(int64), step: int64 },
  ...{ model_id: text, dataset_name: text, dataset_digest: text },
}
const metricFrom = ({ step = 0, ...metric }: Message<typeof METRIC>): LinkedMetric => ({ ...metric, step })

/** To the run, and to the models they are of. */
async function logMetrics(
  db: Db,
  { id, run_id: runId }: Pick<Selectable<Tables['runs']>, 'id' | 'run_id'>,
  metrics: readonly LinkedMetric[],
): Promise<void> {
  await putMetrics(db, id, metrics)
  await linkMetrics(db, runId, metrics)
}

/** Most of what one batch may hold. */
const BATCH = { metrics: 1000, params: 100, tags: 100, total: 1000 }

function assertBatch(batch: Readonly<Record<'metrics' | 'params' | 'tags', readonly unknown[]>>): void {
  for (const part of ['metrics', 'params', 'tags'] as const)
    if (batch[part].length > BATCH[part])
      throw invalid(
        `A batch logging request can contain at most ${BATCH[part]} ${part}. Got ${batch[part].length} ${part}. Please split up ${part} across multiple requests and try again.`,
      )
  const total = batch.metrics.length + batch.params.length + batch.tags.length
  if (total > BATCH.total)
    throw invalid(
      `A batch logging request can contain at most ${BATCH.total} metrics, params, and tags. Got ${total} metrics, params, and tags. Please split up metrics, params, and tags across multiple requests and try again.`,
    )
}

function assertDifferent(params: readonly { readonly key: string }[]): void {
  const keys = params.map(({ key }) => key)
  const twice = [...new Set(keys.filter((key, index) => keys.indexOf(key) !== index))]
  if (twice.length > 0)
    throw invalid(
      `Duplicate parameter keys have been submitted: [${twice.map((key) => `'${key}'`).join(', ')}]. Please ensure the request contains only one param value per param key.`,
    )
}

export const RUN_ROUTES: readonly MlflowRoute[] = [
  route('POST', 'runs/create', 'track', {
    about: ofExperiment,
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
      return { run: { info: runInfoOf(run), ...runDataOf(run) } }
    }),
  }),
  route('GET', 'runs/get', 'read', {
    about: ofRun,
    fields: RUN,
    async answer({ db, runTexts }, message) {
      const [run] = await runTexts.textsOf(db, [await findRow(db, runIdOf(message))])
      return { run }
    },
  }),
  route('POST', 'runs/update', 'track', {
    about: ofRun,
    fields: { ...RUN, status: STATUS, end_time: int64, run_name: text },
    answer: changeRun(async (db, { status, end_time: endTime, run_name: name, ...run }) => ({
      run_info: runInfoOf(await updateRun(db, runIdOf(run), { status, endTime, name })),
    })),
  }),
  route('POST', 'runs/delete', 'track', {
    about: ofRun,
    fields: RUN,
    answer: changeRun((db, message, { now }) => deleteRun(db, runIdOf(message), now())),
  }),
  route('POST', 'runs/restore', 'track', {
    about: ofRun,
    fields: RUN,
    answer: changeRun((db, message) => restoreRun(db, runIdOf(message))),
  }),
  route('POST', 'runs/log-metric', 'track', {
    about: ofRun,
    fields: { ...RUN, ...METRIC },
    answer: changeRun(async (db, { run_id, run_uuid, ...given }) => {
      const metric = metricFrom(given)
      assertMetric(metric)
      await logMetrics(db, await findActiveRow(db, runIdOf({ run_id, run_uuid })), [metric])
    }),
  }),
  route('POST', 'runs/log-parameter', 'track', {
    about: ofRun,
    fields: { ...RUN, key: required(text), value: text },
    answer: changeRun(async (db, { key, value = '', ...run }) => {
      assertKey(key)
      await putParam(db, await findActiveRow(db, runIdOf(run)), { key, value })
    }),
  }),
  route('POST', 'runs/set-tag', 'track', {
    about: ofRun,
    fields: { ...RUN, key: required(text), value: text },
    answer: changeRun(async (db, { key, value = '', ...run }) => {
      assertKey(key)
      await putTags(db, (await findActiveRow(db, runIdOf(run))).id, [{ key, value }])
    }),
  }),
  route('POST', 'runs/delete-tag', 'track', {
    about: ofRun,
    fields: { ...RUN, key: required(text) },
    answer: changeRun((db, { key, ...run }) => deleteTag(db, runIdOf(run), key)),
  }),
  route('POST', 'runs/log-batch', 'track', {
    about: ofRun,
    fields: {
      ...RUN,
      metrics: list(required(message(METRIC))),
      params: list(required(message({ key: required(text), value: text }))),
      tags: list(required(message({ key: required(text), value: text }))),
    },
    answer: changeRun(async (db, { metrics, params, tags, ...run }) => {
      assertBatch({ metrics, params, tags })
      assertDifferent(params)
      const values = metrics.map(metricFrom)
      for (const metric of values) assertMetric(metric)
      for (const { key } of [...params, ...tags]) assertKey(key)
      const row = await findActiveRow(db, runIdOf(run))
      await putParams(db, row, params.map(withValue))
      await logMetrics(db, row, values)
      await putTags(db, row.id, tags.map(withValue))
    }),
  }),
]

const withValue = ({ key, value = '' }: { readonly key: string; readonly value: string | undefined }) => ({
  key,
  value,
})
