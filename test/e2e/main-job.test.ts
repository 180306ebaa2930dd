import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Deployment, PredictAnswer, PredictionRecord } from '@millwright/contracts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  CHURN_ROW,
  cli,
  eventually,
  postJson,
  ROOT,
  type Running,
  startMillwright,
} from '../support/millwright.ts'

const MODELS = join(ROOT, 'examples/churn/models')
const expected = JSON.parse(readFileSync(join(ROOT, 'examples/churn/expected.json'), 'utf8')) as {
  features: string[]
  rows: number[][]
  models: Record<string, { predict_proba: number[][] }>
}
const rows = expected.rows.map((row) =>
  Object.fromEntries(row.map((value, i) => [expected.features[i]!, value])),
)

const predict = async (server: Running, body: unknown): Promise<PredictAnswer> =>
  (await postJson(`${server.url}/api/v1/deployments/churn/predict`, body)).json

describe('the main job, with the command line as a user has it', () => {
  let server: Running

  beforeAll(async () => {
    server = await startMillwright()
  })
  afterAll(() => server.stop())

  test('a model file goes live and its address is the only thing on stdout', async () => {
    const result = await cli(['deploy', join(MODELS, 'churn_model_v2.pkl')], server)

    expect(result.code, result.stderr).toBe(0)
    expect(result.stdout).toBe(`${server.url}/predict/churn\n`)
    expect(result.stderr).toContain('curl -s')
  })

  test('it answers what the library answered, row for row', async () => {
    const answer = await predict(server, { rows })

    const ours = answer.predictions!.map((entry) =>
      'error' in entry ? [] : Object.values(entry.probabilities!),
    )
    expect(ours).toEqual(expected.models.churn_model_v2!.predict_proba)
  })

  test('the printed curl works as printed', async () => {
    const { stderr } = await cli(['deploy', join(MODELS, 'churn_model_v2.pkl'), '--keep'], server)
    const command = /curl -s [\s\S]+?'\n/.exec(stderr)![0]
    const { execFileSync } = await import('node:child_process')

    const answer = JSON.parse(execFileSync('bash', ['-c', command], { encoding: 'utf8' })) as PredictAnswer

    expect(answer.prediction!.id).toMatch(/^prd_/)
  })

  test('the same bytes find the same version', async () => {
    await cli(['deploy', join(MODELS, 'churn_model_v2.pkl')], server)

    const { data } = JSON.parse((await cli(['models', 'churn', '--json'], server)).stdout) as {
      data: unknown[]
    }

    expect(data).toHaveLength(1)
  })

  test('a better model becomes version 2 and serves', async () => {
    const result = await cli(['deploy', join(MODELS, 'churn_model_v3.pkl'), '--reason', 'auc 0.864'], server)

    expect(result.code, result.stderr).toBe(0)
    expect((await predict(server, { row: CHURN_ROW })).version).toEqual({ number: 2, label: 'v3' })
  })

  test('rollback returns after every gateway serves the version before', async () => {
    const result = await cli(['rollback', 'churn', '--reason', 'try', '--json'], server)
    const answers = await Promise.all(Array.from({ length: 40 }, () => predict(server, { row: CHURN_ROW })))

    expect((JSON.parse(result.stdout) as Deployment).version.number).toBe(1)
    expect(new Set(answers.map((answer) => answer.version.number))).toEqual(new Set([1]))
  })

  test('a prediction is found in the log by its id and by its subject', async () => {
    const { prediction } = await predict(server, { row: CHURN_ROW, subject: 'CUST_7' })

    const found = await eventually(async () => {
      const { stdout } = await cli(['logs', '--id', prediction!.id, '--json'], server)
      return (JSON.parse(stdout) as { data: PredictionRecord[] }).data[0]
    })
    const bySubject = JSON.parse((await cli(['logs', '--subject', 'CUST_7', '--json'], server)).stdout) as {
      data: unknown[]
    }

    expect(found).toMatchObject({
      id: prediction!.id,
      deployment: 'churn',
      version: 1,
      features: CHURN_ROW,
      subject: 'CUST_7',
    })
    expect(bySubject.data).toHaveLength(1)
  })

  test('a file that must be refused is refused with the reason, and what served serves on', async () => {
    const refused = join(ROOT, 'packages/engine/test/fixtures/scikit-learn-1.3.2/refused-os-system/model.pkl')

    const result = await cli(['deploy', refused, '--name', 'churn'], server)

    expect(result.code).toBe(1)
    expect(result.stderr).toContain('posix.system')
    expect((await predict(server, { row: CHURN_ROW })).version.number).toBe(1)
  })

  test('status says what serves, since when and why', async () => {
    const { stdout, code } = await cli(['status'], server)

    expect(code).toBe(0)
    expect(stdout).toMatch(/churn \(default\) +churn@1 +v2 +rolled back .+ by tester +try/)
  })

  test('doctor is content', async () => {
    const { stdout, code } = await cli(['doctor'], server)

    expect(stdout).not.toContain('✖')
    expect(code).toBe(0)
  })

  test('bad input names every field that is wrong', async () => {
    const { total_orders: _, ...row } = CHURN_ROW

    const { status, json } = await postJson(`${server.url}/api/v1/deployments/churn/predict`, {
      row: { ...row, lifetime_value: 'much', zodiac: 'leo' },
    })

    expect(status).toBe(400)
    const pointers = (json as { errors: { pointer: string }[] }).errors.map((error) => error.pointer).sort()
    expect(pointers).toEqual(['/row/lifetime_value', '/row/total_orders', '/row/zodiac'])
  })

  test('what is misspelt is met with a suggestion and exit code 2', async () => {
    const { code, stderr } = await cli(['rolback', 'churn'], server)

    expect(code).toBe(2)
    expect(stderr).toContain('did you mean "rollback"?')
  })
})
