import { afterAll, beforeAll, expect, test } from 'vitest'
import { ask, openSharedControl, postMlflow, putArtifact } from '../control/testing.ts'

const runs: string[] = []

const mlflow = (call: string, message: object) => postMlflow(control.app, call, message)
const get = async (path: string) => (await ask(control.app, 'GET', `/api/v1/tracking/${path}`)).body
const post = (path: string, body: object) => ask(control.app, 'POST', `/api/v1/tracking/${path}`, body)
const put = (path: string, text: string) => putArtifact(control.app, path, text)

type Logged = {
  readonly params: Readonly<Record<string, string>>
  readonly metrics: readonly (readonly [key: string, value: number | string, step: number])[]
  readonly commit: string
  readonly digest: string
  readonly requirements: string
}

async function addRun({ params, metrics, commit, digest, requirements }: Logged): Promise<void> {
  const { run } = (await mlflow('runs/create', {
    ...{ experiment_id: '0', start_time: 1000 + runs.length, run_name: `run ${runs.length}` },
    tags: [{ key: 'mlflow.source.git.commit', value: commit }],
  })) as { run: { info: { run_id: string } } }
  const { run_id } = run.info
  await mlflow('runs/log-batch', {
    run_id,
    params: Object.entries(params).map(([key, value]) => ({ key, value })),
    metrics: metrics.map(([key, value, step]) => ({ key, value, step, timestamp: 1 })),
  })
  const dataset = { name: 'customers', digest, source_type: 'local', source: '{}' }
  await mlflow('runs/log-inputs', {
    run_id,
    datasets: [{ dataset, tags: [{ key: 'mlflow.data.context', value: 'training' }] }],
  })
  await put(`0/${run_id}/artifacts/model/requirements.txt`, requirements)
  await put(
    `0/${run_id}/artifacts/model/conda.yaml`,
    'dependencies:\n- python=3.11.7\n- pip:\n  - numpy==1.0\n',
  )
  runs.push(run_id)
}

const { control, close } = await openSharedControl()
afterAll(close)
beforeAll(async () => {
  await addRun({
    ...{ params: { depth: '3', seed: '1' }, commit: 'aaa', digest: 'd1' },
    metrics: [
      ['auc', 0.7, 0],
      ['auc', 0.9, 1],
      ['auc', 'NaN', 2],
      ['auc', 0.8, 3],
      ['loss/train', 2, 0],
    ],
    requirements: '# made by hand\nscikit-learn==1.6.1\nnumpy==2.4.6 ; python_version > "3"\n',
  })
  await addRun({
    ...{ params: { depth: '5', seed: '1', trees: '100' }, commit: 'bbb', digest: 'd2' },
    metrics: [['auc', 0.85, 0]],
    requirements: 'scikit_learn==1.9.1\nnumpy==2.4.6\nskops>=0.10\n',
  })
})

test('what changed between two runs is told, and what is equal counted', async () => {
  const [a, b] = runs

  const diff = await get(`runs/${a}/diff/${b}`)

  expect(diff).toMatchObject({
    params: [
      { name: 'depth', a: '3', b: '5' },
      { name: 'trees', a: null, b: '100' },
    ],
    datasets: [{ name: 'customers (training)', a: 'd1', b: 'd2' }],
    code: [{ name: 'commit', a: 'aaa', b: 'bbb' }],
    packages: [
      { name: 'scikit-learn', a: '1.6.1', b: '1.9.1' },
      { name: 'skops', a: null, b: '>=0.10' },
    ],
    same: { params: 1, datasets: 0, code: 0, packages: 2 },
  })
  const auc = (diff.metrics as { name: string; change: number }[]).find(({ name }) => name === 'auc')
  expect(auc).toMatchObject({ a: 0.8, b: 0.85 })
  expect(auc!.change).toBeCloseTo(0.05, 12)
  expect((await ask(control.app, 'GET', `/api/v1/tracking/runs/${a}/diff/nothing`)).body).toMatchObject({
    code: 'NOT_TRACKED',
    detail: expect.stringContaining('Run with id=nothing not found'),
  })
})

test('a metric is summed up, and its best has a direction', async () => {
  const [highest, lowest, plain] = await Promise.all(
    ['?direction=max', '?direction=min', ''].map((query) => get(`runs/${runs[0]}/metrics/summary${query}`)),
  )

  const sums = { key: 'auc', count: 4, last: 0.8, min: 0.7, max: 0.9 }
  expect(highest).toEqual([
    { ...sums, best: { value: 0.9, step: 1 } },
    expect.objectContaining({ key: 'loss/train', count: 1, best: { value: 2, step: 0 } }),
  ])
  expect((lowest as unknown as object[])[0]).toEqual({ ...sums, best: { value: 0.7, step: 0 } })
  expect((plain as unknown as object[])[0]).toEqual({ ...sums, best: null })
})

