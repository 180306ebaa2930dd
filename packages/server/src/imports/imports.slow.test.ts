import { MOVED } from '@millwright/contracts'
import { afterAll, expect, test } from 'vitest'
import { ask, openSharedControl, putArtifact, readChurn } from '../control/testing.ts'

/** The route by itself; test/mlflow/moving.test.ts brings everything of a real server by it. */
const { control, close } = await openSharedControl()
afterAll(close)

const RUN_ID = 'a'.repeat(32)
const EXPERIMENT = {
  ...{ type: 'experiment', name: 'old', lifecycle: 'active', created_at: 1000, updated_at: 2000 },
  tags: [{ key: 'team', value: 'growth' }],
}
const RUN = {
  ...{ type: 'run', run_id: RUN_ID, name: 'first', user_id: 'ben', status: 'FINISHED', start_time: 3000 },
  ...{ end_time: 4000, lifecycle: 'active', deleted_at: null, params: [{ key: 'depth', value: '3' }] },
}
const send = (...rows: object[]) => ask(control.app, 'POST', '/api/v1/tracking/import', { rows })
const rowsOf = ({ body }: { body: Record<string, unknown> }) => body.rows as Record<string, unknown>[]
const runOf = async () => {
  const { body } = await ask(control.app, 'GET', `/api/2.0/mlflow/runs/get?run_id=${RUN_ID}`)
  return body.run as { info: Record<string, unknown>; data: { metrics: object[] } }
}
let experiment_id: string

test('a run comes with its id and times, and has its status when all of it is there', async () => {
  ;[{ id: experiment_id }] = rowsOf(await send(EXPERIMENT)) as [{ id: string }]

  const [begun] = rowsOf(await send({ ...RUN, experiment_id }))
  const before = await runOf()
  const metrics = [
    ['auc', 0.9, 3500, 1],
    ['auc', 'NaN', 3600, 2],
    ['auc', '-Infinity', 3700, 3],
  ]
  await send({ type: 'metrics', run_id: RUN_ID, metrics })
  await send({ type: 'metrics', run_id: RUN_ID, metrics })
  const [ended] = rowsOf(await send({ type: 'end', run_id: RUN_ID, status: 'FINISHED', end_time: 4000 }))
  const [again] = rowsOf(await send({ ...RUN, experiment_id }))

  expect(begun).toMatchObject({ complete: false, folder: `${experiment_id}/${RUN_ID}/artifacts`, params: 1 })
  expect(before.info).toMatchObject({ status: 'RUNNING', start_time: 3000, user_id: 'ben' })
  expect(ended).toMatchObject({ metrics: 3 })
  expect(again).toMatchObject({ complete: true, metrics: 3, params: 1 })
  expect((await runOf()).info).toMatchObject({ status: 'FINISHED', end_time: 4000, run_id: RUN_ID })
})

test('what is taken by something else is refused, and none of the request kept', async () => {
  const other = { ...EXPERIMENT, name: 'other' }
  const [{ id }] = rowsOf(await send({ ...EXPERIMENT, name: 'another' })) as [{ id: string }]

  const refused = await send(other, { ...RUN, experiment_id: id })

  expect(refused).toMatchObject({ status: 409, body: { code: 'IMPORT_CONFLICT' } })
  expect(
    (await ask(control.app, 'GET', '/api/2.0/mlflow/experiments/get-by-name?experiment_name=other')).status,
  ).toBe(404)
  const wrong = await send({ ...RUN, experiment_id, params: [{ key: '../x', value: '1' }] })
  expect(wrong).toMatchObject({ status: 400, body: { code: 'TRACKING_REFUSED' } })
  expect((await send({ type: 'run' })).status).toBe(400)
})

