import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { EXPECTED, IRIS, MIXED, openDialects } from '../../../test/dialects.ts'

/** Identical rows get identical answers, whichever door they come through. */

let gateway: Awaited<ReturnType<typeof openDialects>>
beforeAll(async () => {
  gateway = await openDialects()
  await gateway.listen()
})
afterAll(() => gateway.close())

type Table = {
  readonly model: string
  readonly names: readonly string[]
  readonly rows: readonly unknown[][]
}
type Answers = { readonly labels: unknown[]; readonly probabilities?: number[] }
type Ask = (table: Table) => Promise<Answers>

async function post(path: string, body: unknown, headers: Record<string, string> = {}) {
  const sent = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body)
  const answer = await gateway.ask(path, {
    ...{ method: 'POST', body: sent as string, headers: { 'content-type': 'application/json', ...headers } },
  })
  expect(answer.status, answer.text).toBe(200)
  return answer.json()
}

const records = ({ names, rows }: Table) =>
  rows.map((row) => Object.fromEntries(names.map((name, column) => [name, row[column]])))
const columns = ({ names, rows }: Table) =>
  Object.fromEntries(names.map((name, column) => [name, rows.map((row) => row[column])]))
const csv = ({ names, rows }: Table) => [names, ...rows].map((row) => row.join(',')).join('\n')

type Native = { readonly prediction: unknown; readonly probabilities: Record<string, number> }
const ofNative = (predictions: readonly Native[]): Answers => ({
  labels: predictions.map(({ prediction }) => prediction),
  probabilities: predictions.flatMap(({ probabilities }) => Object.values(probabilities)),
})
const ofV2 = ({ outputs }: { outputs: { data: unknown[] }[] }): Answers => ({
  labels: outputs[0]!.data,
  probabilities: outputs[1]!.data as number[],
})
const ofV1 = ({ predictions }: { predictions: unknown[] }): Answers => ({ labels: predictions })

const native =
  (body: (table: Table) => unknown): Ask =>
  async (table) =>
    ofNative((await post(`/api/v1/deployments/${table.model}/predict`, body(table))).predictions)
const v2 =
  (inputs: (table: Table) => unknown): Ask =>
  async (table) =>
    ofV2(await post(`/v2/models/${table.model}/infer`, { inputs: inputs(table) }))
const v1 =
  (body: (table: Table) => object): Ask =>
  async (table) => {
    const path = `/v1/models/${table.model}:predict`
    const scored = await post(path, { ...body(table), signature_name: 'predict_proba' })
    return { ...ofV1(await post(path, body(table))), probabilities: scored.predictions.flat() }
  }
const invocations =
  (body: (table: Table) => unknown, type = 'application/json'): Ask =>
  async (table) =>
    ofV1(
      await post(`/endpoints/${table.model}/invocations`, body(table), {
        ...{ 'content-type': type, accept: 'application/json' },
      }),
    )

/** Tensors in bytes; texts are each behind their length. */
const bytesOf = (values: readonly unknown[]): Buffer =>
  typeof values[0] === 'number'
    ? Buffer.from(Float64Array.from(values as number[]).buffer)
    : Buffer.concat(
        values.flatMap((value) => {
          const text = Buffer.from(String(value))
          return [Buffer.from(Uint32Array.of(text.length).buffer), text]
        }),
      )
const binary: Ask = async (table) => {
  const tensors = Object.entries(columns(table)).map(([name, values]) => ({
    name,
    values,
    bytes: bytesOf(values),
  }))
  const json = Buffer.from(
    JSON.stringify({
      inputs: tensors.map(({ name, values, bytes }) => ({
        ...{ name, shape: [values.length, 1], datatype: typeof values[0] === 'number' ? 'FP64' : 'BYTES' },
        parameters: { binary_data_size: bytes.length },
      })),
    }),
  )
  const body = Buffer.concat([json, ...tensors.map(({ bytes }) => bytes)])
  return ofV2(
    await post(`/v2/models/${table.model}/infer`, body, {
      'inference-header-content-length': `${json.length}`,
    }),
  )
}
const tensorsOf = (table: Table) =>
  Object.entries(columns(table)).map(([name, data]) => ({
    ...{ name, data, shape: [data.length], datatype: typeof data[0] === 'number' ? 'FP64' : 'BYTES' },
  }))

const DOORS: Readonly<Record<string, Ask>> = {
  plain: async (table) =>
    ofNative(await Promise.all(records(table).map((row) => post(`/predict/${table.model}`, row)))),
  'native rows': native((table) => ({ rows: records(table) })),
  'native columns': native((table) => ({ columns: columns(table) })),
  'V2 columns': v2(tensorsOf),
  'V2 matrix': v2(({ rows }) => [
    { name: 'x', shape: [rows.length, 4], datatype: 'BYTES', data: rows.flat().map(String) },
  ]),
  'V2 binary': binary,
  'V1 instances': v1(({ rows }) => ({ instances: rows })),
  'V1 records': v1((table) => ({ instances: records(table) })),
  'V1 inputs': v1((table) => ({ inputs: columns(table) })),
  'MLflow split': invocations(({ names, rows }) => ({ dataframe_split: { columns: names, data: rows } })),
  'MLflow records': invocations((table) => ({ dataframe_records: records(table) })),
  'MLflow inputs': invocations((table) => ({ inputs: columns(table) })),
  'MLflow CSV': invocations(csv, 'text/csv'),
  'SageMaker CSV': invocations(({ rows }) => rows.map((row) => row.join(',')).join('\n'), 'text/csv'),
  TorchServe: async (table) => ({ labels: await post(`/predictions/${table.model}`, records(table)) }),
}

const IRIS_TABLE: Table = { model: 'iris-lr', names: ['x0', 'x1', 'x2', 'x3'], rows: IRIS.rows }
const MIXED_TABLE: Table = { model: 'mixed', ...MIXED }
describe.each([
  ['numbers without names', IRIS_TABLE],
  ['named columns of text and numbers', MIXED_TABLE],
])('%s', (_, table) => {
  const answers = new Map<string, Answers>()
  beforeAll(async () => {
    for (const [door, ask] of Object.entries(DOORS)) answers.set(door, await ask(table))
  })

  test.each(Object.keys(DOORS))('%s answers what the library does', (door) => {
    expect(answers.get(door)!.labels).toEqual(EXPECTED[table.model]!.predict)
  })

  const scored = Object.keys(DOORS).filter((door) => /^(plain|native|V)/.test(door))
  const pairs = scored.flatMap((one, at) => scored.slice(at + 1).map((other) => [one, other] as const))
  test.each(pairs)('%s and %s agree to the last bit', (one, other) => {
    expect(answers.get(one)!.probabilities).toHaveLength(EXPECTED[table.model]!.predict_proba.flat().length)
    expect(answers.get(one)!.probabilities).toEqual(answers.get(other)!.probabilities)
  })
})
