import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { EXPECTED, IRIS, MIXED, openDialects } from '../../../../test/dialects.ts'
import { readLog } from '../../../../test/gateway.ts'

let gateway: Awaited<ReturnType<typeof openDialects>>
beforeAll(async () => {
  gateway = await openDialects({ maxRows: 1000 })
})
afterAll(() => gateway.close())

type Output = { name: string; datatype: string; shape: number[]; data: number[] }
type Answer = { outputs: [Output, Output]; error?: string }

async function infer(
  model: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<{ status: number; json: Answer; error: string | undefined }> {
  const text = body instanceof Uint8Array || typeof body === 'string' ? body : JSON.stringify(body)
  const answer = await gateway.ask(`/v2/models/${model}/infer`, { method: 'POST', headers, body: text })
  const json = JSON.parse(answer.text)
  return { status: answer.status, json, error: json.error }
}

const matrix = (data: unknown, changes: object = {}) => ({
  inputs: [{ name: 'input-0', datatype: 'FP64', shape: [IRIS.rows.length, 4], data, ...changes }],
})
const ONE = matrix([5.1, 3.5, 1.4, 0.2], { shape: [1, 4] })

/** JSON, then the bytes of the tensors. */
function binary(document: object, ...tensors: readonly Uint8Array[]) {
  const json = Buffer.from(JSON.stringify(document))
  const body = Buffer.concat([json, ...tensors])
  return [body, { 'inference-header-content-length': `${json.length}` }] as const
}
const bytesOf = (array: Float64Array | Float32Array | BigInt64Array): Uint8Array =>
  new Uint8Array(array.buffer)

describe('a model without column names', () => {
  test.each([
    ['flat', IRIS.rows.flat()],
    ['nested', IRIS.rows],
  ])('answers %s data as the library does', async (_, data) => {
    const { json } = await infer('iris-lr', { id: 'a"b', ...matrix(data) })

    const [predict, probabilities] = json.outputs
    expect(json).toMatchObject({ model_name: 'iris-lr', model_version: '1', id: 'a"b' })
    expect(predict).toEqual({
      name: 'predict',
      datatype: 'INT64',
      shape: [15, 1],
      data: EXPECTED['iris-lr']!.predict,
    })
    expect(probabilities).toMatchObject({ name: 'predict_proba', datatype: 'FP64', shape: [15, 3] })
    const expected = EXPECTED['iris-lr']!.predict_proba.flat()
    const worst = Math.max(...expected.map((value, index) => Math.abs(value - probabilities.data[index]!)))
    expect(worst).toBeLessThan(1e-13)
  })

  test('takes bytes, and answers in bytes what is asked for so', async () => {
    const size = { parameters: { binary_data_size: 15 * 4 * 8 }, data: undefined }
    const outputs = [{ name: 'predict', parameters: { binary_data: true } }, { name: 'decision_function' }]
    const [body, headers] = binary(
      { ...matrix(undefined, size), outputs },
      bytesOf(Float64Array.from(IRIS.rows.flat() as number[])),
    )

    const answer = await fetch(`http://127.0.0.1:${await gateway.listen()}/v2/models/iris-lr/infer`, {
      ...{ method: 'POST', headers, body },
    })
    const bytes = Buffer.from(await answer.arrayBuffer())
    const jsonBytes = Number(answer.headers.get('inference-header-content-length'))
    const [predict, decision] = JSON.parse(bytes.toString('utf8', 0, jsonBytes)).outputs

    expect(answer.headers.get('content-type')).toBe('application/octet-stream')
    expect(predict).toEqual({
      name: 'predict',
      datatype: 'INT64',
      shape: [15, 1],
      parameters: { binary_data_size: 120 },
    })
    const classes = Array.from({ length: 15 }, (_, row) => Number(bytes.readBigInt64LE(jsonBytes + 8 * row)))
    expect(classes).toEqual(EXPECTED['iris-lr']!.predict)
    expect(decision.shape).toEqual([15, 3])
    expect(bytes.length).toBe(jsonBytes + 120)
  })

  test('takes the bytes of one row alone', async () => {
    const row = bytesOf(Float32Array.of(5.1, 3.5, 1.4, 0.2))
    const answer = await gateway.ask('/v2/models/iris-lr/infer', {
      ...{ method: 'POST', headers: { 'inference-header-content-length': '0' }, body: row },
    })

    const { outputs } = JSON.parse(
      answer.text.slice(0, Number(answer.headers.get('inference-header-content-length'))),
    )
    expect(outputs[0]).toMatchObject({ name: 'predict', shape: [1, 1], parameters: { binary_data_size: 8 } })
  })
})

describe('a model of named columns', () => {
  const columns = (changes: Record<string, object> = {}) =>
    MIXED.names.map((name, index) => ({
      name,
      datatype: typeof MIXED.rows[0]![index] === 'string' ? 'BYTES' : 'FP64',
      shape: [MIXED.rows.length, 1],
      data: MIXED.rows.map((row) => row[index]),
      ...changes[name],
    }))

  test('takes a tensor for each, in any order', async () => {
    const { json } = await infer('mixed', { inputs: columns().reverse() })

    expect(json.outputs[0]).toMatchObject({ datatype: 'BYTES', data: EXPECTED.mixed!.predict })
  })

  test('says which is missing, which is not its own, and which has other rows', async () => {
    const inputs = columns({ age: { name: 'agee' }, plan: { shape: [1], data: ['pro'] } })

    const { status, error } = await infer('mixed', { inputs })

    expect(status).toBe(400)
    expect(error).toBe('plan: expected 20 rows as city has, got 1 (and 2 more)')
  })

  test('ignores others where pandas would', async () => {
    const inputs = [...columns(), { name: 'more', datatype: 'FP64', shape: [20], data: Array(20).fill(0) }]

    expect((await infer('mixed', { inputs })).status).toBe(400)
    expect((await infer('mixed', { inputs, parameters: { content_type: 'pd' } })).status).toBe(200)
  })
})

describe("a request of MLServer's codecs", () => {
  const frame = (names: readonly string[]) => ({
    parameters: { content_type: 'pd' },
    inputs: names.map((name, column) => ({
      ...{ name, datatype: 'FP64', shape: [IRIS.rows.length, 1] },
      data: IRIS.rows.map((row) => row[column]),
    })),
  })
  const labels = [expect.objectContaining({ name: 'predict', data: EXPECTED['iris-lr']!.predict })]

  test('is answered by the prediction alone, when no outputs are asked for', async () => {
    const request = { ...matrix(IRIS.rows.flat()), parameters: { content_type: 'np' } }

    const plain = await infer('iris-lr', request)
    const asked = await infer('iris-lr', { ...request, outputs: [{ name: 'predict_proba' }] })

    expect(plain.json.outputs).toEqual(labels)
    expect(asked.json.outputs.map(({ name }) => name)).toEqual(['predict_proba'])
  })

  test('has the columns of a frame in its own names, where the model has none', async () => {
    const { json } = await infer('iris-lr', frame(['d', 'c', 'b', 'a']))

    expect(json.outputs).toEqual(labels)
  })

  test('is refused when its frame mixes names of the model with others, or is too narrow', async () => {
    const mixed = await infer('iris-lr', frame(['x0', 'b', 'c', 'd']))
    const narrow = await infer('iris-lr', frame(['a', 'b', 'c']))

    expect(mixed.error).toBe('x1: expected an input of this name, got x0, b, c, d (and 2 more)')
    expect(narrow.error).toBe('x0: expected an input of this name, got a, b, c (and 3 more)')
  })
})

const wrong = (changes: object) => matrix([5.1, 3.5, 1.4, 0.2], { shape: [1, 4], ...changes })
test.each<[string, unknown, Record<string, string>?]>([
  ['the body is not JSON: it is empty', ''],
  ['expected an object with inputs, got a list of 0', []],
  ['inputs: expected a list of at most 1024 tensors, got nothing', {}],
  ['id: expected a string of at most 256 characters, got the number 7', { ...ONE, id: 7 }],
  [
    'input-0: expected shape [-1,4], or one tensor for each of x0, x1, x2, x3, got [2,2]',
    wrong({ shape: [2, 2] }),
  ],
  ['input-0: expected 8 elements as its shape [2,4] says, got 4', wrong({ shape: [2, 4] })],
  ['input-0: expected dimensions that are integers from 0, got the number -1', wrong({ shape: [-1, 4] })],
  [
    'input-0: expected at most 16777216 elements, got a shape of [16777216,4]',
    wrong({ shape: [2 ** 24, 4] }),
  ],
  ['input-0: expected a shape of 1 to 16 dimensions, got a list of 0', wrong({ shape: [] })],
  ['input-0: expected a number for FP64, got the string "1" at element 3', wrong({ data: [1, 1, 1, '1'] })],
  [
    'input-0: expected an integer from -128 to 127 for INT8, got the number 128 at element 0',
    wrong({ datatype: 'INT8', data: [128, 0, 0, 0] }),
  ],
  [
    'input-0: expected a number within ±3.4e38 for FP32, got the number 1e+300 at element 1',
    wrong({ datatype: 'FP32', data: [0, 1e300, 0, 0] }),
  ],
  [
    'input-0: expected binary tensor data for FP16, got the number 1 at element 0',
    wrong({ datatype: 'FP16', data: [1, 1, 1, 1] }),
  ],
  [
    'x1: expected a finite number, got null',
    '{"inputs":[{"name":"a","datatype":"FP32","shape":[1,4],"data":[1,NaN,1,1]}]}',
  ],
  [
    'outputs: the model has predict, predict_proba, predict_log_proba, decision_function, got the string "x"',
    { ...ONE, outputs: [{ name: 'x' }] },
  ],
  [
    'parameters: expected a string, a number, true or false, got an object',
    { ...ONE, parameters: { a: {} } },
  ],
  [
    'inference-header-content-length: expected a number of bytes up to the body\'s 2, got the string "3"',
    '{}',
    { 'inference-header-content-length': '3' },
  ],
  [
    'inference-header-content-length: expected a number of bytes up to the body\'s 2, got the string "-1"',
    '{}',
    { 'inference-header-content-length': '-1' },
  ],
])('a bad request is told: %s', async (message, body, headers) => {
  const { status, json } = await infer('iris-lr', body, headers)

  expect(status).toBe(400)
  expect(json).toEqual({ error: expect.stringContaining(message) })
})

test.each([
  ['input-0: expected a binary_data_size up to the 24 bytes left, got the number 32', 32, 24],
  ['inputs: expected the binary data to end with the last tensor, got 8 bytes more', 32, 40],
  ['input-0: expected 32 bytes for FP64 of shape [1,4], got 40', 40, 40],
])('binary data that does not add up is told: %s', async (message, said, sent) => {
  const document = wrong({ data: undefined, parameters: { binary_data_size: said } })
  const [body, headers] = binary(document, new Uint8Array(sent))

  const { status, error } = await infer('iris-lr', body, headers)

  expect([status, error]).toEqual([400, message])
})

test('one bad row fails the request, and nothing of it is logged', async () => {
  const own = await openDialects()
  const good = Array.from({ length: 600 }, () => [5.1, 3.5, 1.4, 0.2])
  const inputs = [{ name: 'a', datatype: 'FP64', shape: [601, 4], data: [...good, [1, null, 1, 1]].flat() }]
  const ask = (body: unknown) =>
    own.ask('/v2/models/iris-lr/infer', { method: 'POST', body: JSON.stringify(body) })

  const refused = await ask({ inputs })
  const taken = await ask({ inputs: [{ ...inputs[0], shape: [600, 4], data: good.flat() }] })

  expect([refused.status, taken.status]).toEqual([400, 200])
  expect(await readLog(own.layout, own.log)).toHaveLength(600)
  await own.close()
})

test('classes are answered as Triton words them', async () => {
  const outputs = [{ name: 'predict_proba', parameters: { classification: 2 } }]

  const { json } = await infer('iris-lr', { ...ONE, outputs })

  expect(json.outputs[0]).toEqual({
    ...{ name: 'predict_proba', datatype: 'BYTES', shape: [1, 2] },
    data: ['0.981657:0:0', '0.018343:1:1'],
  })
})

test.each([
  ['/v2/health/live', { live: true }],
  ['/v2/health/ready', { live: true, ready: true }],
  ['/v2/models/iris-lr/ready', { name: 'iris-lr', ready: true }],
  ['/v2/models/iris-lr/versions/1/ready', { name: 'iris-lr', ready: true }],
  [
    '/v2/models/iris-lr',
    expect.objectContaining({ inputs: [{ name: 'input-0', datatype: 'FP64', shape: [-1, 4] }] }),
  ],
  ['/v2/models/mixed', expect.objectContaining({ versions: ['1'] })],
])('GET %s', async (path, expected) => {
  const answer = await gateway.ask(path)

  expect([answer.status, answer.headers.get('content-type'), answer.json()]).toEqual([
    200,
    'application/json',
    expected,
  ])
})

test.each([
  '/v2/models/nope',
  '/v2/models/nope/ready',
  '/v2/models/iris-lr/versions/9',
  '/v2/models/iris-lr/versions/9/ready',
])('%s is not there', async (path) => {
  const answer = await gateway.ask(path)

  expect([answer.status, answer.json()]).toEqual([404, { error: expect.any(String) }])
})

test('the index lists what is served, whatever the body', async () => {
  const answer = await gateway.ask('/v2/repository/index', { method: 'POST' })

  expect(answer.json()).toContainEqual({ name: 'mixed', version: '1', state: 'READY', reason: '' })
})

describe('what Triton can switch off', () => {
  const ask = async (method: string, path: string, body?: unknown) => {
    const sent = body === undefined ? null : JSON.stringify(body)
    const { status, text } = await gateway.ask(`/v2/${path}`, { method, body: sent })
    return { status, json: text === '' ? undefined : JSON.parse(text) }
  }

  test.each([
    ['logging', { log_verbose_level: 0, log_info: true }, { log_file: '', log_format: 'default' }],
    ['trace/setting', { trace_level: ['OFF'], trace_rate: null }, { trace_level: ['OFF'], trace_file: '' }],
    ['models/iris-lr/trace/setting', {}, { trace_level: ['OFF'] }],
  ])('%s is read, and set to what it is', async (path, same, expected) => {
    const read = await ask('GET', path)

    expect(read).toMatchObject({ status: 200, json: expected })
    expect(await ask('POST', path, same)).toEqual(read)
    expect(await ask('POST', path)).toEqual(read)
  })

  test.each([
    ['logging', { log_file: '/tmp/x' }, 400, 'setting log_file by a request is not offered'],
    ['trace/setting', { trace_level: ['TIMESTAMPS'] }, 400, 'setting trace_level by a request'],
    ['models/nope/trace/setting', {}, 404, 'there is no deployment "nope"'],
    ['systemsharedmemory/region/a/register', { key: '/a' }, 400, 'shared memory is not offered'],
    ['cudasharedmemory/region/a/register', {}, 400, 'shared memory is not offered'],
  ])('%s is not changed by %j', async (path, body, status, error) => {
    expect(await ask('POST', path, body)).toEqual({ status, json: { error: expect.stringContaining(error) } })
  })

  test.each(['system', 'cuda'])('no %s memory is registered', async (kind) => {
    expect(await ask('GET', `${kind}sharedmemory/status`)).toEqual({ status: 200, json: [] })
    expect(await ask('POST', `${kind}sharedmemory/unregister`)).toEqual({ status: 200 })
    expect(await ask('POST', `${kind}sharedmemory/region/a/unregister`)).toEqual({ status: 200 })
  })
})

test('an index may name a repository', async () => {
  const { json } = await gateway.ask('/v2/repository/any/index', { method: 'POST' })

  expect(json()).toHaveLength(3)
})

test('a method that is not taken is told in the dialect’s words', async () => {
  const answer = await gateway.ask('/v2/models/iris-lr/infer')

  expect([answer.status, answer.json()]).toEqual([405, { error: expect.stringContaining('takes POST') }])
})

test('the same numbers of 32 bits get the same answer in JSON and in bytes', async () => {
  const row = [5.1, 3.5, 1.4, 0.2]
  const outputs = [{ name: 'predict_proba' }]
  const [body, headers] = binary(
    {
      ...{
        outputs,
        inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], parameters: { binary_data_size: 16 } }],
      },
    },
    bytesOf(Float32Array.from(row)),
  )

  const inJson = await infer('iris-lr', {
    ...{ outputs, inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: row }] },
  })
  const inBytes = await infer('iris-lr', body, headers)

  expect(inJson.json.outputs).toEqual(inBytes.json.outputs)
  expect(inJson.json.outputs[0].data[0]).toBe(0.9816568320652066)
})
