import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { EXPECTED, IRIS, MIXED, openDialects } from '../../../../test/dialects.ts'
import { connect, type Failure } from '../../../../test/grpc-client.ts'
import type { ModelInferResponse, ModelStreamInferResponse } from './messages.ts'
import { INFERENCE, MODEL_REPOSITORY } from './services.ts'

type Answer = ReturnType<typeof ModelInferResponse.decode>
type StreamAnswer = ReturnType<typeof ModelStreamInferResponse.decode>

let gateway: Awaited<ReturnType<typeof openDialects>>
let client: ReturnType<typeof connect>
beforeAll(async () => {
  gateway = await openDialects({ maxRows: 1000 })
  client = connect(await gateway.listen())
})
afterAll(async () => {
  client.close()
  await gateway.close()
})

const bytesOf = (array: Float32Array | Float64Array): Buffer => Buffer.from(array.buffer)
const CELLS = IRIS.rows.flat() as number[]
const input = (changes: object = {}) => ({ name: 'input-0', datatype: 'FP64', shape: [15, 4], ...changes })
const ONE = { datatype: 'FP32', shape: [1, 4] }
const ROW = [5.1, 3.5, 1.4, 0.2]

const infer = (message: object): Promise<Answer | Failure> =>
  client.call<Answer>(INFERENCE.ModelInfer, { model_name: 'iris-lr', ...message })

describe('a model without column names', () => {
  test('answers raw bytes with raw bytes, as the library does', async () => {
    const answer = (await infer({
      id: 'a',
      inputs: [input()],
      raw_input_contents: [bytesOf(Float64Array.from(CELLS))],
    })) as Answer
    const [predict, probabilities] = answer.raw_output_contents as [Buffer, Buffer]

    expect(answer).toMatchObject({ model_name: 'iris-lr', model_version: '1', id: 'a' })
    expect(answer.outputs).toMatchObject([
      { name: 'predict', datatype: 'INT64', shape: [15, 1], contents: undefined },
      { name: 'predict_proba', datatype: 'FP64', shape: [15, 3], contents: undefined },
    ])
    expect(IRIS.rows.map((_, row) => Number(predict.readBigInt64LE(8 * row)))).toEqual(
      EXPECTED['iris-lr']!.predict,
    )
    const worst = EXPECTED['iris-lr']!.predict_proba.flat().map((value, index) =>
      Math.abs(value - probabilities.readDoubleLE(8 * index)),
    )
    expect(Math.max(...worst)).toBeLessThan(1e-13)
  })

  test('answers typed contents with typed contents, the same to the bit', async () => {
    const typed = (await infer({ inputs: [input({ contents: { fp64_contents: CELLS } })] })) as Answer
    const rest = await gateway.ask('/v2/models/iris-lr/infer', {
      method: 'POST',
      body: JSON.stringify({ inputs: [input({ data: CELLS })] }),
    })

    expect(typed.raw_output_contents).toEqual([])
    expect(typed.outputs[0]!.contents!.int64_contents).toEqual(EXPECTED['iris-lr']!.predict)
    expect(typed.outputs[1]!.contents!.fp64_contents).toEqual(rest.json().outputs[1].data)
  })

  test('answers the outputs asked for, by the names asked for', async () => {
    const outputs = [{ name: 'decision_function' }, { name: 'output_0' }]
    const { outputs: answered } = (await infer({
      outputs,
      inputs: [input({ ...ONE, contents: { fp32_contents: ROW } })],
    })) as Answer

    expect(answered.map(({ name, shape }) => [name, shape])).toEqual([
      ['decision_function', [1, 3]],
      ['output_0', [1, 1]],
    ])
  })

  test('answers classes as Triton words them', async () => {
    const parameters = new Map([['classification', { int64_param: 2 }]])
    const { outputs } = (await infer({
      outputs: [{ name: 'predict_proba', parameters }],
      inputs: [input({ ...ONE, contents: { fp32_contents: ROW } })],
    })) as Answer

    expect(outputs[0]!.contents!.bytes_contents).toEqual(['0.981657:0:0', '0.018343:1:1'])
  })
})

