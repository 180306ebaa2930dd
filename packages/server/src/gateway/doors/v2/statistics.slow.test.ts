import { afterAll, beforeAll, expect, test } from 'vitest'
import { IRIS, openDialects } from '../../../../test/dialects.ts'
import { connect } from '../../../../test/grpc-client.ts'
import { INFERENCE } from '../v2-grpc/services.ts'

type Duration = { count: number; ns: number }
type Statistics = {
  name: string
  version: string
  last_inference: number
  inference_count: number
  execution_count: number
  inference_stats: Readonly<Record<string, Duration>>
}

let gateway: Awaited<ReturnType<typeof openDialects>>
beforeAll(async () => {
  gateway = await openDialects()
  const infer = (rows: number[][]) =>
    gateway.ask('/v2/models/iris-lr/infer', {
      method: 'POST',
      body: JSON.stringify({
        inputs: [
          { name: 'input-0', datatype: 'FP64', shape: [rows.length, rows[0]!.length], data: rows.flat() },
        ],
      }),
    })
  await infer(IRIS.rows.slice(0, 3) as number[][])
  await infer(IRIS.rows.slice(0, 2) as number[][])
  await infer([[1, 2]])
})
afterAll(() => gateway.close())

const ask = async (path: string) => {
  const { status, json } = await gateway.ask(path)
  return { status, ...(json() as { model_stats: Statistics[]; error?: string }) }
}

test.each([
  '/v2/models/iris-lr/stats',
  '/v2/models/iris-lr/versions/1/stats',
  '/v2/models/iris-lr/versions/v1/stats',
])('%s tells what was answered, refused and how long it took, in the shape of Triton', async (path) => {
  const {
    status,
    model_stats: [stats],
  } = await ask(path)

  expect(status).toBe(200)
  expect(stats).toEqual({
    ...{ name: 'iris-lr', version: '1', last_inference: expect.any(Number) },
    ...{ inference_count: 5, execution_count: 2 },
    inference_stats: {
      success: { count: 2, ns: expect.any(Number) },
      fail: { count: 1, ns: expect.any(Number) },
      queue: { count: 3, ns: expect.any(Number) },
      compute_input: { count: 0, ns: 0 },
      compute_infer: { count: 2, ns: expect.any(Number) },
      compute_output: { count: 0, ns: 0 },
      cache_hit: { count: 0, ns: 0 },
      cache_miss: { count: 0, ns: 0 },
    },
    ...{ response_stats: {}, batch_stats: [], memory_usage: [] },
  })
  const { success, compute_infer } = stats!.inference_stats
  expect(stats!.last_inference).toBeGreaterThan(Date.UTC(2020))
  expect(success!.ns).toBeGreaterThanOrEqual(compute_infer!.ns)
  expect(compute_infer!.ns).toBeGreaterThan(0)
})

test('without a name, of every deployment', async () => {
  const { model_stats } = await ask('/v2/models/stats')

  expect(model_stats.map(({ name }) => name)).toEqual(['iris-lr', 'petal-reg', 'mixed'])
})

test.each([
  ['/v2/models/nope/stats', 404, 'nope'],
  ['/v2/models/iris-lr/versions/9/stats', 404, '"9"'],
])('%s is %i', async (path, status, named) => {
  const answer = await ask(path)

  expect(answer.status).toBe(status)
  expect(answer.error).toContain(named)
})

test('gRPC tells the same', async () => {
  const client = connect(await gateway.listen())
  const { model_stats } = (await client.call(INFERENCE.ModelStatistics, { name: 'iris-lr' })) as {
    model_stats: Statistics[]
  }
  client.client.close()

  const [rest] = (await ask('/v2/models/iris-lr/stats')).model_stats
  expect(model_stats).toEqual([expect.objectContaining({ inference_count: 5, execution_count: 2 })])
  expect(model_stats[0]!.inference_stats).toEqual(rest!.inference_stats)
})
