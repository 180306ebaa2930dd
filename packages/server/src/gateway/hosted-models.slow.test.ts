import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  churnDeployment,
  createDataFolder,
  openGateway,
  readLog,
  removeDataFolder,
  storeModel,
  writeSnapshot,
} from '../../test/gateway.ts'

import { connect } from '../../test/grpc-client.ts'
import { openConversation } from '../../test/raw-http.ts'
import { ModelInferRequest } from './doors/v2-grpc/messages.ts'
import { INFERENCE } from './doors/v2-grpc/services.ts'

const CASE = new URL('../../../engine/test/fixtures/onnx/onnx-churn-strings/', import.meta.url)
const readJson = (name: string) => JSON.parse(readFileSync(new URL(name, CASE), 'utf8'))
const { columns, rows } = readJson('input.json') as { columns: { name: string }[]; rows: unknown[][] }
const { label, probabilities } = readJson('expected.json') as { label: string[]; probabilities: number[][] }
/** Rows as a client sends them; of NaN, null. */
const ROWS = rows.map((row) =>
  Object.fromEntries(columns.map(({ name }, i) => [name, row[i] === 'NaN' ? null : row[i]])),
)
const OTHERS = fileURLToPath(new URL('../../../runtime/test/fixtures/', import.meta.url))

let layout: Awaited<ReturnType<typeof createDataFolder>>
let gateway: Awaited<ReturnType<typeof openGateway>>

beforeAll(async () => {
  layout = await createDataFolder()
  const plain = { model: 'm', default: false, decision: null, respond: null }
  const served = async (name: string, path: string) =>
    churnDeployment(await storeModel(layout, path), { ...plain, name })
  await writeSnapshot(layout, 1, [
    await served('strings', fileURLToPath(new URL('model.onnx', CASE))),
    await served('table', `${OTHERS}table.onnx`),
  ])
  gateway = await openGateway(layout)
}, 60_000)
afterAll(async () => {
  await gateway.close()
  await removeDataFolder(layout)
})

async function post(path: string, body: unknown) {
  const answer = await gateway.ask(path, {
    ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
    body: JSON.stringify(body),
  })
  return { status: answer.status, json: answer.json() }
}
const predict = (name: string, body: unknown) => post(`/api/v1/deployments/${name}/predict`, body)

