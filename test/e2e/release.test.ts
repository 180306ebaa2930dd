import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { failed, keepAsking } from '../../bench/http/requests.ts'
import {
  CHURN_ROW,
  cli,
  eventually,
  postJson,
  ROOT,
  type Running,
  removeFolder,
  startMillwright,
} from '../support/millwright.ts'

const SWAPS = 100
const PER_SECOND = 500
const NATIVE = { path: '/api/v1/deployments/churn/predict', wrap: 'row' } as const

let server: Running

beforeAll(async () => {
  server = await startMillwright({ gateways: 2 })
  await run('deploy', join(ROOT, 'examples/churn/models/churn_model_v2.pkl'), '--name', 'churn')
  const v3 = join(ROOT, 'examples/churn/models/churn_model_v3.pkl')
  await run('deploy', v3, '--name', 'churn', '--no-promote')
}, 120_000)
afterAll(async () => {
  await server.stop()
  removeFolder(server.data)
})

async function run(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await cli(args, { url: server.url })
  if (code !== 0) throw new Error(`${args.join(' ')}: ${code}\n${stderr}`)
  return stdout
}
const json = async (...args: string[]) => JSON.parse(await run(...args, '--json'))
const port = () => Number(new URL(server.url).port)
const ask = (subject: string) =>
  postJson(`${server.url}/api/v1/deployments/churn/predict`, { row: CHURN_ROW, subject }) as Promise<{
    status: number
    headers: Headers
    json: { version: { number: number }; prediction: { id: string } }
  }>
const versionsOf = async (subjects: readonly string[]) => {
  const answers = await Promise.all(subjects.map(ask))
  return answers.map((answer) => answer.json.version.number)
}