test('columns are taken in any order, raw text after its length', async () => {
  const rows = MIXED.rows.slice(0, 3)
  const columns = MIXED.names
    .map((name, index) => {
      const values = rows.map((row) => row[index]!)
      const isText = typeof values[0] === 'string'
      const raw = isText
        ? Buffer.concat(
            values.map((value) => {
              const text = Buffer.from(String(value))
              const head = Buffer.alloc(4)
              head.writeUInt32LE(text.length)
              return Buffer.concat([head, text])
            }),
          )
        : bytesOf(Float64Array.from(values as number[]))
      return { tensor: { name, datatype: isText ? 'BYTES' : 'FP64', shape: [3, 1] }, raw }
    })
    .reverse()

  const answer = (await client.call<Answer>(INFERENCE.ModelInfer, {
    model_name: 'mixed',
    inputs: columns.map(({ tensor }) => tensor),
    outputs: [{ name: 'predict' }],
    raw_input_contents: columns.map(({ raw }) => raw),
  })) as Answer

  const [predict] = answer.raw_output_contents as [Buffer]
  const labels = EXPECTED.mixed!.predict.slice(0, 3) as string[]
  expect(predict.toString('latin1')).toBe(
    labels.map((label) => `${String.fromCharCode(label.length)}\0\0\0${label}`).join(''),
  )
})

const typed = (changes: object) => ({
  inputs: [input({ ...ONE, contents: { fp32_contents: ROW }, ...changes })],
})
const raw = (bytes: number, changes: object = {}) => ({
  inputs: [input({ ...ONE, ...changes })],
  raw_input_contents: [Buffer.alloc(bytes)],
})
test.each<[string, object]>([
  [
    'raw_input_contents: expected one for each of 2 inputs, got 1',
    { ...raw(16), inputs: [input(ONE), input(ONE)] },
  ],
  [
    'raw_input_contents: expected one for each of 1 inputs, got 2',
    { ...raw(16), raw_input_contents: [Buffer.alloc(16), Buffer.alloc(16)] },
  ],
  [
    'input-0: expected either raw_input_contents or contents, got both',
    { ...typed({}), ...{ raw_input_contents: [Buffer.alloc(16)] } },
  ],
  ['input-0: expected 16 bytes for FP32 of shape [1,4], got 12', raw(12)],
  ['input-0: expected 4 elements as its shape [1,4] says, got 0', { inputs: [input(ONE)] }],
  [
    'input-0: expected 4 elements as its shape [1,4] says, got 3',
    typed({ contents: { fp32_contents: [1, 2, 3] } }),
  ],
  [
    'input-0: expected fp32_contents for FP32, got fp64_contents',
    typed({ contents: { fp64_contents: ROW } }),
  ],
  [
    'input-0: expected fp32_contents for FP32, got int_contents',
    typed({ contents: { fp32_contents: ROW, int_contents: [1] } }),
  ],
  [
    'input-0: expected an integer from -128 to 127 for INT8, got the number 128 at element 0',
    typed({ datatype: 'INT8', contents: { int_contents: [128, 0, 0, 0] } }),
  ],
  ['input-0: expected binary tensor data for FP16, got the number 5.', typed({ datatype: 'FP16' })],
  ['input-0: expected a datatype of BOOL', typed({ datatype: 'fp32' })],
  ['input-0: expected a shape of 1 to 16 dimensions, got a list of 0', typed({ shape: [] })],
  ['input-0: expected dimensions that are integers from 0, got the number -1', typed({ shape: [-1, 4] })],
  [
    'input-0: expected dimensions that are integers from 0, got the number 4611686018427388000',
    typed({ shape: [2 ** 62, 4] }),
  ],
  ['input-0: expected at most 16777216 elements', raw(16, { shape: [2 ** 40, 4] })],
  [
    'x1: expected a finite number, got the number NaN',
    typed({ contents: { fp32_contents: [5.1, Number.NaN, 1.4, 0.2] } }),
  ],
  ['x0: expected an input of this name, got none', { inputs: [] }],
  ['id: expected a string of at most 256 characters', { id: 'x'.repeat(257), ...typed({}) }],
  ['outputs: the model has predict', { outputs: [{ name: 'nope' }], ...typed({}) }],
  ['outputs: expected each name once', { outputs: [{ name: 'predict' }, { name: 'predict' }], ...typed({}) }],
  ['parameters: expected a value of the string "a"', { parameters: new Map([['a', {}]]), ...typed({}) }],
])('a bad request is told: %s', async (message, request) => {
  const { code, details } = (await infer(request)) as Failure

  expect([code, details]).toEqual([3, expect.stringContaining(message)])
})

