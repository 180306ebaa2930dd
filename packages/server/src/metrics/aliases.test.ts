import { expect, test } from 'vitest'
import { createMetrics } from '../gateway/metrics.ts'
import { ALIAS_SERVERS, type AliasServer, aliasesOf } from './aliases.ts'
import { writeText } from './scrape.ts'

/** Lines of the text with some requests in it. */
async function linesOf(...servers: AliasServer[]): Promise<string[]> {
  const metrics = createMetrics({ version: '1' })
  const v2 = metrics.ofServed('churn', 'v2')
  const v3 = metrics.ofServed('churn', 'v3')
  v2.requests.of('native', 'answered').observe(0.5)
  v2.requests.of('grpc', 'answered').observe(0.25)
  v2.requests.of('native', 'refused').observe(0.125)
  v2.requests.of('native', 'shed').observe(0.0625)
  v3.requests.of('native', 'answered').observe(2)
  v2.predicted.value = 5
  v2.engineSeconds.value = 0.5
  v2.queueSeconds.observe(0.25)
  const families = aliasesOf(await metrics.toJson(undefined), servers)
  return (await writeText(families)).split('\n')
}

test('Triton', async () => {
  const lines = await linesOf('triton')
  const model = 'model="churn",version="v2"'

  for (const line of [
    '# TYPE nv_inference_request_success counter',
    `nv_inference_request_success{${model}} 2`,
    'nv_inference_request_success{model="churn",version="v3"} 1',
    `nv_inference_request_failure{${model},reason="OTHER"} 1`,
    `nv_inference_request_failure{${model},reason="REJECTED"} 1`,
    `nv_inference_count{${model}} 5`,
    `nv_inference_exec_count{${model}} 2`,
    `nv_inference_request_duration_us{${model}} 750000`,
    `nv_inference_queue_duration_us{${model}} 250000`,
    `nv_inference_compute_infer_duration_us{${model}} 500000`,
  ])
    expect(lines).toContain(line)
})

test('MLServer', async () => {
  const lines = await linesOf('mlserver')
  const model = 'model="churn",version="v2"'

  for (const line of [
    `model_infer_request_success_total{${model}} 2`,
    `model_infer_request_failure_total{${model}} 2`,
    `model_infer_request_duration_count{${model}} 4`,
    `model_infer_request_duration_sum{${model}} 0.9375`,
  ])
    expect(lines).toContain(line)
})

test('KServe', async () => {
  const lines = await linesOf('kserve')

  for (const line of [
    '# TYPE request_predict_seconds histogram',
    'request_predict_seconds_bucket{le="0.25",model_name="churn"} 3',
    'request_predict_seconds_bucket{le="+Inf",model_name="churn"} 5',
    'request_predict_seconds_sum{model_name="churn"} 2.9375',
    'request_predict_seconds_count{model_name="churn"} 5',
  ])
    expect(lines).toContain(line)
})

test('TensorFlow Serving', async () => {
  const lines = await linesOf('tfserving')
  const latency = ':tensorflow:serving:request_latency'
  const rest = 'model_name="churn",API="predict",entrypoint="REST"'

  for (const line of [
    ':tensorflow:serving:request_count{model_name="churn",status="OK"} 3',
    ':tensorflow:serving:request_count{model_name="churn",status="INVALID_ARGUMENT"} 1',
    ':tensorflow:serving:request_count{model_name="churn",status="UNAVAILABLE"} 1',
    `${latency}_bucket{le="500000",${rest}} 3`,
    `${latency}_count{${rest}} 4`,
    `${latency}_sum{model_name="churn",API="predict",entrypoint="GRPC"} 250000`,
  ])
    expect(lines).toContain(line)
})

test('none unless asked for, and of whom is asked for only', async () => {
  expect((await linesOf()).join('')).toBe('')
  expect((await linesOf(...ALIAS_SERVERS)).filter((line) => line.startsWith('# TYPE '))).toHaveLength(14)
})
