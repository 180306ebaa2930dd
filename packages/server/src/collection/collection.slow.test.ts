import { afterAll, expect, test } from 'vitest'
import { ask, openSharedControl, postMlflow, putArtifact, readChurn } from '../control/testing.ts'

/** Through the protocol's door and the routes; the clock is given, and files are really there or not. */
let now = Date.now()
const HOUR = 3_600_000

const { control, close } = await openSharedControl({ now: () => now })
afterAll(close)

const mlflow = (call: string, message: object) => postMlflow(control.app, call, message)
const put = (path: string, bytes: Buffer) => putArtifact(control.app, path, bytes)
const statusOf = async (path: string): Promise<number> =>
  (await control.app.inject({ method: 'GET', url: `/api/2.0/mlflow-artifacts/artifacts/${path}` })).statusCode
const gc = async (body: object) => (await ask(control.app, 'POST', '/api/v1/tracking/gc', body)).body
const storage = async () => (await ask(control.app, 'GET', '/api/v1/tracking/storage')).body

async function createExperiment(name: string): Promise<string> {
  return ((await mlflow('experiments/create', { name })) as { experiment_id: string }).experiment_id
}

/** A run with a metric, a param, a tag, a dataset and a file. */
async function createRun(experiment_id: string, content: string): Promise<string> {
  const { run } = (await mlflow('runs/create', { experiment_id, start_time: now })) as {
    run: { info: { run_id: string } }
  }
  const { run_id } = run.info
  await mlflow('runs/log-batch', {
    run_id,
    metrics: [{ key: 'auc', value: 0.9, timestamp: now, step: 0 }],
    params: [{ key: 'depth', value: '3' }],
    tags: [{ key: 'team', value: 'growth' }],
  })
  const dataset = { name: 'customers', digest: '5d69f188', source_type: 'local', source: '{}' }
  await mlflow('runs/log-inputs', { run_id, datasets: [{ dataset, tags: [] }] })
  await put(`${experiment_id}/${run_id}/artifacts/notes.txt`, Buffer.from(content))
  return run_id
}

test('what was deleted goes with its files, and blobs that were shared stay', async () => {
  const experiment = await createExperiment('shared')
  const [kept, gone] = [await createRun(experiment, 'the same'), await createRun(experiment, 'the same')]
  await put(`${experiment}/${gone}/artifacts/own.txt`, Buffer.from('only here'))
  await mlflow('runs/delete', { run_id: gone })

  const dry = await gc({ dry_run: true })
  expect(dry).toMatchObject({ dry_run: true, runs: 1, files: 2, bytes: 17 })
  expect(await statusOf(`${experiment}/${gone}/artifacts/own.txt`)).toBe(200)
  const removed = await gc({})

  expect(removed).toMatchObject({ dry_run: false, runs: 1, files: 2, bytes: 17, kept: [] })
  expect(await statusOf(`${experiment}/${gone}/artifacts/own.txt`)).toBe(404)
  expect(await statusOf(`${experiment}/${kept}/artifacts/notes.txt`)).toBe(200)
  const { status } = await ask(control.app, 'GET', `/api/2.0/mlflow/runs/get?run_id=${gone}`)
  expect(status).toBe(404)
  for (const table of ['metrics', 'latest_metrics', 'params', 'run_tags', 'run_datasets'] as const) {
    const rows = await control.context.db.selectFrom(table).select('run').execute()
    expect(new Set(rows.map(({ run }) => run)).size, table).toBe(1)
  }
})

test('blobs that nothing refers to are removed while the server serves, young ones are not', async () => {
  const experiment = await createExperiment('blobs')
  const run_id = await createRun(experiment, 'old and alone')
  await mlflow('runs/delete', { run_id })
  const young = await gc({})
  now += 2 * HOUR

  const waiting = await storage()
  const old = await gc({})
  const after = await storage()

  expect(young).toMatchObject({ runs: 1, blobs: 0 })
  expect(old).toMatchObject({ runs: 0, blobs: (waiting.unreferenced as { files: number }).files })
  expect(old.blobs).toBeGreaterThanOrEqual(1)
  expect(after.unreferenced).toEqual({ files: 0, bytes: 0 })
  expect(await ask(control.app, 'GET', '/api/v1/events?type=tracking.collected')).toMatchObject({
    body: { data: expect.arrayContaining([expect.objectContaining({ by: 'ana', subject: 'tracking' })]) },
  })
})

