import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import {
  CHURN_ROW,
  churnDeployment,
  createDataFolder,
  openGateway,
  removeDataFolder,
  storeChurn,
  storeModel,
  writeSnapshot,
} from '../../../test/gateway.ts'
import { openOtlpReceiver } from '../../../test/otlp-receiver.ts'

const ONNX = fileURLToPath(
  new URL('../../../../engine/test/fixtures/onnx/onnx-churn-strings/model.onnx', import.meta.url),
)

let layout: Awaited<ReturnType<typeof createDataFolder>>
let receiver: Awaited<ReturnType<typeof openOtlpReceiver>>
let gateway: Awaited<ReturnType<typeof openGateway>>

beforeAll(async () => {
  layout = await createDataFolder()
  receiver = await openOtlpReceiver()
  const onnx = { name: 'onnx', default: false, decision: null, respond: null }
  await writeSnapshot(layout, 1, [
    await churnDeployment(await storeChurn(layout, 'v2')),
    await churnDeployment(await storeModel(layout, ONNX), onnx),
  ])
  gateway = await openGateway(layout, {
    ...{ maxRows: 100_000, maxBodyBytes: 1 << 26 },
    tracing: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_BSP_SCHEDULE_DELAY: 5 },
  })
})
afterAll(async () => {
  await gateway.close()
  receiver.close()
  await removeDataFolder(layout)
})

test.each([
  ['churn', 'threads', 30_000, Array.from({ length: 30_000 }, () => CHURN_ROW)],
  ['onnx', 'hosted', 2, undefined],
])('the time of %s in %s is one span, below that of the data plane', async (name, engine, count, given) => {
  const columns = gateway.follower.table().byName.get(name)!.routed.version.schema.inputs
  const nothing = Object.fromEntries(
    columns.map((column) => [column.name, column.type === 'string' ? '' : 0]),
  )
  const id = `of-${name}`
  const answer = await gateway.ask(`/api/v1/deployments/${name}/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'request-id': id },
    body: JSON.stringify({ rows: given ?? [nothing, nothing] }),
  })
  const spans = await vi.waitFor(() => {
    const door = receiver.spans().find(({ attributes }) => attributes['millwright.request_id'] === id)
    const own = receiver.spans().filter(({ traceId }) => traceId === door?.traceId)
    expect(own).toHaveLength(engine === 'hosted' ? 5 : 4)
    return own
  }, 20_000)

  const named = (wanted: string) => spans.find((span) => span.name === wanted)!
  expect(answer.status).toBe(200)
  expect(named('infer').attributes).toEqual({ 'millwright.rows': count, 'millwright.engine': engine })
  expect(named('engine').parentSpanId).toBe(named('infer').spanId)
  expect(named('engine').attributes['millwright.blocks']).toBeGreaterThanOrEqual(1)
  expect(BigInt(named('engine').endTimeUnixNano)).toBeGreaterThan(BigInt(named('engine').startTimeUnixNano))
  expect(BigInt(named('engine').endTimeUnixNano)).toBeLessThanOrEqual(BigInt(named('infer').endTimeUnixNano))
  // What the process of the model says it took, within the time it was waited for.
  const compute = spans.find((span) => span.name === 'compute')
  expect(compute?.parentSpanId).toBe(engine === 'hosted' ? named('engine').spanId : undefined)
  if (compute === undefined) return
  expect(BigInt(compute.startTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(named('engine').startTimeUnixNano))
  expect(BigInt(compute.endTimeUnixNano)).toBeGreaterThan(BigInt(compute.startTimeUnixNano))
  expect(BigInt(compute.endTimeUnixNano)).toBeLessThanOrEqual(BigInt(named('engine').endTimeUnixNano))
})
