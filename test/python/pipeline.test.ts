import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cli, postJson, ROOT, type Running, removeFolder, startMillwright } from '../support/millwright.ts'
import { findMlflow } from './find-mlflow.ts'

/** A training script that nobody changed, with the real mlflow, from the first model to a refused one. */
const run = promisify(execFile)
const HERE = import.meta.dirname
const SCRIPT = join(HERE, 'training_pipeline.py')
const CUSTOMERS = join(ROOT, 'examples/churn/customers.csv')
const ROW = { days_since_last_order: 45, total_orders: 12, lifetime_value: 567.89, email_open_rate: 0.35 }

const python = await findMlflow()

describe.skipIf(python === undefined)('a training script with the three helpers', () => {
  let server: Running
  beforeAll(async () => {
    server = await startMillwright({ gateways: 1 })
  })
  afterAll(async () => {
    await server.stop()
    removeFolder(server.data)
  })

  const start = (...args: string[]) =>
    run(python!, args, {
      cwd: server.data,
      env: {
        ...process.env,
        PYTHONPATH: join(ROOT, 'python/src'),
        MLFLOW_TRACKING_URI: server.url,
        MILLWRIGHT_SPOOL: join(server.data, 'python-spool'),
        MILLWRIGHT_MODEL: 'churn',
        MILLWRIGHT_USER: 'ana',
      },
    })
  const train = async (trees: number, depth: number): Promise<string[]> => {
    const sizes = [trees, depth].map(String)
    const { stdout } = await start('-m', 'millwright', 'run', '--data', CUSTOMERS, SCRIPT, ...sizes)
    return stdout.split('\n').filter((line) => /^(auc|promoted)/.test(line))
  }
  const served = async () => (await postJson(`${server.url}/predict/churn`, ROW)).json as { version: string }

  test('the first model goes live', async () => {
    expect(await train(20, 3)).toEqual([
      expect.stringMatching(/^auc 0\.8\d+, in production 0\.0000$/),
      'promoted',
    ])
    expect((await served()).version).toBe('v1')
  })

  test('a better one takes its place, a worse one does not', async () => {
    const [better, worse] = [await train(20, 9), await train(20, 2)]

    expect(better).toEqual([expect.stringMatching(/^auc 0\.86\d+, in production 0\.85\d+$/), 'promoted'])
    expect(worse).toEqual([expect.stringMatching(/^auc 0\.8[34]\d+, in production 0\.86\d+$/)])
    expect((await served()).version).toBe('v2')
  })

  test('a worse one that is promoted all the same is refused with the reason', async () => {
    await cli(['rules', 'set', 'churn', 'auc >= production + 0.002'], server)

    const { stdout } = await start('-c', PROMOTE_FIRST)

    expect(JSON.parse(stdout)).toEqual({
      code: 'PROMOTION_REFUSED',
      messages: [
        expect.stringMatching(/^auc >= production \+ 0\.002: 0\.85\d*, wanted >= 0\.86\d* \(churn@2 has/),
      ],
    })
    expect((await served()).version).toBe('v2')
  })

  test('frames of pandas are answered row by row', async () => {
    const frames = ['-m', 'unittest', '-v', 'tests.test_server.PredictTest.test_a_frame_is_sent_by_columns']
    const env = { ...process.env, PYTHONPATH: join(ROOT, 'python/src'), MILLWRIGHT_TEST_URL: server.url }

    const { stderr } = await run(python!, frames, { cwd: join(ROOT, 'python'), env })

    expect(stderr).toMatch(/ \.\.\. ok$/m)
  })

  test('the run knows which rows it was made from', async () => {
    const found = await postJson(`${server.url}/api/2.0/mlflow/runs/search`, { experiment_ids: ['1'] })
    const { runs } = found.json as {
      runs: { inputs: { dataset_inputs: { dataset: { digest: string } }[] } }[]
    }
    const digests = runs.map(({ inputs }) => inputs.dataset_inputs.map(({ dataset }) => dataset.digest))

    expect(new Set(digests.flat()).size).toBe(1)
    expect(digests.every((list) => list.length === 1)).toBe(true)
  })
})

const PROMOTE_FIRST = `
import json, millwright
try:
    millwright.promote_to_production(1)
except millwright.PromotionRefused as refused:
    print(json.dumps({"code": refused.code, "messages": [field["message"] for field in refused.fields]}))
`
