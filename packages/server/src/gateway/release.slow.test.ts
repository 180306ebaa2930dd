import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  CHURN_ROW,
  churnDeployment,
  createDataFolder,
  openGateway,
  readLog,
  removeDataFolder,
  storeChurn,
  writeSnapshot,
} from '../../test/gateway.ts'
import { connect } from '../../test/grpc-client.ts'
import type { RoutedDeployment } from '../routing/snapshot.ts'
import { computeBucket } from '../routing/split.ts'
import { ModelInferRequest } from './doors/v2-grpc/messages.ts'
import { INFERENCE } from './doors/v2-grpc/services.ts'

const SALT = 'churn-3'
const UNITS = Array.from({ length: 400 }, (_, i) => `CUST_${i}`)
/** Units on both sides of a weight of 10 %. */
const IN = UNITS.find((unit) => computeBucket(SALT, unit) < 0.1)!
const OUT = UNITS.find((unit) => computeBucket(SALT, unit) >= 0.1)!

type Version = RoutedDeployment['version']
type Rollout = NonNullable<RoutedDeployment['rollout']>

let layout: Awaited<ReturnType<typeof createDataFolder>>
let gateway: Awaited<ReturnType<typeof openGateway>>
let versions: Record<'v2' | 'v3' | 'bad', Version>
let epoch = 0

beforeEach(async () => {
  layout = await createDataFolder()
  versions = {
    v2: await storeChurn(layout, 'v2'),
    v3: await storeChurn(layout, 'v3'),
    bad: await storeChurn(layout, 'bad'),
  }
  gateway = await openGateway(layout)
})
afterEach(async () => {
  await gateway.close()
  await removeDataFolder(layout)
})

async function serve(changes: Partial<RoutedDeployment> = {}): Promise<void> {
  epoch += 1
  await writeSnapshot(layout, epoch, [await churnDeployment(versions.v2, changes)])
  await gateway.follower.start()
}
const rollout = (changes: Partial<Rollout> = {}): Rollout => ({
  ...{ version: versions.v3, weight: 10, shadow: 0, salt: SALT },
  ...changes,
})

type Asked = { readonly path?: string; readonly headers?: Record<string, string> }

