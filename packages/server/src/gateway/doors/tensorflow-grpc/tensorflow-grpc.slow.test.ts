import { afterAll, beforeAll, expect, test } from 'vitest'
import { EXPECTED, IRIS, MIXED, openDialects } from '../../../../test/dialects.ts'
import { connect, type Failure } from '../../../../test/grpc-client.ts'
import {
  DataType,
  MODEL,
  PREDICTION,
  type PredictResponse,
  SignatureDefMap,
  type TensorProto,
} from './messages.ts'

type Answer = ReturnType<typeof PredictResponse.decode>
type Proto = ReturnType<typeof TensorProto.decode>

let gateway: Awaited<ReturnType<typeof openDialects>>
let client: ReturnType<typeof connect>
beforeAll(async () => {
  gateway = await openDialects()
  client = connect(await gateway.listen())
})
afterAll(async () => {
  client.close()
  await gateway.close()
})

const shape = (...sizes: number[]) => ({ dim: sizes.map((size) => ({ size })) })
const dtype = (name: string): number => DataType.values[name]!
const CELLS = IRIS.rows.flat() as number[]
const MATRIX = {
  dtype: dtype('DT_DOUBLE'),
  tensor_shape: shape(15, 4),
  tensor_content: Buffer.from(Float64Array.from(CELLS).buffer),
}
const predict = (inputs: Record<string, object>, changes: object = {}): Promise<Answer | Failure> =>
  client.call<Answer>(PREDICTION.Predict, {
    model_spec: { name: 'iris-lr' },
    inputs: new Map(Object.entries(inputs)),
    ...changes,
  })

test.each<[string, object]>([
  ['bytes', MATRIX],
  ['values', { ...MATRIX, tensor_content: Buffer.alloc(0), double_val: CELLS }],
])('Predict takes %s and answers values', async (_, tensor) => {
  const { outputs, model_spec } = (await predict({ 'input-0': tensor })) as Answer
  const [labels, probabilities] = [outputs.get('predict')!, outputs.get('predict_proba')!]

  expect(model_spec).toMatchObject({
    name: 'iris-lr',
    version: { value: 1 },
    signature_name: 'serving_default',
  })
  expect([labels.dtype, labels.tensor_shape!.dim.map(({ size }) => size)]).toEqual([dtype('DT_INT64'), [15]])
  expect(labels.int64_val).toEqual(EXPECTED['iris-lr']!.predict)
  expect(probabilities.tensor_shape!.dim.map(({ size }) => size)).toEqual([15, 3])
  const worst = EXPECTED['iris-lr']!.predict_proba.flat().map((value, index) =>
    Math.abs(value - probabilities.double_val[index]!),
  )
  expect(Math.max(...worst)).toBeLessThan(1e-13)
})

test('columns of text and numbers, the outputs that are filtered for', async () => {
  const rows = MIXED.rows
  const inputs = MIXED.names.map((name, index): [string, object] => {
    const values = rows.map((row) => row[index])
    const isText = typeof values[0] === 'string'
    const own = isText
      ? { dtype: dtype('DT_STRING'), string_val: values }
      : { dtype: dtype('DT_FLOAT'), float_val: values }
    return [name, { ...own, tensor_shape: shape(rows.length, 1) }]
  })

  const { outputs } = (await predict(Object.fromEntries(inputs), {
    model_spec: { name: 'mixed', version_label: 'v1' },
    output_filter: ['predict'],
  })) as Answer

  expect([...outputs.keys()]).toEqual(['predict'])
  expect(outputs.get('predict')!.string_val).toEqual(EXPECTED.mixed!.predict)
})

test('the last value stands for those that are left out; halves are bits', async () => {
  const tensor = { dtype: dtype('DT_FLOAT'), tensor_shape: shape(1, 4), float_val: [5.1, 0.5] }
  const whole = { ...tensor, float_val: [5.1, 0.5, 0.5, 0.5] }
  const half = {
    dtype: dtype('DT_HALF'),
    tensor_shape: shape(1, 4),
    half_val: [0x3c00, 0x4000, 0x4200, 0x4400],
  }

  const answers = (await Promise.all([tensor, whole].map((x) => predict({ x })))) as Answer[]
  const [a, b] = answers.map(({ outputs }) => (outputs.get('predict_proba') as Proto).double_val)

  expect(a).toEqual(b)
  const single = { ...whole, float_val: [1, 2, 3, 4] }
  expect(((await predict({ x: half })) as Answer).outputs).toEqual(
    ((await predict({ x: single })) as Answer).outputs,
  )
})