test('what is no message is told so, and the connection goes on', async () => {
  const answer = (await client.callBytes(INFERENCE.ModelInfer.path, Buffer.from('0aff')).answer) as Failure

  expect([answer.code, answer.details]).toEqual([
    3,
    expect.stringContaining('the message is no ModelInferRequest: '),
  ])
  expect(await client.call(INFERENCE.ServerLive, {})).toEqual({ live: true })
})

test.each([
  [INFERENCE.ServerLive, {}, { live: true }],
  [INFERENCE.ServerReady, {}, { ready: true }],
  [INFERENCE.ModelReady, { name: 'iris-lr' }, { ready: true }],
  [INFERENCE.ModelReady, { name: 'iris-lr', version: '1' }, { ready: true }],
  [INFERENCE.ModelReady, { name: 'iris-lr', version: '9' }, { ready: false }],
  [INFERENCE.ModelReady, { name: 'nope' }, { ready: false }],
  [
    INFERENCE.ServerMetadata,
    {},
    { name: 'millwright', version: '0.1.0', extensions: expect.arrayContaining(['classification']) },
  ],
  [
    INFERENCE.ModelMetadata,
    { name: 'iris-lr' },
    expect.objectContaining({
      versions: ['1'],
      inputs: [{ name: 'input-0', datatype: 'FP64', shape: [-1, 4] }],
    }),
  ],
  [
    INFERENCE.ModelConfig,
    { name: 'mixed' },
    {
      config: expect.objectContaining({
        name: 'mixed',
        backend: 'millwright',
        input: expect.arrayContaining([{ name: 'city', data_type: 13, dims: [-1, 1] }]),
      }),
    },
  ],
  [
    INFERENCE.RepositoryIndex,
    {},
    { models: expect.arrayContaining([{ name: 'mixed', version: '1', state: 'READY', reason: '' }]) },
  ],
  [MODEL_REPOSITORY.RepositoryIndex, { ready: true }, { models: expect.any(Array) }],
  [INFERENCE.RepositoryModelLoad, { model_name: 'mixed' }, { model_name: 'mixed', isLoaded: true }],
  [
    MODEL_REPOSITORY.RepositoryModelLoad,
    { repository_name: 'mixed' },
    { model_name: 'mixed', isLoaded: true },
  ],
  [INFERENCE.SystemSharedMemoryStatus, {}, { regions: new Map() }],
  [INFERENCE.CudaSharedMemoryUnregister, {}, {}],
  [INFERENCE.TraceSetting, {}, { settings: new Map([['trace_level', { value: ['OFF'] }]]) }],
  [
    INFERENCE.LogSettings,
    {},
    { settings: new Map([['log_verbose_level', expect.objectContaining({ uint32_param: 0 })]]) },
  ],
])('$path answers', async (rpc, message, expected) => {
  expect(await client.call(rpc, message)).toEqual(expected)
})

