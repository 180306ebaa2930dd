import { createServer } from 'node:http'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createDataFolder, removeDataFolder } from '../../test/gateway.ts'
import { createMetrics } from '../gateway/metrics.ts'
import { isNative } from './families.ts'
import { createMetricsServer, scrapeAll, writeText } from './scrape.ts'

let layout: Awaited<ReturnType<typeof createDataFolder>>
beforeEach(async () => {
  layout = await createDataFolder()
})
afterEach(() => removeDataFolder(layout))

const gatewayWith = (predictions: number) => {
  const metrics = createMetrics({ version: '1.2.3' })
  metrics.ofVersion('v2').outcome('positive').value = predictions
  metrics.ofVersion('v2').latency.observe(0.0025)
  metrics.ofServed('churn', 'v2').requests.of('native', 'answered').observe(0.5)
  metrics.state.epoch = predictions
  return () => metrics.toJson(undefined)
}

test('numbers of all gateways are added up, whoever does not answer is left out', async () => {
  const servers = [
    createMetricsServer(gatewayWith(40)),
    createServer((_request, response) => response.end('not JSON')),
    createServer(() => {}),
  ]
  await Promise.all(
    servers.map(
      (server, index) =>
        new Promise<void>((resolve) => server.listen(layout.gatewaySocket(index + 1), resolve)),
    ),
  )

  const families = await scrapeAll({ layout, slot: 0, own: gatewayWith(2) })
  const text = await writeText(families)
  for (const server of servers) server.close().closeAllConnections()

  const lines = text.split('\n')
  expect(lines).toContain('ml_predictions_total{model_version="v2",outcome="positive"} 42')
  expect(lines).toContain('ml_prediction_latency_seconds_bucket{le="0.001",model_version="v2"} 0')
  expect(lines).toContain('ml_prediction_latency_seconds_bucket{le="0.0025",model_version="v2"} 2')
  expect(lines).toContain('ml_prediction_latency_seconds_bucket{le="+Inf",model_version="v2"} 2')
  expect(lines).toContain('millwright_routing_epoch 40')
  expect(lines).toContain('millwright_build_info{version="1.2.3"} 1')
  expect(
    families.flatMap((family) => family.values.filter((value) => isNative(value, family))),
  ).toMatchObject([{ value: 2, labels: { bucket: -8, door: 'native' } }])
})
