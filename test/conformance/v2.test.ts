import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { INFERENCE } from '../../packages/server/src/gateway/doors/v2-grpc/services.ts'
import { openDialects } from '../../packages/server/test/dialects.ts'
import { connect, type Failure } from '../../packages/server/test/grpc-client.ts'
import { type Inference, type Input, type Outcome, TRANSPORTS } from './transports.ts'

/**
 * npm run test:conformance: what the Open Inference Protocol V2 asks for, and where it is silent, what is answered here;
 * every inference check over JSON, binary REST, typed and raw gRPC.
 */
let gateway: Awaited<ReturnType<typeof openDialects>>
let client: ReturnType<typeof connect>
beforeAll(async () => {
  gateway = await openDialects({ maxRows: 2000, gateway: { connectionsPerAddress: 4_000 } })
  client = connect(await gateway.listen())
})
afterAll(async () => {
  client.close()
  await gateway.close()
})

const ROW = [6, 3, 5, 2]
const tensor = (changes: Partial<Input> = {}): Input => ({
  ...{ name: 'input-0', datatype: 'FP64', shape: [1, 4], data: ROW },
  ...changes,
})
const iris = (changes: Partial<Inference> = {}): Inference => ({
  model: 'iris-lr',
  inputs: [tensor()],
  ...changes,
})
const column = (name: string, data: Input['data'], changes: Partial<Input> = {}): Input => ({
  ...{ name, datatype: typeof data[0] === 'string' ? 'BYTES' : 'FP64', shape: [data.length, 1], data },
  ...changes,
})
const MIXED = [
  column('city', ['Oslo']),
  column('plan', ['pro']),
  column('age', [61]),
  column('income', [71000.5]),
]
const mixed = (inputs: readonly Input[], changes: Partial<Inference> = {}): Inference => ({
  model: 'mixed',
  inputs,
  ...changes,
})

const PREDICT = { shape: [1, 1], values: [2] }
const ok = (more: object = {}) => ({ kind: 'ok', outputs: { predict: PREDICT }, ...more })
const invalid = (message: string) => ({ kind: 'invalid', message: expect.stringContaining(message) })
const notFound = (message: string) => ({ kind: 'not found', message: expect.stringContaining(message) })

type Check = {
  readonly name: string
  readonly inference: Inference
  readonly expected: object
  readonly not?: RegExp
}

const NUMBERS = ['INT8', 'INT16', 'INT32', 'INT64', 'UINT8', 'UINT16', 'UINT32', 'UINT64', 'FP32', 'FP64']
const LIMITS: Readonly<Record<string, number>> = {
  INT8: 128,
  INT16: 32768,
  INT32: 2 ** 31,
  UINT8: 256,
  UINT16: 65536,
}