test('an experiment goes with all of it, and its name is free again', async () => {
  const experiment = await createExperiment('temporary')
  await createRun(experiment, 'one')
  await mlflow('experiments/delete', { experiment_id: experiment })
  const other = await createExperiment('other')
  const restored = await createRun(other, 'two')
  await mlflow('runs/delete', { run_id: restored })

  expect(await gc({ older_than: 3600 })).toMatchObject({ experiments: 0, runs: 0 })
  expect(await gc({ experiments: ['temporary'] })).toMatchObject({ experiments: 1, runs: 1 })

  await mlflow('runs/restore', { run_id: restored })
  expect(await gc({})).toMatchObject({ experiments: 0, runs: 0 })
  const again = await createExperiment('temporary')
  expect(Number(again)).toBeGreaterThan(Number(other))
})

test('what a registered version comes from stays, with its files, and the name of its experiment is free', async () => {
  const experiment = await createExperiment('registered')
  const run_id = await createRun(experiment, 'its notes')
  const place = `${experiment}/${run_id}/artifacts/model`
  await put(`${place}/model.pkl`, await readChurn('v2'))
  await put(`${place}/MLmodel`, Buffer.from('flavors:\n  sklearn:\n    pickled_model: model.pkl\n'))
  await mlflow('registered-models/create', { name: 'kept' })
  await mlflow('model-versions/create', { name: 'kept', source: `mlflow-artifacts:/${place}` })
  await mlflow('experiments/delete', { experiment_id: experiment })

  const collected = await gc({})

  expect(collected.runs).toBe(0)
  expect(collected.kept).toContainEqual({ what: run_id, because: 'kept@1 comes from it' })
  expect(await statusOf(`${place}/model.pkl`)).toBe(200)
  await createExperiment('registered')
  const report = await storage()
  expect(report.models).toContainEqual(expect.objectContaining({ model: 'kept', versions: 1 }))
  expect(report.biggest).toContainEqual(
    expect.objectContaining({ folder: `${experiment}/${run_id}`, files: 3 }),
  )
  expect(report.experiments).toContainEqual(expect.objectContaining({ experiment: 'other', files: 1 }))

  const version = await control.app.inject({
    method: 'DELETE',
    url: '/api/2.0/mlflow/model-versions/delete',
    headers: { 'content-type': 'application/json' },
    payload: JSON.stringify({ name: 'kept', version: '1' }),
  })
  expect(version.statusCode).toBe(200)
  expect(await gc({})).toMatchObject({ runs: 1, experiments: 1, files: 3 })
})

test('a run in whose folder an experiment keeps its own files stays until that experiment is gone', async () => {
  const outer = await createExperiment('outer')
  const run_id = await createRun(outer, 'around')
  const artifact_location = `mlflow-artifacts:/${outer}/${run_id}/artifacts/inner`
  const { experiment_id } = await mlflow('experiments/create', {
    name: 'inner',
    artifact_location,
  })
  await put(`${outer}/${run_id}/artifacts/inner/x`, Buffer.from('inside'))
  await mlflow('runs/delete', { run_id })

  expect(await gc({})).toMatchObject({
    runs: 0,
    kept: [{ what: run_id, because: 'experiment inner keeps its files in its folder' }],
  })
  expect(await statusOf(`${outer}/${run_id}/artifacts/inner/x`)).toBe(200)

  await mlflow('experiments/delete', { experiment_id })
  expect(await gc({})).toMatchObject({ experiments: 1 })
  expect(await gc({})).toMatchObject({ runs: 1, files: 2 })
})
