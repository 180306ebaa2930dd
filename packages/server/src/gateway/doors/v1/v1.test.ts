import { afterAll, beforeAll, expect, test } from 'vitest'
import { EXPECTED, IRIS, MIXED, openDialects } from '../../../../test/dialects.ts'

let gateway: Awaited<ReturnType<typeof openDialects>>
beforeAll(async () => {
  gateway = await openDialects()
})
afterAll(() => gateway.close())

/** A body that is text is sent as it is; the content type is that of `curl -d`. */
async function post(path: string, body: unknown) {
  const answer = await gateway.ask(`/v1/models/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  return { status: answer.status, json: answer.json() }
}

const ROW = [5.1, 3.5, 1.4, 0.2]
const CLASSES = EXPECTED['iris-lr']!.predict
const LABELS = EXPECTED.mixed!.predict
const records = MIXED.rows.map((row) => Object.fromEntries(MIXED.names.map((name, at) => [name, row[at]])))
const column = (name: string) => records.map((record) => record[name])
const byColumn = Object.fromEntries(MIXED.names.map((name) => [name, column(name)]))
const wrapped = records.map((record) =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, [value]])),
)

test.each<[string, string, unknown, unknown]>([
  ['rows as lists', 'iris-lr', { instances: IRIS.rows }, { predictions: CLASSES }],
  ['rows as inputs', 'iris-lr', { inputs: IRIS.rows }, { predictions: CLASSES, outputs: CLASSES }],
  ['rows under a name', 'iris-lr', { instances: IRIS.rows.map((x) => ({ x })) }, { predictions: CLASSES }],
  ['a matrix', 'iris-lr', { inputs: { x: IRIS.rows } }, { predictions: CLASSES, outputs: CLASSES }],
  ['objects of values', 'mixed', { instances: records }, { predictions: LABELS }],
  ['objects of lists of one', 'mixed', { instances: wrapped }, { predictions: LABELS }],
  ['an object of columns', 'mixed', { inputs: byColumn }, { predictions: LABELS, outputs: LABELS }],
  ['one object of lists', 'mixed', { instances: [byColumn] }, { predictions: LABELS }],
  ['no rows', 'iris-lr', { instances: [] }, { predictions: [] }],
  ['both forms', 'iris-lr', { instances: [ROW], inputs: [] }, { predictions: [0] }],
  ['a version', 'iris-lr/versions/1', { instances: [ROW] }, { predictions: [0] }],
  ['a label', 'iris-lr/labels/v1', { instances: [ROW] }, { predictions: [0] }],
])('%s', async (_, path, body, expected) => {
  expect(await post(`${path}:predict`, body)).toEqual({ status: 200, json: expected })
})

test('values by row number, and texts as bytes', async () => {
  const { city, plan, age, income } = records[0]!
  const b64 = Buffer.from(String(city)).toString('base64')
  const instances = [
    { city: { 0: city }, plan: { 0: plan }, age: { 0: age }, income: { 0: income } },
    { city: { b64 }, plan, age, income },
  ]

  expect((await post('mixed:predict', { instances })).json).toEqual({ predictions: [LABELS[0], LABELS[0]] })
})

test('a signature is a method of the model', async () => {
  const asked = { signature_name: 'predict_proba', instances: IRIS.rows }

  const { json } = await post('iris-lr:predict', asked)

  const flat = (json as { predictions: number[][] }).predictions.flat()
  expect(flat).toEqual(EXPECTED['iris-lr']!.predict_proba.flat().map((value) => expect.closeTo(value, 12)))
})

test('examples are classified, with what they have in common', async () => {
  const { city, ...rest } = records[0]!

  const { json } = await post('mixed:classify', { context: { city }, examples: [rest] })

  expect(json).toEqual({
    results: [
      [
        ['no', expect.closeTo(EXPECTED.mixed!.predict_proba[0]![0]!, 12)],
        ['yes', expect.closeTo(EXPECTED.mixed!.predict_proba[0]![1]!, 12)],
      ],
    ],
  })
})

test('examples are given a number', async () => {
  const examples = IRIS.rows.map(([a, b, c]) => ({ a, b, c }))

  const { json } = await post('petal-reg:regress', { examples })

  const { results } = json as { results: number[] }
  expect(results).toEqual(EXPECTED['petal-reg']!.predict.map((value) => expect.closeTo(value as number, 12)))
})

const MIXED_ROW = { city: 'Oslo', plan: 'pro', age: 61, income: 71000.5 }
test.each<[number, string, string, unknown]>([
  [400, 'the body is not JSON: it is empty', 'iris-lr:predict', ''],
  [400, 'expected an object with instances or inputs, got null', 'iris-lr:predict', 'null'],
  [400, 'expected instances or inputs, got nothing', 'iris-lr:predict', {}],
  [400, 'instances: expected a list of rows, got an object', 'iris-lr:predict', { instances: {} }],
  [
    400,
    'expected a row of 4 values (x0, x1, x2, x3), got a list of 2',
    'iris-lr:predict',
    { instances: [[1, 2]] },
  ],
  [
    400,
    'expected a row: a list or an object of x0, x1, x2, x3, got the number 1',
    'iris-lr:predict',
    { instances: [1] },
  ],
  [400, 'x1: expected a finite number, got null', 'iris-lr:predict', '{"instances":[[1,NaN,2,3]]}'],
  [
    400,
    'plan: expected a string or null, got nothing (and 2 more)',
    'mixed:predict',
    { instances: [{ city: 'Oslo' }] },
  ],
  [
    400,
    'zz: the model has no such column; it reads city, plan, age, income',
    'mixed:predict',
    { instances: [{ ...MIXED_ROW, zz: 1 }] },
  ],
  [
    400,
    'age: expected 2 values as city has, got 1',
    'mixed:predict',
    { inputs: { ...MIXED_ROW, city: ['a', 'b'], age: [1] } },
  ],
  [
    400,
    'b64: expected base64 of UTF-8 text; models read no other bytes',
    'mixed:predict',
    { instances: [{ ...MIXED_ROW, city: { b64: '/w==' } }] },
  ],
  [
    400,
    'signature_name: expected one of serving_default, predict, got the string "x"',
    'petal-reg:predict',
    { signature_name: 'x' },
  ],
  [
    400,
    ':classify of petal-reg, which has no probabilities, is not offered; ask :predict',
    'petal-reg:classify',
    {},
  ],
  [
    400,
    ':regress of iris-lr, which is no regression, is not offered; ask :predict or :classify',
    'iris-lr:regress',
    {},
  ],
  [400, 'explaining a prediction is not offered; ask :predict', 'iris-lr:explain', {}],
  [
    404,
    'there is no deployment "nope"; list them with GET /api/v1/deployments',
    'nope:predict',
    { instances: [] },
  ],
  [
    404,
    'deployment "iris-lr" does not serve version "9"; it serves 1 (v1)',
    'iris-lr/versions/9:predict',
    { instances: [] },
  ],
])('%i: %s', async (status, message, path, body) => {
  const answer = await post(path, body)

  expect(answer.status).toBe(status)
  expect((answer.json as { error: string }).error).toContain(message)
})

const STATUS = {
  name: 'iris-lr',
  ready: true,
  model_version_status: [
    { version: '1', state: 'AVAILABLE', status: { error_code: 'OK', error_message: '' } },
  ],
}
test.each([
  ['/', { status: 'alive' }],
  ['/v1/models', { models: ['iris-lr', 'petal-reg', 'mixed'] }],
  ['/v1/models/iris-lr', STATUS],
  ['/v1/models/iris-lr/versions/1', STATUS],
  ['/v1/models/iris-lr/labels/v1', STATUS],
])('GET %s', async (path, expected) => {
  const answer = await gateway.ask(path)

  expect([answer.status, answer.headers.get('content-type'), answer.json()]).toEqual([
    ...[200, 'application/json', expected],
  ])
})

test('metadata names the tensors of each signature', async () => {
  const { metadata } = (await gateway.ask('/v1/models/iris-lr/metadata')).json()
  const { serving_default, predict_proba } = metadata.signature_def.signature_def

  const dim = (...sizes: number[]) => sizes.map((size) => ({ size: String(size), name: '' }))
  expect(serving_default.inputs['input-0']).toEqual({
    ...{ name: 'input-0', dtype: 'DT_DOUBLE', tensor_shape: { dim: dim(-1, 4), unknown_rank: false } },
  })
  expect(Object.keys(serving_default.outputs)).toEqual(['predict'])
  expect(predict_proba.outputs.predict_proba.tensor_shape.dim).toEqual(dim(-1, 3))
})

test('a page is asked of control', async () => {
  const answer = await gateway.ask('/', { headers: { accept: 'text/html,*/*' } })

  expect([answer.status, answer.json().code]).toEqual([503, 'CONTROL_UNAVAILABLE'])
})

test.each(['DELETE', 'PUT', 'GET'])('%s is refused in the dialect’s words', async (method) => {
  const answer = await gateway.ask('/v1/models/iris-lr:predict', { method })

  expect([answer.status, answer.headers.get('allow'), Object.keys(answer.json())]).toEqual([
    ...[405, 'POST, OPTIONS', ['error']],
  ])
})

const MANY = Array.from({ length: 10_001 }, () => 1)
test.each([
  ['rows', 'predict', { instances: MANY.map(() => ROW) }],
  ['values', 'predict', { instances: MANY }],
  ['a row of many', 'predict', { instances: [{ x0: MANY, x1: 1, x2: 1, x3: 1 }] }],
  [
    'rows of many',
    'predict',
    { instances: MANY.slice(0, 20).map(() => ({ x0: MANY.slice(1), x1: 1, x2: 1, x3: 1 })) },
  ],
  ['columns', 'predict', { inputs: { x0: MANY, x1: MANY, x2: MANY, x3: MANY } }],
  ['examples', 'classify', { examples: MANY.map(() => ({})) }],
])('more rows than are taken are told before they are made: %s', async (_, verb, body) => {
  const { status, json } = await post(`iris-lr:${verb}`, body)

  expect([status, (json as { error: string }).error]).toEqual([413, expect.stringContaining('at most 10000')])
})
