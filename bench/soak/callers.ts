import { Agent, request } from 'node:http'
import { INFERENCE } from '../../packages/server/src/gateway/doors/v2-grpc/services.ts'
import { connect } from '../../packages/server/test/grpc-client.ts'
import { rawPost, sendRaw } from '../../test/support/raw.ts'
import { requestBodies } from '../http/wrk.ts'

/** What came back. `answer` is what equal requests to the same version always get: without ids and times. */
export type Outcome = { readonly fault?: string; readonly version?: string; readonly answer?: string }
/** One way to ask; rows are numbered from 0. */
export type Caller = {
  readonly name: string
  /** Of all requests, how many are its: 20 of every 100. */
  readonly share: number
  ask(row: number): Promise<Outcome>
}

const NATIVE = requestBodies({ path: '', wrap: 'row' })
const FLAT = requestBodies({ path: '', wrap: 'flat' })
const COLUMNS = ['days_since_last_order', 'total_orders', 'lifetime_value', 'email_open_rate']
const VALUES = FLAT.map((body) => {
  const row = JSON.parse(body) as Record<string, number>
  return COLUMNS.map((column) => row[column]!)
})
/** Of the ONNX model: five numbers, other ones for each row. */
const netRow = (row: number): string =>
  JSON.stringify({
    row: Object.fromEntries(
      [0, 1, 2, 3, 4].map((column) => [`input[${column}]`, Math.fround(((row * 7 + column) % 200) / 50 - 2)]),
    ),
  })
const TENSOR = { name: 'input-0', datatype: 'FP64', shape: [1, COLUMNS.length] }

type Reply = { readonly status: number; readonly text: string }

const agent = new Agent({ keepAlive: true, maxSockets: 64 })

function send(port: number, path: string, body?: string): Promise<Reply> {
  return new Promise((resolve) => {
    const method = body === undefined ? 'GET' : 'POST'
    const headers = body === undefined ? {} : { 'content-type': 'application/json' }
    const call = request({ agent, host: '127.0.0.1', port, path, method, headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', (error) => resolve({ status: 0, text: error.message }))
      response.on('end', () => {
        resolve({ status: response.statusCode!, text: Buffer.concat(chunks).toString() })
      })
    })
    call.on('error', (error) => resolve({ status: 0, text: error.message }))
    call.end(body)
  })
}

const faultOf = ({ status, text }: Reply): Outcome => ({ fault: `${status} ${text.slice(0, 200)}` })

type NativeAnswer = { readonly version: { readonly label: string }; readonly prediction: { id: string } }

/** Ids are those of one request. */
function nativeOutcome(answer: NativeAnswer): Outcome {
  const { id: _, ...prediction } = answer.prediction
  return { version: answer.version.label, answer: JSON.stringify(prediction) }
}

async function askNative(port: number, deployment: string, body: string): Promise<Outcome> {
  const reply = await send(port, `/api/v1/deployments/${deployment}/predict`, body)
  return reply.status === 200 ? nativeOutcome(JSON.parse(reply.text)) : faultOf(reply)
}

async function askPlain(port: number, body: string): Promise<Outcome> {
  const reply = await send(port, '/predict', body)
  const { model_version: version } = reply.status === 200 ? JSON.parse(reply.text) : {}
  return reply.status === 200 ? { version, answer: reply.text } : faultOf(reply)
}

type V2Answer = { readonly model_version: string; readonly outputs: unknown }

async function askV2(port: number, row: number): Promise<Outcome> {
  const body = JSON.stringify({ inputs: [{ ...TENSOR, data: VALUES[row] }] })
  const reply = await send(port, '/v2/models/churn/infer', body)
  if (reply.status !== 200) return faultOf(reply)
  const { model_version: version, outputs } = JSON.parse(reply.text) as V2Answer
  return { version, answer: JSON.stringify(outputs) }
}