const CHECKS: readonly Check[] = [
  ...NUMBERS.map((datatype) => ({
    name: `${datatype} is read`,
    inference: iris({ inputs: [tensor({ datatype })] }),
    expected: ok(),
  })),
  {
    name: 'BOOL is read as 0 and 1',
    inference: iris({ inputs: [tensor({ datatype: 'BOOL', data: [true, false, true, false] })] }),
    expected: { kind: 'ok' },
  },
  {
    name: 'BYTES is read as text',
    inference: mixed(MIXED),
    expected: { kind: 'ok', outputs: { predict: { shape: [1, 1], values: ['yes'] } } },
  },
  ...['FP16', 'BF16'].map((datatype) => ({
    name: `${datatype} is read`,
    inference: iris({ inputs: [tensor({ datatype })] }),
    expected: ok(),
    not: /JSON|typed/,
  })),
  ...['FP16', 'BF16'].map((datatype) => ({
    name: `${datatype} does not travel as numbers`,
    inference: iris({ inputs: [tensor({ datatype })] }),
    expected: invalid('expected binary tensor data'),
    not: /binary|raw/,
  })),
  ...Object.entries(LIMITS).map(([datatype, limit]) => ({
    name: `${datatype} beyond its range is refused`,
    inference: iris({ inputs: [tensor({ datatype, data: [limit, 0, 0, 0] })] }),
    expected: invalid('expected an integer from'),
    // Bytes cannot say what is beyond them; a varint of 32 bits cannot either.
    not: datatype === 'INT32' ? /binary|raw|typed/ : /binary|raw/,
  })),
  {
    name: 'several rows are answered in their order',
    inference: iris({ inputs: [tensor({ shape: [3, 4], data: [...ROW, 5, 3, 1, 0, ...ROW] })] }),
    expected: { kind: 'ok', outputs: { predict: { shape: [3, 1], values: [2, 0, 2] } } },
  },
  {
    name: 'no rows are answered with no rows',
    inference: iris({ inputs: [tensor({ shape: [0, 4], data: [] })] }),
    expected: { kind: 'ok', outputs: { predict: { shape: [0, 1], values: [] } } },
  },
  {
    name: 'a vector is a column',
    inference: mixed(MIXED.map((input) => ({ ...input, shape: [1] }))),
    expected: { kind: 'ok' },
  },
  {
    name: 'columns come in any order',
    inference: mixed(MIXED.toReversed()),
    expected: { kind: 'ok', outputs: { predict: { shape: [1, 1], values: ['yes'] } } },
  },
  {
    name: 'the only tensor has any name',
    inference: iris({ inputs: [tensor({ name: 'anything' })] }),
    expected: ok(),
  },
  {
    name: 'too few elements are refused',
    inference: iris({ inputs: [tensor({ data: [1, 2, 3] })] }),
    expected: invalid('input-0: expected'),
  },
  {
    name: 'too many elements are refused',
    inference: iris({ inputs: [tensor({ data: [1, 2, 3, 4, 5] })] }),
    expected: invalid('input-0: expected'),
  },
  {
    name: 'another width is refused',
    inference: iris({ inputs: [tensor({ shape: [1, 3], data: [1, 2, 3] })] }),
    expected: invalid('input-0: expected shape [-1,4]'),
  },
  {
    name: 'a negative dimension is refused',
    inference: iris({ inputs: [tensor({ shape: [-1, 4] })] }),
    expected: invalid('input-0: expected dimensions'),
  },
  {
    name: 'a product of dimensions that overflows is refused',
    inference: iris({ inputs: [tensor({ shape: [2 ** 31, 2 ** 31, 4] })] }),
    expected: invalid('input-0: expected at most'),
  },
  {
    name: 'no shape is refused',
    inference: iris({ inputs: [tensor({ shape: [] })] }),
    expected: invalid('input-0: expected a shape'),
  },
  {
    name: 'seventeen dimensions are refused',
    inference: iris({ inputs: [tensor({ shape: [...Array(16).fill(1), 4] })] }),
    expected: invalid('input-0: expected a shape of 1 to 16 dimensions'),
  },
  {
    name: 'an unknown datatype is refused',
    inference: iris({ inputs: [tensor({ datatype: 'FP128' })] }),
    expected: invalid('input-0: expected a datatype of BOOL'),
  },
  {
    name: 'a datatype in small letters is refused',
    inference: iris({ inputs: [tensor({ datatype: 'fp64' })] }),
    expected: invalid('input-0: expected a datatype of BOOL'),
  },
  {
    name: 'a missing input is refused',
    inference: mixed(MIXED.slice(1)),
    expected: invalid('city: expected an input of this name'),
  },
  {
    name: 'an input nobody reads is refused',
    inference: mixed([...MIXED, column('more', [1])]),
    expected: invalid('more: '),
  },
  {
    name: 'with content_type pd it is passed over',
    inference: mixed([...MIXED, column('more', [1])], { parameters: { content_type: 'pd' } }),
    expected: { kind: 'ok' },
  },
  {
    name: 'with content_type pd names are the caller’s where the model has none',
    inference: iris({
      inputs: ROW.map((value, index) => column('abcd'[index]!, [value])),
      parameters: { content_type: 'pd' },
    }),
    expected: ok(),
  },
  {
    name: 'two inputs of one name are refused',
    inference: mixed([...MIXED, MIXED[0]!]),
    expected: invalid('city: expected inputs of different names'),
  },
  {
    name: 'columns of different lengths are refused',
    inference: mixed([...MIXED.slice(0, 3), column('income', [1, 2])]),
    expected: invalid('income: expected 1 rows as city has'),
  },
  {
    name: 'no inputs are refused',
    inference: iris({ inputs: [] }),
    expected: invalid('expected an input of this name, got none'),
  },
  {
    name: 'more inputs than 1024 are refused',
    inference: iris({ inputs: Array(1025).fill(tensor()) }),
    expected: invalid('inputs: expected a list of at most 1024 tensors'),
  },
  {
    name: 'a missing number is refused by a model that takes none',
    inference: iris({ inputs: [tensor({ data: [1, Number.NaN, 1, 1] })] }),
    expected: invalid('x1: expected a finite number'),
  },
  {
    name: 'an infinite number is refused by it too',
    inference: iris({ inputs: [tensor({ data: [1, Number.POSITIVE_INFINITY, 1, 1] })] }),
    expected: invalid('x1: expected a finite number'),
    not: /JSON/,
  },
  {
    name: 'only the outputs asked for are answered',
    inference: iris({ outputs: [{ name: 'decision_function' }] }),
    expected: { kind: 'ok', outputs: { decision_function: { shape: [1, 3] } } },
  },
  {
    name: 'two outputs are answered',
    inference: iris({ outputs: [{ name: 'predict_proba' }, { name: 'predict' }] }),
    expected: ok(),
  },
  {
    name: 'outputs are named by number too',
    inference: iris({ outputs: [{ name: 'output-0' }] }),
    expected: { kind: 'ok', outputs: { 'output-0': PREDICT } },
  },
  {
    name: 'an unknown output is refused',
    inference: iris({ outputs: [{ name: 'nope' }] }),
    expected: invalid('outputs: the model has predict'),
  },
  {
    name: 'one output twice is refused',
    inference: iris({ outputs: [{ name: 'predict' }, { name: 'predict' }] }),
    expected: invalid('outputs: expected each name once'),
  },
  {
    name: 'more outputs than 256 are refused',
    inference: iris({ outputs: Array(257).fill({ name: 'predict' }) }),
    expected: invalid('outputs: expected a list of at most 256'),
  },
  {
    name: 'classes are answered as text',
    inference: iris({ outputs: [{ name: 'predict_proba', classification: 1 }] }),
    expected: {
      kind: 'ok',
      outputs: { predict_proba: { shape: [1, 1], values: [expect.stringMatching(/^0\.\d{6}:2:2$/)] } },
    },
  },
  { name: 'an id is echoed', inference: iris({ id: 'żółw "🐢"\n' }), expected: ok({ id: 'żółw "🐢"\n' }) },
  { name: 'no id stays none', inference: iris(), expected: ok({ id: undefined }) },
  {
    name: 'an id of more than 256 characters is refused',
    inference: iris({ id: 'x'.repeat(257) }),
    expected: invalid('id: expected a string of at most 256 characters'),
  },
  {
    name: 'parameters of text, numbers and truth are taken',
    inference: iris({ parameters: { a: 'x', b: 7, c: true, d: 1.5 } }),
    expected: ok(),
  },
  { name: 'the version served is taken', inference: iris({ version: '1' }), expected: ok() },
  {
    name: 'an unknown version is not found',
    inference: iris({ version: '9' }),
    expected: notFound('does not serve version "9"'),
  },
  {
    name: 'an unknown model is not found',
    inference: iris({ model: 'nope' }),
    expected: notFound('there is no deployment "nope"'),
  },
]

