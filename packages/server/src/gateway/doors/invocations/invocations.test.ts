import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { EXPECTED, IRIS, MIXED, openDialects } from '../../../../test/dialects.ts'
import { readLog } from '../../../../test/gateway.ts'

let gateway: Awaited<ReturnType<typeof openDialects>>
beforeAll(async () => {
  gateway = await openDialects()
})
afterAll(() => gateway.close())

type Headers = Record<string, string>
const JSON_TYPE: Headers = { 'content-type': 'application/json' }
const CSV: Headers = { 'content-type': 'text/csv' }

function ask(path: string, body: unknown, headers: Headers = JSON_TYPE) {
  const sent = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body)
  return gateway.ask(path, { method: 'POST', headers, body: sent as string })
}
const MIXED_PATH = '/endpoints/mixed/invocations'
const CLASSES = EXPECTED['iris-lr']!.predict
const LABELS = EXPECTED.mixed!.predict
const records = MIXED.rows.map((row) => Object.fromEntries(MIXED.names.map((name, at) => [name, row[at]])))
const byColumn = Object.fromEntries(MIXED.names.map((name) => [name, records.map((record) => record[name])]))
const split = { columns: MIXED.names, index: MIXED.rows.map((_, at) => at), data: MIXED.rows }
const csvOf = (rows: readonly (readonly unknown[])[]): string =>
  rows.map((row) => `${row.join(',')}\n`).join('')
const utf16 = (value: unknown): Buffer =>
  Buffer.concat([Buffer.of(0xff, 0xfe), Buffer.from(JSON.stringify(value), 'utf16le')])

describe('all forms of rows', () => {
  const backwards = { columns: MIXED.names.toReversed(), data: MIXED.rows.map((row) => row.toReversed()) }
  const wider = { columns: [...MIXED.names, 'more'], data: MIXED.rows.map((row) => [...row, 0]) }
  test.each<[string, unknown, Headers?]>([
    ['dataframe_split', { dataframe_split: split }],
    ['dataframe_split in another order', { dataframe_split: backwards }],
    ['dataframe_split with another column', { dataframe_split: wider }],
    ['dataframe_records', { dataframe_records: records }],
    ['records with another key', { dataframe_records: records.map((row) => ({ ...row, more: 1 })) }],
    ['instances', { instances: records }],
    ['inputs by row', { inputs: records }],
    ['inputs by column', { inputs: byColumn }],
    ['lists in the model’s order', { instances: MIXED.rows }],
    ['rows alone', MIXED.rows],
    ['params, which are nobody’s', { inputs: byColumn, params: { temperature: 1 } }],
    ['UTF-16', utf16({ inputs: byColumn })],
    ['CSV', csvOf([MIXED.names, ...MIXED.rows]), { ...CSV, accept: 'application/json' }],
    [
      'CSV with a mark',
      `\ufeff${csvOf([MIXED.names, ...MIXED.rows])}`,
      { ...CSV, accept: 'application/json' },
    ],
    ['CSV without names', csvOf(MIXED.rows), { ...CSV, accept: 'application/json' }],
  ])('%s', async (_, body, headers) => {
    const answer = await ask(MIXED_PATH, body, headers)

    expect([answer.status, answer.json()]).toEqual([200, { predictions: LABELS }])
  })

  test.each<[string, string, Headers]>([
    ['names of the caller’s', csvOf([['a', 'b', 'c', 'd'], ...IRIS.rows]), CSV],
    ['no names', csvOf(IRIS.rows), CSV],
    [
      ...(['names, as the type says', csvOf([[1, 2, 3, 4], ...IRIS.rows])] as const),
      { 'content-type': 'text/csv; charset=UTF-8; header=present' },
    ],
  ])('CSV for a model without names: %s', async (_, body, headers) => {
    expect((await ask('/invocations', body, headers)).json()).toEqual({ predictions: CLASSES })
  })
})