test('a version keeps its number and is read; an alias that is here stays', async () => {
  const files = `${experiment_id}/${RUN_ID}/artifacts/model`
  for (const [name, payload] of [
    ['model.pkl', await readChurn('v2')],
    ['MLmodel', Buffer.from('flavors:\n  sklearn:\n    pickled_model: model.pkl\n')],
  ] as const)
    await putArtifact(control.app, `${files}/${name}`, payload)
  const model = {
    type: 'registered_model',
    name: 'churn',
    description: 'who leaves',
    created_at: 1,
    updated_at: 2,
  }
  await send(model)
  const version = {
    ...{
      number: 7,
      source: 's3://elsewhere/model',
      files: `runs:/${RUN_ID}/model`,
      run_id: RUN_ID,
      model_id: null,
    },
    ...{ run_link: '', description: 'the seventh', user_id: 'ben', stage: 'Production' },
    ...{ created_at: 5000, updated_at: 6000, tags: [{ key: 'reviewed', value: 'yes' }] },
  }
  const url = '/api/v1/tracking/import/models/churn/versions'

  const made = await ask(control.app, 'POST', url, version)
  const again = await ask(control.app, 'POST', url, version)
  const taken = await ask(control.app, 'POST', url, { ...version, created_at: 5001 })
  await send({ type: 'alias', model: 'churn', alias: 'champion', version: 7 })
  await ask(control.app, 'POST', url, { ...version, number: 8, source: 'file:///nowhere', files: null })
  const [moved] = rowsOf(await send({ type: 'alias', model: 'churn', alias: 'champion', version: 8 }))

  expect(made.body).toEqual({ model: 'churn', number: 7, created: true, state: 'READY', reason: null })
  expect(again.body).toMatchObject({ number: 7, created: false, state: 'READY' })
  expect(taken).toMatchObject({ status: 409, body: { code: 'IMPORT_CONFLICT' } })
  expect(moved).toMatchObject({ version: 7 })
  const seen = await ask(control.app, 'GET', '/api/2.0/mlflow/model-versions/get?name=churn&version=7')
  expect(seen.body.model_version).toMatchObject({
    ...{
      source: 's3://elsewhere/model',
      current_stage: 'Production',
      creation_timestamp: 5000,
      aliases: ['champion'],
    },
    ...{
      last_updated_timestamp: 6000,
      description: 'the seventh',
      tags: [{ key: 'reviewed', value: 'yes' }],
    },
  })
  const list = await ask(control.app, 'GET', `/api/v1/tracking/files?under=${files}`)
  expect((list.body.data as { path: string }[]).map(({ path }) => path)).toEqual([
    `${files}/MLmodel`,
    `${files}/model.pkl`,
  ])
})

test('numbers that were given elsewhere are not given again, whatever an import says later', async () => {
  const model = { type: 'registered_model', name: 'gone', description: null, created_at: 1, updated_at: 1 }
  for (const last_number of [5, 9, 2]) await send({ ...model, last_number })
  const source = { name: 'gone', source: 's3://bucket/model' }

  const made = await ask(control.app, 'POST', '/api/2.0/mlflow/model-versions/create', source)
  const refused = await send({ ...model, last_number: 2 ** 31 - 1 })

  expect(made.body).toMatchObject({ model_version: { version: '10' } })
  expect(refused.status).toBe(400)
})

const counts = Object.fromEntries(MOVED.map((what) => [what, { source: 3, here: 2 }]))
const end = { source: 'https://ben:secret@mlflow.internal:5000/?token=secret', counts, skipped_runs: 1 }

test('an import that ended is an event, with what was counted and without a password', async () => {
  const ended = await ask(control.app, 'POST', '/api/v1/tracking/import/end', { ...end, differences: 4 })
  const { body } = await ask(control.app, 'GET', '/api/v1/events?type=tracking.imported')

  const recorded = { ...end, source: 'https://mlflow.internal:5000', differences: 4 }
  expect(ended).toMatchObject({ status: 200, body: recorded })
  expect(body.data).toMatchObject([{ by: 'ana', subject: 'tracking', data: recorded }])
})
