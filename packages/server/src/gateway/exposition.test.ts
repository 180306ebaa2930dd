import { expect, test } from 'vitest'
import { MetricFamily, writeExposition } from './exposition.ts'
import { createMetrics } from './metrics.ts'
import { Reader } from './protobuf/reader.ts'

const PROTOBUF =
  'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,text/plain;q=0.5'

async function decodeExposition(metrics: ReturnType<typeof createMetrics>) {
  const { type, body } = await writeExposition(await metrics.toJson(undefined), PROTOBUF)
  const reader = new Reader(body as Buffer)
  const families = new Map<string, ReturnType<typeof MetricFamily.decode>>()
  while (reader.at < reader.end) {
    const family = MetricFamily.read(reader)
    families.set(family.name, family)
  }
  return { type, families }
}

test('native buckets are spans of neighbours and differences from the one before', async () => {
  const metrics = createMetrics({ version: '1' })
  const { requests } = metrics.ofServed('churn', 'v2')
  for (const seconds of [0, 0.5, 0.5, 1, 0.9, 4]) requests.of('native', 'answered').observe(seconds)

  const { type, families } = await decodeExposition(metrics)
  const [metric] = families.get('millwright_request_seconds')!.metric

  expect(type).toMatch(/^application\/vnd\.google\.protobuf;.*encoding=delimited/)
  expect(metric!.label.map(({ name, value }) => `${name}=${value}`)).toEqual([
    ...['door=native', 'deployment=churn', 'model_version=v2', 'outcome=answered'],
  ])
  expect(metric!.histogram).toMatchObject({
    ...{ sample_count: 6, schema: 3, zero_count: 1 },
    // Buckets -8, -1 and 0, 16.
    positive_span: [
      { offset: -8, length: 1 },
      { offset: 6, length: 2 },
      { offset: 15, length: 1 },
    ],
    positive_delta: [2, -1, 0, 0],
  })
  expect(metric!.histogram!.sample_sum).toBeCloseTo(6.9)
  expect(metric!.histogram!.bucket.at(-1)).toEqual({
    cumulative_count: 6,
    upper_bound: Number.POSITIVE_INFINITY,
  })
})

test('counters and gauges are there too, and say what they are', async () => {
  const metrics = createMetrics({ version: '1' })
  metrics.ofServed('churn', 'v2').rows.value = 7
  metrics.state.queued = 2

  const { families } = await decodeExposition(metrics)

  expect(families.get('millwright_rows_total')).toMatchObject({
    type: 0,
    metric: [{ counter: { value: 7 } }],
  })
  expect(families.get('millwright_queued_requests')).toMatchObject({
    type: 1,
    metric: [{ gauge: { value: 2 } }],
  })
})

test.each([undefined, '*/*', 'text/plain', 'application/vnd.google.protobuf'])(
  'who sends Accept: %s gets text, without native buckets',
  async (accept) => {
    const metrics = createMetrics({ version: '1' })
    metrics.ofServed('churn', 'v2').requests.of('native', 'answered').observe(0.5)

    const { type, body } = await writeExposition(await metrics.toJson(undefined), accept)

    expect(type).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(body).toContain('millwright_request_seconds_count{')
    expect(body).not.toContain('_native')
  },
)
