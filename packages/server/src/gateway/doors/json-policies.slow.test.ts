import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { IRIS, MIXED, openDialects } from '../../../test/dialects.ts'

/** docs/reference/limits.md#what-json-may-say: one policy each, over every door that takes JSON. */

let gateway: Awaited<ReturnType<typeof openDialects>>
beforeAll(async () => {
  gateway = await openDialects({ gateway: { jsonDepth: 10 } })
})
afterAll(() => gateway.close())

const [NAMES, ROW] = [MIXED.names, MIXED.rows[0]!]
const NUMBER = NAMES[ROW.findIndex((value) => typeof value === 'number' && !Number.isInteger(value))]!

/** How each door is given one row, which is JSON text, and where it puts what is beside it. */
const DOORS: Readonly<Record<string, readonly [path: string, body: (row: string) => string]>> = {
  native: ['/api/v1/deployments/mixed/predict', (row) => `{"row":${row}}`],
  plain: ['/predict/mixed', (row) => row],
  V1: ['/v1/models/mixed:predict', (row) => `{"instances":[${row}]}`],
  SageMaker: ['/endpoints/mixed/invocations', (row) => `{"inputs":[${row}]}`],
  TorchServe: ['/predictions/mixed', (row) => row],
}
/** The plain and native doors are strict; the dialects read values as numpy and pandas do. */
const isStrict = (door: string): boolean => door === 'native' || door === 'plain'

const rowOf = (changes: Readonly<Record<string, string>> = {}): string =>
  `{${NAMES.map((name, i) => `${JSON.stringify(name)}:${changes[name] ?? JSON.stringify(ROW[i])}`).join(',')}}`

const ask = async (door: string, text: string) => {
  const [path, body] = DOORS[door]!
  const headers = { 'content-type': 'application/json' }
  const { status, text: answer } = await gateway.ask(path, { method: 'POST', headers, body: body(text) })
  // Every prediction has an id of its own.
  return { status, answer: answer.replace(/"id":"[^"]+"/, '') }
}

describe.each(Object.keys(DOORS))('%s', (door) => {
  test('of equal keys the last one counts', async () => {
    const twice = rowOf().replace('{', `{${JSON.stringify(NUMBER)}:-1e6,`)

    expect(await ask(door, twice)).toEqual(await ask(door, rowOf()))
  })

  test.each(['__proto__', 'constructor', 'toString'])('%s is a key like any other', async (name) => {
    const more = rowOf().replace('{', `{${JSON.stringify(name)}:{${JSON.stringify(NUMBER)}:-1e6},`)
    const other = rowOf().replace('{', '{"unheard_of":1,')

    expect((await ask(door, more)).status).toBe((await ask(door, other)).status)
    expect(({} as Record<string, unknown>)[NUMBER]).toBeUndefined()
  })

  test('an integer beyond 2^53 is the nearest double in a column of numbers', async () => {
    const [odd, even] = [
      await ask(door, rowOf({ [NUMBER]: '9007199254740993' })),
      await ask(door, rowOf({ [NUMBER]: '9007199254740992' })),
    ]

    expect(odd.status).toBe(200)
    expect(odd).toEqual(even)
  })

  test('a number beyond float64 is refused', async () => {
    expect((await ask(door, rowOf({ [NUMBER]: '1e999' }))).status).toBe(400)
  })

  test('NaN is refused as no JSON, or read as null', async () => {
    const nan = await ask(door, rowOf({ [NUMBER]: 'NaN' }))

    if (isStrict(door))
      expect(nan).toMatchObject({ status: 400, answer: expect.stringContaining('the body is not JSON') })
    else expect(nan.status).toBe((await ask(door, rowOf({ [NUMBER]: 'null' }))).status)
  })

  test('more levels than the limit are refused unparsed', async () => {
    const deep = await ask(door, rowOf({ [NUMBER]: '['.repeat(11) }))

    expect(deep).toMatchObject({
      status: 400,
      answer: expect.stringContaining('nested deeper than 10 levels'),
    })
  })

  test('text behind the document, and bytes that are not UTF-8, are refused', async () => {
    const [path] = DOORS[door]!
    const bytes = Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d])
    const notText = await gateway.ask(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: bytes,
    })

    expect([(await ask(door, `${rowOf()}}`)).status, notText.status]).toEqual([400, 400])
  })
})

describe('V2, whose rows are tensors', () => {
  const tensor = (data: string, beside = ''): string =>
    `{${beside}"inputs":[{"name":"a","datatype":"FP64","shape":[1,4],"data":[${data}]}]}`
  const infer = async (body: string) => {
    const { status, text } = await gateway.ask('/v2/models/iris-lr/infer', { method: 'POST', body })
    return { status, text }
  }
  const row = IRIS.rows[0]!.slice(0, 3).join(',')

  test('the same policies', async () => {
    const normal = await infer(tensor(`${row},1`))

    expect(normal.status).toBe(200)
    expect(await infer(tensor(`${row},1`, '"inputs":[],'))).toEqual(normal)
    expect(await infer(tensor(`${row},1`, '"__proto__":{"inputs":[]},'))).toEqual(normal)
    expect(await infer(tensor(`${row},9007199254740993`))).toEqual(
      await infer(tensor(`${row},9007199254740992`)),
    )
    expect((await infer(tensor(`${row},1e999`))).status).toBe(400)
    expect((await infer(tensor(`${row},NaN`))).status).toBe((await infer(tensor(`${row},null`))).status)
    expect((await infer(tensor(`${row},${'['.repeat(11)}`))).text).toContain('nested deeper than 10 levels')
    expect((await infer(`${tensor(`${row},1`)}}`)).status).toBe(400)
  })
})