const ROW = [5.1, 3.5, 1.4, 0.2]
const BAD = 'INVALID_PARAMETER_VALUE'
describe('a bad request is told', () => {
  test.each<[string, string, unknown, Headers?]>([
    ['BAD_REQUEST', 'the body is not JSON: it is empty', ''],
    [
      BAD,
      'expected an object with one of dataframe_split, dataframe_records, instances, inputs, got the number 3',
      '3',
    ],
    [
      BAD,
      'expected an object with one of dataframe_split, dataframe_records, instances, inputs, got none of them',
      { columns: [] },
    ],
    [
      BAD,
      'expected an object with one of dataframe_split, dataframe_records, instances, inputs, got instances and inputs',
      { inputs: [], instances: [] },
    ],
    [BAD, 'dataframe_split: expected an object, got a list of 0', { dataframe_split: [] }],
    [
      BAD,
      'dataframe_split: expected data, columns and index, got the string "zz"',
      { dataframe_split: { ...split, zz: 1 } },
    ],
    [BAD, 'data: expected a list of rows, got nothing', { dataframe_split: { columns: [] } }],
    [
      BAD,
      'columns: expected a list of names, got a list of 1',
      { dataframe_split: { columns: [1], data: [] } },
    ],
    [
      BAD,
      'city: expected a column of this name, got plan, age (and 1 more)',
      { dataframe_split: { columns: ['plan', 'age'], data: [] } },
    ],
    [
      BAD,
      'city: expected each column once',
      { dataframe_split: { columns: [...MIXED.names, 'city'], data: [] } },
    ],
    [
      BAD,
      'expected a row of 4 values (city, plan, age, income), got a list of 1',
      { dataframe_split: { ...split, data: [[1]] } },
    ],
    [BAD, 'dataframe_records: expected a list of rows, got an object', { dataframe_records: {} }],
    [BAD, 'age: expected a finite number, got the string "x"', csvOf([MIXED.names, ['a', 'b', 'x', 1]]), CSV],
    [BAD, 'expected a row of 4 values (city, plan, age, income), got a list of 2', 'Oslo,pro\n', CSV],
    [BAD, 'record 1: expected quotes around whole fields only', 'Oslo,pro,1,1\n"Oslo', CSV],
  ])('%s: %s', async (code, message, body, headers) => {
    const answer = await ask(MIXED_PATH, body, headers)

    const { error_code, message: got } = answer.json()
    expect([answer.status, error_code]).toEqual([400, code])
    expect(got).toContain(message)
  })

  test.each([
    ...['text/plain', 'application/octet-stream', 'application/vnd.apache.parquet', 'text/csv; x=1'],
    ...['application/json; format=pandas-split', 'application/json; charset=latin1', 'text/csv; header=no'],
  ])('of the type %s', async (type) => {
    const answer = await ask('/invocations', '{}', { 'content-type': type })

    expect([answer.status, answer.json().error_code]).toEqual([415, 'BAD_REQUEST'])
  })

  test('with a method it does not take', async () => {
    const answer = await gateway.ask('/invocations')

    expect([answer.status, answer.headers.get('allow'), Object.keys(answer.json())]).toEqual([
      ...[405, 'POST, OPTIONS', ['error_code', 'message']],
    ])
  })
})

describe('SageMaker', () => {
  test('reads CSV and is answered CSV', async () => {
    const answer = await ask(MIXED_PATH, csvOf(MIXED.rows), CSV)

    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8')
    expect(answer.text).toBe(csvOf(LABELS.map((label) => [label])))
    expect(answer.headers.get('x-amzn-invoked-production-variant')).toBe('v1')
  })

  test('is answered CSV by its container only when it asks for it', async () => {
    const usual = await ask('/invocations', csvOf([ROW]), CSV)
    const asked = await ask('/invocations', { instances: [ROW] }, { ...JSON_TYPE, accept: 'text/csv' })

    expect([usual.text, asked.text]).toEqual(['{"predictions":[0]}', '0\n'])
  })

  test('gets its custom attributes back, and its id into the log', async () => {
    const own = await openDialects()
    const invoke = (id: string, rows: unknown[]) =>
      own.ask('/endpoints/iris-lr/invocations', {
        method: 'POST',
        headers: {
          ...{ ...JSON_TYPE, 'x-amzn-sagemaker-inference-id': id },
          'x-amzn-sagemaker-custom-attributes': 'a=b',
        },
        body: JSON.stringify(rows),
      })

    const one = await invoke('one', [ROW])
    await invoke('two', [ROW, ROW])
    const refused = await invoke('x'.repeat(65), [ROW])

    expect(one.headers.get('x-amzn-sagemaker-custom-attributes')).toBe('a=b')
    expect([refused.status, refused.headers.get('x-amzn-errortype')]).toEqual([400, 'ValidationError'])
    expect((await readLog(own.layout, own.log)).map(({ id }) => id)).toEqual(['one', 'two-0', 'two-1'])
    await own.close()
  })

  test.each([
    ['/endpoints/iris-lr/invocations', { 'x-amzn-sagemaker-target-variant': 'v1' }, 200],
    ['/endpoints/iris-lr/invocations', { 'x-amzn-sagemaker-target-variant': 'AllTraffic' }, 200],
    ['/endpoints/iris-lr/invocations', { 'x-amzn-sagemaker-target-variant': 'v9' }, 404],
    ['/invocations', { 'x-amzn-sagemaker-target-model': 'iris-lr.tar.gz' }, 200],
    ['/invocations', { 'x-amzn-sagemaker-target-model': 'nope' }, 404],
  ])('%s means by %j', async (path, headers, status) => {
    const answer = await ask(path, [ROW], { ...JSON_TYPE, ...headers })

    expect(answer.status).toBe(status)
  })
})

test.each([
  ['/ping', 'application/json', '{"status":"Healthy"}'],
  ['/ping/', 'application/json', '{"status":"Healthy"}'],
  ['/version', 'text/plain', expect.stringMatching(/^\d+\.\d+\.\d+$/)],
])('GET %s', async (path, type, body) => {
  const answer = await gateway.ask(path)

  expect([answer.status, answer.headers.get('content-type'), answer.text]).toEqual([200, type, body])
})