test.each<[number, string, Record<string, object>, object]>([
  [5, 'there is no deployment "nope"', {}, { model_spec: { name: 'nope' } }],
  [5, 'does not serve version "9"', {}, { model_spec: { name: 'iris-lr', version: { value: 9 } } }],
  [5, 'does not serve version "stable"', {}, { model_spec: { name: 'iris-lr', version_label: 'stable' } }],
  [
    3,
    'signature_name: expected serving_default, got "other"',
    {},
    { model_spec: { name: 'iris-lr', signature_name: 'other' } },
  ],
  [3, 'x: expected a dtype of DT_FLOAT', { x: { dtype: 8 } }, {}],
  [3, 'x: expected at most 16777216 elements', { x: { ...MATRIX, tensor_shape: shape(2 ** 40, 4) } }, {}],
  [
    3,
    'x: expected dimensions that are integers from 0',
    { x: { ...MATRIX, tensor_shape: shape(-1, 4) } },
    {},
  ],
  [
    3,
    'x: expected 480 bytes for FP64 of shape [15,4], got 8',
    { x: { ...MATRIX, tensor_content: Buffer.alloc(8) } },
    {},
  ],
  [
    3,
    'x: expected 4 elements as its shape [1,4] says, got 5',
    { x: { dtype: 1, tensor_shape: shape(1, 4), float_val: [1, 2, 3, 4, 5] } },
    {},
  ],
  [3, 'x: expected shape [-1,4]', { x: { dtype: 1, tensor_shape: shape(1, 3), float_val: [1, 2, 3] } }, {}],
  [3, 'outputs: the model has predict', { x: MATRIX }, { output_filter: ['nope'] }],
])('status %i: %s', async (status, message, inputs, changes) => {
  const { code, details } = (await predict(inputs, changes)) as Failure

  expect([code, details]).toEqual([status, expect.stringContaining(message)])
})

test('metadata is the signature', async () => {
  type Metadata = { metadata: ReadonlyMap<string, { value: Uint8Array; type_url: string }> }
  const { metadata } = (await client.call(PREDICTION.GetModelMetadata, {
    model_spec: { name: 'iris-lr' },
    metadata_field: ['signature_def'],
  })) as Metadata
  const { value, type_url } = metadata.get('signature_def')!
  const signature = SignatureDefMap.decode(value as Buffer).signature_def.get('serving_default')!

  expect(type_url).toBe('type.googleapis.com/tensorflow.serving.SignatureDefMap')
  expect(signature.method_name).toBe('tensorflow/serving/predict')
  expect([...signature.inputs.keys(), ...signature.outputs.keys()]).toEqual([
    'input-0',
    'predict',
    'predict_proba',
  ])
  expect(signature.inputs.get('input-0')).toMatchObject({
    dtype: dtype('DT_DOUBLE'),
    tensor_shape: { dim: [{ size: -1 }, { size: 4 }] },
  })
})

test('the status is that of the version served', async () => {
  expect(await client.call(MODEL.GetModelStatus, { model_spec: { name: 'mixed' } })).toEqual({
    model_version_status: [{ version: 1, state: 30, status: { error_code: 0, error_message: '' } }],
  })
})

test.each([
  [12, PREDICTION.Classify],
  [12, PREDICTION.Regress],
  [12, PREDICTION.MultiInference],
  [12, MODEL.HandleReloadConfigRequest],
])('status %i with a reason for $path', async (status, rpc) => {
  const { code, details } = (await client.call(rpc, {})) as Failure

  expect([code, details]).toEqual([status, expect.stringMatching(/ is not supported; (call|deploy) /)])
})
