import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bodyOf, type Recorded, readTrace } from '../../test/churn-trace.ts'
import {
  createChurnFolder,
  type createDataFolder,
  openGateway,
  removeDataFolder,
} from '../../test/gateway.ts'
import { requestOf, sendRaw } from '../../test/raw-http.ts'

const TRACE = readTrace()

/** Where this server answers differently on purpose. */
const DIFFERENCES: Readonly<Record<string, { status: number; reason: string }>> = {
  'deep-json-balanced-900': { status: 400, reason: 'bodies are nested at most 64 levels deep' },
}

const isJson = ({ response }: Recorded): boolean => response.content_type === 'application/json'
const differs = ({ name }: Recorded): boolean => name in DIFFERENCES
const same = TRACE.filter((one) => isJson(one) && [200, 400].includes(one.response.status) && !differs(one))
const failed = TRACE.filter((one) => one.response.status === 500)
const others = TRACE.filter((one) => !isJson(one))

let layout: Awaited<ReturnType<typeof createDataFolder>>
let gateway: Awaited<ReturnType<typeof openGateway>>
let port: number

beforeAll(async () => {
  layout = await createChurnFolder()
  gateway = await openGateway(layout)
  port = await gateway.listen()
})
afterAll(async () => {
  await gateway.close()
  await removeDataFolder(layout)
})

function replay({ request }: Recorded) {
  const { method, path, headers } = request
  const body = bodyOf(request)
  if (!headers.includes('Transfer-Encoding: chunked'))
    return sendRaw(port, requestOf(method, path, { headers, body }))
  const chunks = Buffer.concat([
    Buffer.from(`${body.length.toString(16)}\r\n`),
    body,
    Buffer.from('\r\n0\r\n\r\n'),
  ])
  return sendRaw(port, requestOf(method, path, { headers }), chunks)
}

test('the trace holds what these tests think it holds', () => {
  expect({
    all: TRACE.length,
    same: same.length,
    failed: failed.length,
    others: others.length,
  }).toMatchInlineSnapshot(`
    {
      "all": 177,
      "failed": 49,
      "others": 16,
      "same": 111,
    }
  `)
})

describe('what the old program answered is answered again, byte for byte', () => {
  test.each(same)('$name', async (recorded) => {
    const answer = await replay(recorded)

    expect(answer.body).toBe(recorded.response.body)
    expect(answer.status).toBe(recorded.response.status)
    expect(answer.headers['content-type']).toBe('application/json')
  })
})

describe('what the old program failed on is refused with a reason', () => {
  test.each(failed)('$name', async (recorded) => {
    const answer = await replay(recorded)

    expect(answer.status).toBe(400)
    expect(Object.keys(JSON.parse(answer.body))).toEqual(['error'])
    expect(answer.body).not.toContain('Prediction failed')
    expect(JSON.parse(answer.body).error.length).toBeGreaterThan(15)
    expect(answer.body.length).toBeLessThan(300)
  })
})