async function askGrpc(client: ReturnType<typeof connect>, row: number): Promise<Outcome> {
  const message = { model_name: 'churn', inputs: [{ ...TENSOR, contents: { fp64_contents: VALUES[row] } }] }
  const answer = await client.call<V2Answer>(INFERENCE.ModelInfer, message, { deadlineMs: 10_000 })
  if ('code' in answer) return { fault: `gRPC ${answer.code} ${answer.details}` }
  return { version: answer.model_version, answer: JSON.stringify(answer.outputs) }
}

async function askLater(port: number, body: string): Promise<Outcome> {
  const accepted = await send(port, '/api/v1/deployments/churn/predict?async=1', body)
  if (accepted.status !== 202) return faultOf(accepted)
  const { url } = JSON.parse(accepted.text) as { url: string }
  const reply = await send(port, `${url}?wait=30`)
  const job = reply.status === 200 ? JSON.parse(reply.text) : {}
  return job.status === 200 ? nativeOutcome(job.answer) : faultOf(reply)
}

const PREDICT = '/api/v1/deployments/churn/predict'
const head = (...lines: string[]): string =>
  [`POST ${PREDICT} HTTP/1.1`, 'host: localhost', 'content-type: application/json', ...lines, '', ''].join(
    '\r\n',
  )
/** Each is refused with 4xx, or not answered where its sender does not wait for it. */
const HOSTILE: readonly string[] = [
  rawPost(PREDICT, '{'),
  rawPost(PREDICT, `{"row":${'['.repeat(50_000)}`),
  rawPost(PREDICT, '{"row":{"__proto__":{"total_orders":1}}}'),
  rawPost(PREDICT, '{"row":{"total_orders":1e999}}'),
  rawPost(
    '/v2/models/churn/infer',
    '{"inputs":[{"name":"input-0","datatype":"FP64","shape":[1000000000,4]}]}',
  ),
  rawPost('/predict/..%2f..%2fetc', NATIVE[0]!),
  head('content-length: 5', 'content-length: 6'),
  head('content-length: 1073741824'),
  head('transfer-encoding: chunked', '', '5', '{"row'),
  head(`x: ${'a'.repeat(1 << 20)}`),
  rawPost(PREDICT, NATIVE[0]!).slice(0, -20),
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nno frames follow',
]

async function askHostile(url: string, turn: number): Promise<Outcome> {
  const answers = await sendRaw(url, [HOSTILE[turn % HOSTILE.length]!], { quietMs: 500, answers: 1 })
  const wrong = answers.find(({ status }) => status < 400 || status >= 500)
  return wrong === undefined ? {} : { fault: `${wrong.status} to hostile request ${turn % HOSTILE.length}` }
}

/** Everybody who asks, all the time. The deployments are those of `deployAll`. */
export function openCallers(port: number): { readonly callers: readonly Caller[]; close(): void } {
  const client = connect(port)
  const native = (deployment: string) => (row: number) => askNative(port, deployment, NATIVE[row]!)
  const callers: Caller[] = [
    { name: 'native', share: 20, ask: native('churn') },
    { name: 'plain', share: 15, ask: (row) => askPlain(port, FLAT[row]!) },
    { name: 'V2', share: 15, ask: (row) => askV2(port, row) },
    { name: 'gRPC', share: 15, ask: (row) => askGrpc(client, row) },
    { name: 'ONNX', share: 10, ask: (row) => askNative(port, 'net', netRow(row)) },
    { name: 'cached', share: 10, ask: native('remembered') },
    { name: 'rollout', share: 13, ask: native('gradual') },
    { name: 'async', share: 1, ask: (row) => askLater(port, NATIVE[row]!) },
    { name: 'hostile', share: 1, ask: (row) => askHostile(`http://127.0.0.1:${port}`, row) },
  ]
  return {
    callers,
    close() {
      client.close()
      agent.destroy()
    },
  }
}

/** How many different rows there are. */
export const ROWS = NATIVE.length