describe.each(Object.entries(TRANSPORTS))('%s', (transport, open) => {
  const checks = CHECKS.filter(({ not }) => not?.test(transport) !== true)

  test.each(checks.map((check) => [check.name, check] as const))('%s', async (_, { inference, expected }) => {
    expect(await open(gateway, client)(inference)).toMatchObject(expected)
  })

  test('a thousand calls at once get each their own answer', async () => {
    const send = open(gateway, client)
    const rows = Array.from({ length: 1000 }, (_, index) => (index % 2 === 0 ? ROW : [5, 3, 1, 0]))

    const answers: Outcome[] = await Promise.all(
      rows.map((data, index) => send(iris({ id: `call-${index}`, inputs: [tensor({ data })] }))),
    )

    expect(answers.map(({ id, outputs }) => [id, outputs!.predict!.values[0]])).toEqual(
      rows.map((row, index) => [`call-${index}`, row === ROW ? 2 : 0]),
    )
  })
})

test('the four ways give the same answers to the bit', async () => {
  const inference = iris({
    outputs: [{ name: 'predict_proba' }],
    inputs: [tensor({ data: [5.1, 3.5, 1.4, 0.2] })],
  })

  const answers = await Promise.all(Object.values(TRANSPORTS).map((open) => open(gateway, client)(inference)))

  expect(
    new Set(answers.map(({ outputs }) => JSON.stringify(Array.from(outputs!.predict_proba!.values)))).size,
  ).toBe(1)
})