test('each way of being wrong has its own words', async () => {
  const words = new Map<string, string>()
  for (const recorded of failed) {
    const { error } = JSON.parse((await replay(recorded)).body)
    if (![...words.values()].includes(error)) words.set(recorded.name, error)
  }

  expect(Object.fromEntries(words)).toMatchInlineSnapshot(`
    {
      "all-lists": "days_since_last_order: expected a finite number, got a list of 2 (and 3 more)",
      "all-single-lists": "days_since_last_order: expected a finite number, got a list of 1 (and 3 more)",
      "body-array": "expected an object with one field per column, got a list of 1",
      "body-array-empty": "expected an object with one field per column, got a list of 0",
      "body-empty": "the body is not JSON: it is empty",
      "body-null": "expected an object with one field per column, got null",
      "body-number": "expected an object with one field per column, got the number 42",
      "body-string": "expected an object with one field per column, got the string "hello"",
      "body-true": "expected an object with one field per column, got true",
      "content-encoding-gzip-ignored": "Missing required field: days_since_last_order",
      "content-type-form": "expected content-type application/json, got application/x-www-form-urlencoded",
      "content-type-garbage": "expected content-type application/json, got ;;;",
      "content-type-missing": "expected content-type application/json, got none",
      "content-type-text": "expected content-type application/json, got text/plain",
      "deep-json-array-100000": "the body is not JSON: nested deeper than 64 levels at position 68; send flat rows",
      "invalid-utf8": "the body is not JSON: the bytes are not UTF-8",
      "list-value": "days_since_last_order: expected a finite number, got a list of 1",
      "literal-1e39-over-float32": "lifetime_value: contains infinity or a value too large for float32",
      "literal-1e400": "lifetime_value: expected a finite number, got a number beyond ±1.8e308",
      "literal-NaN": "the body is not JSON: expected a value at position 95 (line 1, column 96); JSON has no NaN and no Infinity: send null or the word in quotes where the field takes it",
      "literal-leading-zero": "the body is not JSON: expected "," or "}" at position 96 (line 1, column 97)",
      "literal-plus-sign": "the body is not JSON: expected a value at position 95 (line 1, column 96)",
      "malformed-comment": "the body is not JSON: expected a value at position 0 (line 1, column 1)",
      "malformed-single-quotes": "the body is not JSON: expected a field name in double quotes at position 1 (line 1, column 2); strings are written in double quotes",
      "malformed-trailing-comma": "the body is not JSON: expected a field name in double quotes at position 127 (line 1, column 128)",
      "malformed-truncated": "the body is not JSON: expected a value at position 122 (line 1, column 123)",
      "malformed-two-documents": "the body is not JSON: expected the end at position 127 (line 1, column 128)",
      "null-all": "days_since_last_order: expected a finite number, got null (and 3 more)",
      "null-days_since_last_order": "days_since_last_order: expected a finite number, got null",
      "null-email_open_rate": "email_open_rate: expected a finite number, got null",
      "null-lifetime_value": "lifetime_value: expected a finite number, got null",
      "null-total_orders": "total_orders: expected a finite number, got null",
      "object-value": "days_since_last_order: expected a finite number, got an object",
      "string-abc": "days_since_last_order: expected a finite number, got the string "abc"",
      "string-comma-decimal": "lifetime_value: expected a finite number, got the string "567,89"",
      "string-empty": "days_since_last_order: expected a finite number, got the string """,
      "string-hex": "days_since_last_order: expected a finite number, got the string "0x2d"",
      "string-inf": "days_since_last_order: expected a finite number, got the string "inf"",
      "string-nan": "days_since_last_order: expected a finite number, got the string "nan"",
    }
  `)
})

describe('deliberate differences', () => {
  test.each(TRACE.filter(differs))('$name', async (recorded) => {
    const answer = await replay(recorded)

    expect(answer.status).toBe(DIFFERENCES[recorded.name]!.status)
    expect(answer.status).not.toBe(recorded.response.status)
  })

  test('there are few', () => {
    expect(Object.keys(DIFFERENCES).length).toBeLessThanOrEqual(6)
  })
})

test('requests the old program answered in HTML are answered in kind', async () => {
  const statuses: Record<string, string> = {}
  for (const recorded of others) {
    const { status } = await replay(recorded)
    statuses[recorded.name] =
      status === recorded.response.status ? `${status}` : `${recorded.response.status} → ${status}`
  }

  expect(statuses).toMatchInlineSnapshot(`
    {
      "health-OPTIONS": "200",
      "health-POST": "405",
      "long-url": "400 → 200",
      "lower-method": "400",
      "path-traversal": "404 → 503",
      "predict-DELETE": "405",
      "predict-GET": "405",
      "predict-HEAD": "405",
      "predict-OPTIONS": "200",
      "predict-PUT": "405",
      "root": "404 → 200",
      "trailing-slash": "404",
      "unknown-method": "405 → 400",
      "unknown-path": "404 → 503",
      "unknown-path-POST": "404",
      "upper-path": "404 → 503",
    }
  `)
})