test.each([
  [5, INFERENCE.ModelMetadata, { name: 'nope' }],
  [5, INFERENCE.ModelMetadata, { name: 'iris-lr', version: '9' }],
  [5, INFERENCE.ModelInfer, { model_name: 'nope' }],
  [5, INFERENCE.RepositoryModelLoad, { model_name: 'nope' }],
  [5, INFERENCE.RepositoryModelUnload, { model_name: 'nope' }],
  // There is no control here.
  [14, INFERENCE.RepositoryModelUnload, { model_name: 'mixed' }],
  [12, INFERENCE.RepositoryModelLoad, { model_name: 'mixed', parameters: new Map([['config', {}]]) }],
  [12, INFERENCE.RepositoryIndex, { repository_name: 'other' }],
  [12, INFERENCE.RepositoryModelLoad, { repository_name: 'other', model_name: 'mixed' }],
  [12, INFERENCE.SystemSharedMemoryRegister, {}],
  [12, INFERENCE.TraceSetting, { settings: new Map([['trace_level', { value: ['TIMESTAMPS'] }]]) }],
  [12, INFERENCE.LogSettings, { settings: new Map([['log_info', { bool_param: false }]]) }],
  [12, { ...INFERENCE.ServerLive, path: '/inference.GRPCInferenceService/NoSuch' }, {}],
  [12, { ...INFERENCE.ServerLive, path: '/no.such.Service/Name' }, {}],
])('status %i for $path', async (status, rpc, message) => {
  const { code } = (await client.call(rpc, message)) as Failure

  expect(code).toBe(status)
})

test('statistics count what was answered and what was refused', async () => {
  type Statistics = {
    model_stats: { inference_count: number; inference_stats: { success: { count: number; ns: number } } }[]
  }
  const read = async () =>
    ((await client.call(INFERENCE.ModelStatistics, { name: 'petal-reg' })) as Statistics).model_stats[0]!
  const before = await read()

  await client.call(INFERENCE.ModelInfer, {
    model_name: 'petal-reg',
    inputs: [{ name: 'x', datatype: 'FP32', shape: [2, 3], contents: { fp32_contents: [1, 2, 3, 4, 5, 6] } }],
  })

  const after = await read()
  expect(after.inference_count - before.inference_count).toBe(2)
  expect(after.inference_stats.success.count - before.inference_stats.success.count).toBe(1)
  expect(after.inference_stats.success.ns).toBeGreaterThan(before.inference_stats.success.ns)
})

test('a stream answers message by message, errors too, and goes on', async () => {
  const call = client.stream<StreamAnswer>(INFERENCE.ModelStreamInfer)
  const answers: StreamAnswer[] = []
  call.on('data', (answer: StreamAnswer) => answers.push(answer))
  const ended = new Promise((resolve) => call.on('status', resolve))
  const row = (id: string, width: number) => ({
    model_name: 'iris-lr',
    id,
    inputs: [
      input({ datatype: 'FP32', shape: [1, width], contents: { fp32_contents: ROW.slice(0, width) } }),
    ],
  })

  for (const message of [row('a', 4), row('b', 3), row('c', 4)]) call.write(message)
  call.end()

  expect(await ended).toMatchObject({ code: 0 })
  expect(answers.map(({ infer_response, error_message }) => [infer_response!.id, error_message])).toEqual([
    ['a', ''],
    ['b', expect.stringContaining('expected shape [-1,4]')],
    ['c', ''],
  ])
  expect(answers[2]!.infer_response!.outputs[0]!.contents!.int64_contents).toEqual([0])
})

test('requests are counted by door', async () => {
  await client.call(INFERENCE.ModelInfer, { model_name: 'nope' })

  const text = (await gateway.ask('/metrics')).text

  expect(text).toMatch(/millwright_requests_total\{door="grpc",status="2xx"\} [1-9]/)
  expect(text).toMatch(/millwright_requests_total\{door="grpc",status="4xx"\} [1-9]/)
})