describe('questions', () => {
  test.each([
    ['GET', '/v2', 200, { name: 'millwright' }],
    ['GET', '/v2/health/live', 200, { live: true }],
    ['GET', '/v2/health/ready', 200, { ready: true }],
    ['GET', '/v2/models/iris-lr', 200, { name: 'iris-lr', versions: ['1'], platform: expect.any(String) }],
    ['GET', '/v2/models/iris-lr/versions/1', 200, { name: 'iris-lr' }],
    ['GET', '/v2/models/iris-lr/ready', 200, { ready: true }],
    ['GET', '/v2/models/iris-lr/versions/1/ready', 200, { ready: true }],
    ['GET', '/v2/models/%69ris-lr/ready', 200, { ready: true }],
    ['GET', '/v2/models/nope', 404, { error: expect.any(String) }],
    ['GET', '/v2/models/nope/ready', 404, { error: expect.any(String) }],
    ['GET', '/v2/models/iris-lr/versions/9', 404, { error: expect.any(String) }],
    ['GET', '/v2/models/iris-lr/infer', 405, {}],
    [
      'POST',
      '/v2/repository/index',
      200,
      expect.arrayContaining([expect.objectContaining({ name: 'iris-lr', state: 'READY' })]),
    ],
  ])('%s %s is answered with %i', async (method, path, status, expected) => {
    const answer = await gateway.ask(path, { method })

    expect([answer.status, answer.json()]).toMatchObject([status, expected])
  })

  test.each([
    ['ServerLive', {}, { live: true }],
    ['ServerReady', {}, { ready: true }],
    ['ServerMetadata', {}, { name: 'millwright' }],
    ['ModelReady', { name: 'iris-lr', version: '1' }, { ready: true }],
    ['ModelReady', { name: 'nope' }, { ready: false }],
    ['ModelMetadata', { name: 'iris-lr' }, { name: 'iris-lr', versions: ['1'] }],
  ] as const)('%s of %j is answered', async (rpc, message, expected) => {
    expect(await client.call(INFERENCE[rpc], message)).toMatchObject(expected)
  })

  test('what both say of a model is the same', async () => {
    const { properties: _, ...rest } = (await gateway.ask('/v2/models/mixed')).json()

    expect(await client.call(INFERENCE.ModelMetadata, { name: 'mixed' })).toEqual(rest)
  })

  test('a call nobody knows is not implemented', async () => {
    const { code } = (await client.call(
      { ...INFERENCE.ServerLive, path: '/inference.GRPCInferenceService/No' },
      {},
    )) as Failure

    expect(code).toBe(12)
  })
})