test('a long series comes in few points with its peak, and a stretch of it whole', async () => {
  const run_id = runs[1]!
  for (const from of [0, 1000, 2000])
    await mlflow('runs/log-batch', {
      run_id,
      metrics: Array.from({ length: 1000 }, (_, index) => {
        const step = from + index
        return { key: 'grad/norm', value: step === 1234 ? 99 : Math.sin(step), timestamp: step, step }
      }),
    })

  const thin = await get(`runs/${run_id}/metrics/${encodeURIComponent('grad/norm')}/series?points=100`)
  const near = await get(`runs/${run_id}/metrics/${encodeURIComponent('grad/norm')}/series?from=1230&to=1239`)

  const points = thin.points as { step: number; value: number }[]
  expect(points.length).toBeLessThanOrEqual(100)
  expect(points).toContainEqual(expect.objectContaining({ step: 1234, value: 99 }))
  expect([points[0]!.step, points.at(-1)!.step]).toEqual([0, 2999])
  expect((near.points as object[]).length).toBe(10)
})

test('a search is saved, run by its name, and refused when it could not be', async () => {
  const saving = { filter: 'metrics.auc >= 0.8', order_by: ['metrics.auc DESC'], columns: ['metrics.auc'] }
  const url = '/api/v1/tracking/searches/good'
  const saved = await ask(control.app, 'PUT', url, saving)
  const wrong = await ask(control.app, 'PUT', url, { filter: 'metrics.auc like 3' })

  const found = await get('runs?saved=good')
  const narrowed = await get(`runs?saved=good&filter=${encodeURIComponent("params.depth = '3'")}`)
  const page = await get('runs?limit=1')
  const next = await get(`runs?limit=1&token=${page.next}`)

  expect(saved.body).toMatchObject({ name: 'good', entity: 'runs', by: 'ana', ...saving })
  expect(wrong).toMatchObject({ status: 400, body: { code: 'TRACKING_REFUSED' } })
  const idsOf = (answer: Record<string, unknown>) =>
    (answer.data as { run_id: string }[]).map(({ run_id }) => run_id)
  expect(idsOf(found)).toEqual([runs[1], runs[0]])
  expect(found.columns).toEqual(['metrics.auc'])
  expect(idsOf(narrowed)).toEqual([runs[0]])
  expect([...idsOf(page), ...idsOf(next)]).toEqual([runs[1], runs[0]])
  expect((await control.app.inject({ method: 'DELETE', url })).statusCode).toBe(200)
  expect(await get('searches')).toEqual([])
  expect(await get('runs?saved=good')).toMatchObject({ code: 'NOT_TRACKED' })
})

test('tags are set and deleted of all runs that are meant, or of none', async () => {
  const tagsOf = async (run: string) => (await get(`runs/${run}`)).tags as Record<string, string>

  const dry = await post('tags', { filter: '', set: { team: 'growth' }, dry_run: true })
  expect(await tagsOf(runs[0]!)).not.toHaveProperty('team')
  const set = await post('tags', { filter: 'metrics.auc > 0', set: { team: 'growth', stage: 'old' } })
  const tooMany = await post('tags', { filter: '', set: { team: 'other' }, limit: 1 })
  const oneIsWrong = await post('tags', { runs: [runs[0], 'nothing'], set: { team: 'other' } })
  const deleted = await post('tags', { runs: [runs[0]], delete: ['stage'] })

  expect([dry, set, deleted].map(({ body }) => body.runs)).toEqual([2, 2, 1])
  expect(tooMany).toMatchObject({
    status: 400,
    body: { detail: expect.stringContaining('more than 1 runs') },
  })
  expect(oneIsWrong.status).toBe(404)
  expect(await tagsOf(runs[0]!)).toMatchObject({ team: 'growth' })
  expect(await tagsOf(runs[0]!)).not.toHaveProperty('stage')
  expect(await tagsOf(runs[1]!)).toMatchObject({ team: 'growth', stage: 'old' })
  expect((await post('tags', { runs, set: { 'mlflow.runName': 'x' } })).status).toBe(400)
  expect((await post('tags', { set: { a: 'b' } })).status).toBe(400)
})