describe('a release by hand', () => {
  beforeEach(async () => {
    await run('abort', 'churn')
    await run('promote', 'churn', '1')
  })

  test('goes from shadow over a canary to everybody and back', async () => {
    const subjects = Array.from({ length: 60 }, (_, i) => `CUST_${i}`)

    await run('shadow', 'churn', '--version', '2', '--percent', '100', '--reason', 'look at it')
    const { prediction } = (await ask('CUST_1')).json
    const logged = await eventually(async () => {
      const page = await json('logs', '--id', prediction.id)
      return page.data.length === 2 && page.data
    })
    const started = await json('canary', 'churn', '--weight', '50')
    const split = await versionsOf(subjects)
    const again = await versionsOf(subjects)
    const status = await run('status')
    await run('promote', 'churn')
    const promoted = await versionsOf(subjects)
    const back = await json('rollback', 'churn')

    expect(logged.map((row: { variant: string }) => row.variant).sort()).toEqual(['shadow', 'stable'])
    expect(started).toMatchObject({
      candidate: { number: 2 },
      revision: { config: { rollout: { weight: 50 } } },
    })
    expect(new Set(split)).toEqual(new Set([1, 2]))
    expect(again).toEqual(split)
    expect(status).toContain('churn@1 + @2 50 %, shadow 100 %')
    expect(new Set(promoted)).toEqual(new Set([2]))
    expect(back).toMatchObject({ version: { number: 1 }, candidate: null })
    expect(new Set(await versionsOf(subjects))).toEqual(new Set([1]))
  })

  test('may begin with a candidate that is warm and answers nobody but testers', async () => {
    await run('canary', 'churn', '--version', '2', '--weight', '0')

    const usual = await ask('CUST_1')
    const tester = await fetch(`${server.url}/api/v1/deployments/churn/predict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-millwright-variant': 'candidate' },
      body: JSON.stringify({ row: CHURN_ROW }),
    })

    expect(usual.json.version.number).toBe(1)
    expect(await tester.json()).toMatchObject({ version: { number: 2 } })
    expect(tester.headers.get('x-millwright-variant')).toBe('override')
  })

  test('pins versions of the API', async () => {
    await run('pin', 'churn', 'v1', '1')
    await run('pin', 'churn', 'v2', 'production')
    await run('promote', 'churn', '2')
    const version = async (path: string) => {
      const answer = await postJson(`${server.url}${path}`, CHURN_ROW)
      return answer.headers.get('x-millwright-version')
    }

    expect([await version('/v1/predict'), await version('/v2/predict/churn')]).toEqual(['1', '2'])
    await run('pin', 'churn', 'v1', 'none')
    expect((await postJson(`${server.url}/v1/predict`, CHURN_ROW)).status).toBe(404)
    await run('pin', 'churn', 'v2', 'none')
  })

  test.each([
    [['canary', 'churn', '--weight', '5'], 7, 'has no rollout under way'],
    [['canary', 'churn', '--version', '1', '--weight', '5'], 1, 'version 1 serves already'],
    [['canary', 'churn', '--version', '2'], 2, 'missing --weight PERCENT'],
    [['canary', 'churn', '--version', '2', '--weight', 'some'], 2, 'a number from 0 to 100, got "some"'],
    [['shadow', 'nobody', '--version', '2', '--percent', '5'], 3, 'there is no deployment "nobody"'],
    [['promote', 'churn'], 7, 'has no rollout under way'],
    [['pin', 'churn', 'beta', '1'], 2, 'expected v1 … v9, got "beta"'],
  ])('%s ends with %s and says why', async (args, code, words) => {
    const result = await cli(args, { url: server.url })

    expect([result.code, result.stderr]).toEqual([code, expect.stringContaining(words)])
  })
})

describe('callers that ask all the time', () => {
  const post = async (action: string, body: object) =>
    (await postJson(`${server.url}/api/v1/deployments/churn/${action}`, body)).status

  test(`do not notice ${SWAPS} swaps`, { timeout: 120_000 }, async () => {
    const asking = keepAsking(port(), NATIVE, PER_SECOND)
    for (let swap = 0; swap < SWAPS; swap++)
      expect(await post('promote', { version: 2 - (swap % 2) })).toBe(200)

    const answers = await asking.stop()

    console.log(`▸ ${SWAPS} swaps: ${answers.length} requests, ${failed(answers)} failed`)
    expect(failed(answers)).toBe(0)
    expect(new Set(answers.map(({ version }) => version))).toEqual(new Set([1, 2]))
  })

  test('get no answer of a candidate once its abort was answered', { timeout: 120_000 }, async () => {
    await post('promote', { version: 1 })
    for (let round = 0; round < 5; round++) {
      expect(await post('rollout', { version: 2, weight: 100 })).toBe(200)
      const asking = keepAsking(port(), NATIVE, PER_SECOND)
      await eventually(async () => (await ask('CUST_1')).json.version.number === 2)
      expect(await post('abort', {})).toBe(200)
      const abortedAt = performance.now()
      await new Promise((resolve) => setTimeout(resolve, 200))

      const answers = await asking.stop()

      expect(failed(answers)).toBe(0)
      const late = answers.filter(({ dueAt, version }) => dueAt > abortedAt && version === 2)
      expect(late).toEqual([])
    }
  })

  test('leave a candidate whose control is killed right after it decided', { timeout: 120_000 }, async () => {
    expect(await post('rollout', { version: 2, weight: 100 })).toBe(200)
    const asking = keepAsking(port(), NATIVE, PER_SECOND)
    const aborting = post('abort', {}).catch(() => 0)
    await new Promise((resolve) => setTimeout(resolve, 30))
    for (const pid of server.pids().control) process.kill(pid, 'SIGKILL')
    await aborting
    // Whether it had decided or not, asking again settles it.
    await eventually(async () => (await post('abort', {}).catch(() => 0)) === 200)
    await eventually(async () => (await versionsOf(['CUST_1', 'CUST_2'])).every((version) => version === 1))
    const settledAt = performance.now()
    await new Promise((resolve) => setTimeout(resolve, 500))

    const answers = await asking.stop()

    expect(failed(answers)).toBe(0)
    expect(answers.filter(({ dueAt, version }) => dueAt > settledAt && version === 2)).toEqual([])
  })
})