async function ask(body: object, { path = '/api/v1/deployments/churn/predict', headers = {} }: Asked = {}) {
  const answer = await gateway.ask(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  const json = answer.json()
  return {
    status: answer.status,
    json,
    version: json.version?.label ?? json.model_version,
    variant: answer.headers.get('x-millwright-variant'),
    told: answer.headers.get('x-millwright-version'),
  }
}
const versionFor = async (body: object, asked?: Asked) => (await ask(body, asked)).version
/** Values of a counter of the deployment, by its other label. */
async function counted(metric: string): Promise<Record<string, number>> {
  const { text } = await gateway.ask('/metrics')
  const lines = text.matchAll(new RegExp(`${metric}\\{deployment="churn",\\w+="(\\w+)"\\} (\\d+)`, 'g'))
  return Object.fromEntries([...lines].map(([, name, value]) => [name, Number(value)]))
}
const assignments = () => counted('millwright_split_requests_total')
const shadowRows = () => counted('millwright_shadow_rows_total')
/** Waits until so many rows are done with. */
async function untilShadowed(rows: number): Promise<void> {
  const done = async () => Object.values(await shadowRows()).reduce((sum, value) => sum + value, 0)
  while ((await done()) < rows) await sleep(10)
}

describe('without a rollout', () => {
  test('answers tell no variant and headers for one are not looked at', async () => {
    await serve()

    const answer = await ask({ row: CHURN_ROW }, { headers: { 'x-millwright-variant': 'nonsense' } })

    expect(answer).toMatchObject({ status: 200, version: 'v2', variant: null, told: null })
  })
})

describe('a split', () => {
  test('is by subject, and the answer says which version it is of', async () => {
    await serve({ rollout: rollout() })

    expect(await ask({ row: CHURN_ROW, subject: IN })).toMatchObject({
      ...{ version: 'v3', variant: 'candidate', told: '3' },
    })
    expect(await ask({ row: CHURN_ROW, subject: OUT })).toMatchObject({
      ...{ version: 'v2', variant: 'stable', told: '2' },
    })
  })

  test.each([
    ['the usual header', undefined, 'x-millwright-unit'],
    ['a header of its own', { header: 'X-Customer' }, 'x-customer'],
  ])('is by %s, before anything in the body', async (_name, unit, header) => {
    await serve({ rollout: rollout(), ...(unit && { unit }) })

    expect(await versionFor({ row: CHURN_ROW, subject: OUT }, { headers: { [header]: IN } })).toBe('v3')
    expect(await versionFor(CHURN_ROW, { path: '/predict', headers: { [header]: IN } })).toBe('v3')
    expect(await versionFor(CHURN_ROW, { path: '/predict', headers: { [header]: OUT } })).toBe('v2')
  })

  test('is by a column that the model does not know, of both doors', async () => {
    await serve({ rollout: rollout(), unit: { column: 'customer_id' } })
    const row = { ...CHURN_ROW, customer_id: IN }

    expect(await versionFor({ row })).toBe('v3')
    expect(await versionFor({ rows: [row, row] })).toBe('v3')
    const columns = Object.fromEntries(Object.entries(row).map(([name, value]) => [name, [value, value]]))
    expect(await versionFor({ columns })).toBe('v3')
    expect(await versionFor(row, { path: '/predict' })).toBe('v3')
    expect(await versionFor({ row: { ...row, customer_id: OUT } })).toBe('v2')
  })

  test('is by a parameter of V2, over REST and gRPC, after the header', async () => {
    await serve({ rollout: rollout() })
    const names = Object.entries(CHURN_ROW)
    const versionOfRest = async (unit: string, headers = {}) => {
      const inputs = names.map(([name, value]) => ({ name, datatype: 'FP64', shape: [1], data: [value] }))
      const body = { inputs, parameters: { millwright_unit: unit } }
      return (await ask(body, { path: '/v2/models/churn/infer', headers })).told
    }
    const caller = connect(await gateway.listen())
    const versionOfGrpc = async (unit: string) => {
      const inputs = names.map(([name, value]) => ({
        ...{ name, datatype: 'FP64', shape: [1], contents: { fp64_contents: [value] } },
      }))
      const parameters = new Map([['millwright_unit', { string_param: unit }]])
      const message = ModelInferRequest.encode({ model_name: 'churn', inputs, parameters })
      return (await caller.callBytes(INFERENCE.ModelInfer.path, message).trailers)['x-millwright-version']
    }

    expect([await versionOfRest(IN), await versionOfRest(OUT)]).toEqual(['3', '2'])
    expect(await versionOfRest(OUT, { 'x-millwright-unit': IN })).toBe('3')
    expect([await versionOfGrpc(IN), await versionOfGrpc(OUT)]).toEqual(['3', '2'])
    caller.close()
  })

  test('takes the column that says who it is also when no rollout is under way', async () => {
    await serve({ unit: { column: 'customer_id' } })

    expect((await ask({ row: { ...CHURN_ROW, customer_id: 'C1' } })).status).toBe(200)
    expect((await ask({ row: { ...CHURN_ROW, customer: 'C1' } })).json.errors).toMatchObject([
      { code: 'unknown_field' },
    ])
  })

  test('of a header in UTF-8 is as of the same text in the body', async () => {
    await serve({ rollout: rollout({ weight: 50 }) })
    for (const unit of ['Zoë', '名前', 'Łukasz', 'Ñandú']) {
      const header = Buffer.from(unit).toString('latin1')

      const byHeader = await versionFor({ row: CHURN_ROW }, { headers: { 'x-millwright-unit': header } })

      expect(byHeader).toBe(await versionFor({ row: CHURN_ROW, subject: unit }))
    }
  })

  test('follows the published hash and only adds when the weight grows', async () => {
    for (const weight of [5, 10, 50]) {
      await serve({ rollout: rollout({ weight }) })
      for (const unit of UNITS.slice(0, 40)) {
        const expected = computeBucket(SALT, unit) < weight / 100 ? 'v3' : 'v2'
        expect(await versionFor({ row: CHURN_ROW, subject: unit })).toBe(expected)
      }
    }
  })

  test('leaves whom nobody knows to the stable version, and counts them', async () => {
    await serve({ rollout: rollout({ weight: 100 }) })

    const answers = [
      await ask({ row: CHURN_ROW }),
      await ask({ rows: [CHURN_ROW, CHURN_ROW], subjects: [IN, OUT] }),
      await ask(CHURN_ROW, { path: '/predict' }),
      await ask({ row: CHURN_ROW }, { headers: { 'x-millwright-unit': 'x'.repeat(257) } }),
    ]

    expect(answers.map(({ version, variant }) => `${version} ${variant}`)).toEqual(
      Array.from({ length: 4 }, () => 'v2 stable'),
    )
    expect(await assignments()).toEqual({ stable: 0, candidate: 0, no_unit: 4, override: 0 })
  })

  test('of several rows goes by the unit that all of them have', async () => {
    await serve({ rollout: rollout() })

    expect(await versionFor({ rows: [CHURN_ROW, CHURN_ROW], subjects: [IN, IN] })).toBe('v3')
  })

  test('gives way to the header of a tester, which is counted and logged apart', async () => {
    await serve({ rollout: rollout({ weight: 0 }) })
    const as = (variant: string) => ask({ row: CHURN_ROW }, { headers: { 'x-millwright-variant': variant } })

    expect(await as('candidate')).toMatchObject({ version: 'v3', variant: 'override' })
    expect(await as('stable')).toMatchObject({ version: 'v2', variant: 'override' })
    const refused = await as('toString')

    expect(refused.json.errors[0].message).toBe(
      'header x-millwright-variant: expected stable or candidate, got "toString"',
    )
    expect(await assignments()).toMatchObject({ override: 2 })
    const rows = await readLog(layout, gateway.log)
    expect(rows.map(({ version, variant, weight }) => ({ version, variant, weight }))).toEqual([
      { version: 3, variant: 'override', weight: null },
      { version: 2, variant: 'override', weight: null },
    ])
  })

  test('is logged with the variant and the share that it had', async () => {
    await serve({ rollout: rollout({ weight: 10 }) })

    for (const subject of [IN, OUT]) await ask({ row: CHURN_ROW, subject })
    await ask({ row: CHURN_ROW })

    const rows = await readLog(layout, gateway.log)
    expect(rows.map(({ version, variant, weight }) => ({ version, variant, weight }))).toEqual([
      { version: 3, variant: 'candidate', weight: 10 },
      { version: 2, variant: 'stable', weight: 90 },
      { version: 2, variant: 'stable', weight: null },
    ])
  })
})

describe('versions of the API', () => {
  test('each have their own version of the model, whatever rollout is under way', async () => {
    await serve({ rollout: rollout({ weight: 100 }), pins: { v1: versions.v2, v2: versions.bad } })
    const headers = { 'x-millwright-unit': IN }

    expect(await ask(CHURN_ROW, { path: '/v1/predict', headers })).toMatchObject({
      version: 'v2',
      variant: 'pinned',
    })
    expect(await ask(CHURN_ROW, { path: '/v2/predict/churn', headers })).toMatchObject({
      version: 'bad',
      told: '4',
    })
    expect(await versionFor(CHURN_ROW, { path: '/predict', headers })).toBe('v3')
  })

  test('that are not set are named', async () => {
    await serve({ pins: { v1: versions.v2 } })

    const answer = await ask(CHURN_ROW, { path: '/v7/predict' })

    expect(answer.status).toBe(404)
    expect(JSON.stringify(answer.json)).toContain('has no API version v7; it has v1;')
  })
})

describe('a shadow', () => {
  test('computes what was asked, logs it under the live id, and answers nobody', async () => {
    await serve({ rollout: rollout({ weight: 0, shadow: 100 }) })

    const answer = await ask({ rows: [CHURN_ROW, { ...CHURN_ROW, total_orders: 1 }], ids: ['a', 'b'] })
    await untilShadowed(2)

    expect(answer.version).toBe('v2')
    const rows = await readLog(layout, gateway.log)
    expect(rows.map(({ id, version, variant, weight }) => [id, version, variant, weight])).toEqual([
      ['a', 2, 'stable', 100],
      ['b', 2, 'stable', 100],
      ['a', 3, 'shadow', 100],
      ['b', 3, 'shadow', 100],
    ])
    expect(rows[0]!.featuresJson).toBe(rows[2]!.featuresJson)
    expect(rows[3]!.outputsJson).not.toBe(rows[1]!.outputsJson)
  })

  test('is not seen in the metrics of answers', async () => {
    await serve({ rollout: rollout({ weight: 0, shadow: 100 }) })

    await ask({ row: CHURN_ROW })
    await untilShadowed(1)

    const text = (await gateway.ask('/metrics')).text
    expect(text).toMatch(/ml_predictions_total\{model_version="v2",outcome="\w+"\} 1/)
    expect(text).not.toMatch(/ml_predictions_total\{model_version="v3",outcome="\w+"\} [1-9]/)
    expect(text).toContain('millwright_rows_total{deployment="churn",model_version="v2"} 1')
    expect(await shadowRows()).toEqual({ answered: 1, refused: 0, failed: 0, dropped: 0 })
  })

  test('of more rows than may wait is dropped and counted; the answer is whole', async () => {
    await serve({ rollout: rollout({ weight: 0, shadow: 100 }) })

    const answer = await ask({ rows: Array.from({ length: 3000 }, () => CHURN_ROW) })

    expect(answer.json.predictions).toHaveLength(3000)
    expect(await shadowRows()).toMatchObject({ dropped: 3000 })
  })

  test('of a share copies that share', async () => {
    await serve({ rollout: rollout({ weight: 0, shadow: 25 }) })

    for (let i = 0; i < 200; i++) await ask({ row: CHURN_ROW })
    await sleep(200)

    const { answered } = await shadowRows()
    expect(answered).toBeGreaterThan(20)
    expect(answered).toBeLessThan(90)
  })

  test('has no copies of what the candidate itself or a tester was answered', async () => {
    await serve({ rollout: rollout({ weight: 100, shadow: 100 }), pins: { v1: versions.v2 } })

    await ask({ row: CHURN_ROW, subject: IN })
    await ask({ row: CHURN_ROW }, { headers: { 'x-millwright-variant': 'stable' } })
    await ask(CHURN_ROW, { path: '/v1/predict' })
    await sleep(50)

    expect(await shadowRows()).toEqual({ answered: 0, refused: 0, failed: 0, dropped: 0 })
  })
})

describe('a candidate that cannot be loaded', () => {
  const remove = ({ program }: Version) =>
    rm(join(layout.blobs, 'sha256', program.slice(0, 2), program.slice(2)))

  test('leaves what serves as it is', async () => {
    await serve({ rollout: rollout({ weight: 100 }) })
    await remove(versions.bad)

    await serve({ rollout: rollout({ weight: 100, version: versions.bad }) })

    expect(await versionFor({ row: CHURN_ROW, subject: IN })).toBe('v3')
    expect(gateway.lines.join('')).toContain('cannot be taken up')
  })

  test('does not keep the stable version from serving after a start', async () => {
    await remove(versions.v3)

    await serve({ rollout: rollout({ weight: 100 }), pins: { v1: versions.v2 } })

    expect(await versionFor({ row: CHURN_ROW, subject: IN })).toBe('v2')
    expect(gateway.follower.isReady()).toBe(true)
  })

  test('is taken up once it is whole', async () => {
    await remove(versions.v3)
    await serve({ rollout: rollout({ weight: 100 }) })
    await storeChurn(layout, 'v3')

    await gateway.follower.start()

    expect(await versionFor({ row: CHURN_ROW, subject: IN })).toBe('v3')
  })
})