describe('an ONNX model', () => {
  test('answers a row with its label and probabilities', async () => {
    const { status, json } = await predict('strings', { row: ROWS[0], outputs: ['probabilities'] })

    expect(status).toBe(200)
    expect(json.prediction.prediction).toBe(label[0])
    expect(json.prediction.probabilities.No).toBeCloseTo(probabilities[0]![0]!, 6)
    expect(json.prediction.outputs.probabilities[1]).toBeCloseTo(probabilities[0]![1]!, 6)
  })

  test('answers requests that come together each with its own, in fewer runs than requests', async () => {
    const own = await openGateway(layout, { batchWaitMs: 50 })
    await own.listen()
    const one = async (row: unknown) => {
      const body = JSON.stringify({ row })
      const headers = { 'content-type': 'application/json' }
      const path = '/api/v1/deployments/strings/predict'
      return (await own.ask(path, { method: 'POST', headers, body })).json().prediction.prediction
    }

    const answers = await Promise.all(ROWS.slice(0, 60).map(one))
    const runs = /^millwright_batch_rows_count (\d+)$/m.exec((await own.ask('/metrics')).text)![1]

    expect(answers).toEqual(label.slice(0, 60))
    expect(Number(runs)).toBeLessThan(40)
    await own.close()
  })

  test('forgets a request whose caller went away', async () => {
    const own = await openGateway(layout, { batchWaitMs: 300 })
    const port = await own.listen()
    const body = JSON.stringify({ row: ROWS[0] })
    const head = `POST /api/v1/deployments/strings/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`
    const [whole, pieces] = [openConversation(port), openConversation(port)]
    await whole.send(head + body)
    await pieces.send(head)
    await sleep(20)
    await pieces.send(body)
    await sleep(100)

    for (const conversation of [whole, pieces]) conversation.close()
    while (own.metrics.state.inFlight > 0) await sleep(20)
    const { text } = await own.ask('/metrics')

    expect(text).toMatch(/^millwright_cancelled_total 2$/m)
    expect(text).toMatch(/^millwright_batch_rows_count 0$/m)
    expect(own.lines.join('')).not.toContain('request failed')
    await own.close()
  })

  test('is not asked for a gRPC call whose deadline passes, or that is cancelled, before its turn', async () => {
    const own = await openGateway(layout, { batchWaitMs: 1_000 })
    const caller = connect(await own.listen())
    const inputs = columns.map(({ name }, index) => {
      const value = rows[0]![index]
      const isText = typeof value === 'string' && value !== 'NaN'
      const contents = isText ? { bytes_contents: [value] } : { fp64_contents: [Number(value)] }
      return { name, datatype: isText ? 'BYTES' : 'FP64', shape: [1, 1], contents }
    })
    const message = { model_name: 'strings', inputs }

    // gRPC is loaded with the first call, which takes a part of its deadline.
    await caller.call(INFERENCE.ServerLive, {})
    const late = await caller.call(INFERENCE.ModelInfer, message, { deadlineMs: 400 })
    while (own.metrics.state.inFlight > 0) await sleep(2)
    const { answer, cancel } = caller.callBytes(INFERENCE.ModelInfer.path, ModelInferRequest.encode(message))
    while (own.metrics.state.inFlight === 0) await sleep(2)
    cancel()

    expect([late, await answer]).toMatchObject([{ code: 4 }, { code: 1 }])
    while (own.metrics.state.inFlight > 0) await sleep(5)
    expect(own.metrics.cancelled.value).toBe(2)
    expect((await own.ask('/metrics')).text).toMatch(/^millwright_batch_rows_count 0$/m)
    expect(await caller.call(INFERENCE.ModelInfer, message)).toMatchObject({ model_name: 'strings' })
    caller.close()
    await own.close()
  })

  test('answers the plain door', async () => {
    const { status, json } = await post('/predict/strings', ROWS[1])

    expect(status).toBe(200)
    expect(json).toMatchObject({ prediction: label[1], version: 'v1' })
  })

  test('answers many rows as ONNX Runtime in Python did, bad ones in their place', async () => {
    const { json } = await predict('strings', { rows: [...ROWS, { ...ROWS[0], Contract: null }] })

    expect(json.predictions.slice(0, -1).map((one: { prediction: string }) => one.prediction)).toEqual(label)
    expect(json.predictions.at(-1).error.errors[0]).toMatchObject({
      pointer: `/rows/${ROWS.length}/Contract`,
    })
  })

  test('refuses a row by itself, which takes no others with it', async () => {
    const row = (first: number) => ({ 'x[0]': first, 'x[1]': 0 })
    const { status, json } = await predict('table', { rows: [row(1), row(9), row(3)] })

    expect(status).toBe(200)
    expect(json.predictions.map((one: { prediction?: number[] }) => one.prediction)).toEqual([
      [2, 3],
      undefined,
      [6, 7],
    ])
    expect(json.predictions[1].error.errors[0].message).toMatch(
      /^the model refuses it \(.*out of data bounds/,
    )
  })

  test('of no rows answers none', async () => {
    expect((await predict('strings', { rows: [] })).json.predictions).toEqual([])
  })

  test('is logged and measured like any other', async () => {
    const metrics = (await gateway.ask('/metrics')).text
    const logged = await readLog(layout, gateway.log)

    expect(metrics).toMatch(
      /millwright_engine_seconds_total\{deployment="strings",model_version="v1"\} 0\.\d*[1-9]/,
    )
    expect(logged.filter(({ deployment }) => deployment === 'strings').length).toBeGreaterThan(ROWS.length)
  })
})
