import { afterAll, beforeAll, expect, test } from 'vitest'
import { EXPECTED, IRIS, MIXED, openDialects } from '../../../../test/dialects.ts'

let gateway: Awaited<ReturnType<typeof openDialects>>
beforeAll(async () => {
  gateway = await openDialects()
})
afterAll(() => gateway.close())

type Asked = { readonly method?: string; readonly type?: string; readonly body: string }
async function ask(path: string, { method = 'POST', type, body }: Asked) {
  const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type }
  const answer = await gateway.ask(path, { method, headers, body: Buffer.from(body) as never })
  return { status: answer.status, json: answer.json() }
}

const CLASSES = EXPECTED['iris-lr']!.predict
const INSTANCES = JSON.stringify({ instances: IRIS.rows })
const FORM = 'multipart/form-data; boundary=B'
const part = (name: string, text: string): string =>
  `--B\r\nContent-Disposition: form-data; name="${name}"; filename="a.json"\r\nContent-Type: application/json\r\n\r\n${text}\r\n`

test.each<[string, string, Asked]>([
  ['instances', 'iris-lr', { body: INSTANCES }],
  ['inputs', 'iris-lr', { body: JSON.stringify({ inputs: IRIS.rows }) }],
  ['a matrix', 'iris-lr', { body: JSON.stringify({ inputs: { x: IRIS.rows } }) }],
  ['rows alone', 'iris-lr', { body: JSON.stringify(IRIS.rows) }],
  ['a version', 'iris-lr/1', { body: INSTANCES }],
  ['a slash at the end', 'iris-lr/', { body: INSTANCES }],
  ['curl -T', 'iris-lr', { method: 'PUT', body: INSTANCES }],
  ['another type', 'iris-lr', { type: 'application/octet-stream', body: INSTANCES }],
  ['curl -F', 'iris-lr', { type: FORM, body: `${part('more', 'x')}${part('data', INSTANCES)}--B--\r\n` }],
])('%s', async (_, path, asked) => {
  expect(await ask(`/predictions/${path}`, asked)).toEqual({ status: 200, json: CLASSES })
})

test('one row as an object', async () => {
  const row = Object.fromEntries(MIXED.names.map((name, at) => [name, MIXED.rows[0]![at]]))

  const { json } = await ask('/models/mixed/invoke', { body: JSON.stringify(row) })

  expect(json).toEqual([EXPECTED.mixed!.predict[0]])
})

const PATH = '/predictions/iris-lr'
test.each<[string, string, string, Asked]>([
  ['400 BadRequestException', 'the body is not JSON: it is empty', PATH, { body: '' }],
  ['400 BadRequestException', 'expected rows: a list or an object, got the number 1', PATH, { body: '1' }],
  ['400 BadRequestException', 'a part named data', PATH, { type: FORM, body: `${part('x', '[]')}--B--` }],
  ['400 BadRequestException', 'a part named data', PATH, { type: FORM, body: '--B\r\n--B' }],
  ['400 BadRequestException', 'is not offered', '/explanations/iris-lr', { body: INSTANCES }],
  ['404 ModelNotFoundException', 'there is no deployment "x"', '/predictions/x', { body: INSTANCES }],
  ['404 ModelVersionNotFoundException', 'does not serve version "9.9"', `${PATH}/9.9`, { body: INSTANCES }],
  ['405 MethodNotAllowedException', 'does not take DELETE', PATH, { method: 'DELETE', body: '' }],
])('%s: %s', async (error, message, path, asked) => {
  const { status, json } = await ask(path, asked)

  expect(`${status} ${json.type}`).toBe(error)
  expect(json).toEqual({ code: status, type: json.type, message: expect.stringContaining(message) })
})

const MODEL = { modelName: 'mixed', modelUrl: 'mixed', modelVersion: '1' }
test.each([
  ['/models', { models: expect.arrayContaining([{ modelName: 'mixed', modelUrl: 'mixed' }]) }],
  ['/models/mixed', [expect.objectContaining(MODEL)]],
  ['/models/mixed/1', [expect.objectContaining(MODEL)]],
  ['/models/mixed/all', [expect.objectContaining(MODEL)]],
])('GET %s', async (path, expected) => {
  expect((await gateway.ask(path)).json()).toEqual(expected)
})
