import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  CHURN_ROW,
  churnDeployment,
  createDataFolder,
  openGateway,
  readLog,
  removeDataFolder,
  storeChurn,
  writeSnapshot,
} from '../../../test/gateway.ts'

const EXPECTED = JSON.parse(
  readFileSync(new URL('../../../../../examples/churn/expected.json', import.meta.url), 'utf8'),
) as {
  features: string[]
  rows: number[][]
  models: Record<string, { predict: number[]; predict_proba: number[][] }>
}
const BAD_ROW = { ...CHURN_ROW, total_orders: null }

let layout: Awaited<ReturnType<typeof createDataFolder>>
let gateway: Awaited<ReturnType<typeof openGateway>>

beforeAll(async () => {
  layout = await createDataFolder()
  const [v2, v3] = [await storeChurn(layout, 'v2'), await storeChurn(layout, 'v3')]
  await writeSnapshot(layout, 1, [
    await churnDeployment(v2),
    await churnDeployment(v3, { name: 'bare', default: false, decision: null, respond: null }),
    await churnDeployment(v2, { name: 'small', default: false, limits: { bodyBytes: 400, rows: 3 } }),
  ])
  gateway = await openGateway(layout, { maxBodyBytes: 1 << 20, maxRows: 1000 })
})
afterAll(async () => {
  await gateway.close()
  await removeDataFolder(layout)
})

async function predict(
  body: unknown,
  { name = 'churn', headers = {} }: { name?: string; headers?: Record<string, string> } = {},
) {
  const answer = await gateway.ask(`/api/v1/deployments/${name}/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  return { status: answer.status, headers: Object.fromEntries(answer.headers), json: answer.json() }
}

describe('one row', () => {
  test('is answered with label, probabilities and decision', async () => {
    const { status, headers, json } = await predict(
      { row: CHURN_ROW, id: 'order-7' },
      { headers: { 'request-id': 'r-1' } },
    )

    expect(status).toBe(200)
    expect(headers['request-id']).toBe('r-1')
    expect(headers['content-type']).toBe('application/json')
    expect(json).toMatchInlineSnapshot(`
      {
        "deployment": "churn",
        "model": "churn",
        "prediction": {
          "decision": {
            "band": "low",
            "outcome": "negative",
            "score": 0.13373134534209968,
          },
          "id": "order-7",
          "prediction": 0,
          "probabilities": {
            "0": 0.8662686546579004,
            "1": 0.13373134534209968,
          },
        },
        "version": {
          "label": "v2",
          "number": 2,
        },
      }
    `)
  })

  test('without an id is given one, different every time', async () => {
    const ids = await Promise.all(
      [1, 2, 3].map(async () => (await predict({ row: CHURN_ROW })).json.prediction.id),
    )

    expect(new Set(ids).size).toBe(3)
    expect(ids[0]).toMatch(/^prd_[0-9A-Z]{26}$/)
  })

  test('is answered without a decision where the deployment has none', async () => {
    const { json } = await predict({ row: CHURN_ROW }, { name: 'bare' })

    expect(Object.keys(json.prediction)).toEqual(['id', 'prediction', 'probabilities'])
  })

  test('can be answered with other methods, each once', async () => {
    const { json } = await predict({ row: CHURN_ROW, outputs: ['predict_proba', 'predict_proba'] })

    expect(json.prediction.outputs).toEqual({ predict_proba: [0.8662686546579004, 0.13373134534209968] })
  })

  test('with faults is refused as a whole, every fault named', async () => {
    const { status, headers, json } = await predict({
      row: { days_since_last_order: '45', total_orders: null, extra: 1 },
    })

    expect(status).toBe(400)
    expect(headers['content-type']).toBe('application/problem+json')
    expect({ ...json, request_id: '' }).toMatchInlineSnapshot(`
      {
        "code": "VALIDATION_FAILED",
        "detail": "5 values are not what was expected",
        "errors": [
          {
            "code": "wrong_type",
            "message": "days_since_last_order: expected a finite number, got the string "45"",
            "pointer": "/row/days_since_last_order",
          },
          {
            "code": "null",
            "message": "total_orders: expected a finite number, got null",
            "pointer": "/row/total_orders",
          },
          {
            "code": "missing",
            "message": "lifetime_value: expected a finite number, got nothing",
            "pointer": "/row/lifetime_value",
          },
          {
            "code": "missing",
            "message": "email_open_rate: expected a finite number, got nothing",
            "pointer": "/row/email_open_rate",
          },
          {
            "code": "unknown_field",
            "message": "extra: the model has no such field; it reads days_since_last_order, total_orders, lifetime_value, email_open_rate",
            "pointer": "/row/extra",
          },
        ],
        "request_id": "",
        "retryable": false,
        "status": 400,
        "title": "Invalid input",
        "type": "/docs/errors#VALIDATION_FAILED",
      }
    `)
  })

  test('that the model itself refuses is a fault of the field', async () => {
    const { status, json } = await predict({ row: { ...CHURN_ROW, lifetime_value: 1e39 } })

    expect(status).toBe(400)
    expect(json.errors).toMatchInlineSnapshot(`
      [
        {
          "code": "refused_by_model",
          "message": "lifetime_value: contains infinity or a value too large for float32",
          "pointer": "/row/lifetime_value",
        },
      ]
    `)
  })
})

describe.each(['v2', 'v3'])('500 rows of %s', (label) => {
  const { rows, features } = EXPECTED
  const name = label === 'v2' ? 'churn' : 'bare'
  const expected = EXPECTED.models[`churn_model_${label}`]!
  const probabilities = (json: { predictions: { probabilities: Record<string, number> }[] }) =>
    json.predictions.map((one) => [one.probabilities[0], one.probabilities[1]])

  test('as rows give what the training library gave, to the last bit', async () => {
    const objects = rows.map((row) =>
      Object.fromEntries(features.map((feature, index) => [feature, row[index]])),
    )
    const { json } = await predict({ rows: objects }, { name })

    expect(probabilities(json)).toEqual(expected.predict_proba)
    expect(json.predictions.map((one: { prediction: number }) => one.prediction)).toEqual(expected.predict)
  })

  test('as columns give the same', async () => {
    const columns = Object.fromEntries(
      features.map((feature, index) => [feature, rows.map((row) => row[index])]),
    )
    const { json } = await predict({ columns }, { name })

    expect(probabilities(json)).toEqual(expected.predict_proba)
  })
})

describe('several rows', () => {
  test('bad ones fail alone, in their place', async () => {
    const { status, json } = await predict({ rows: [CHURN_ROW, BAD_ROW, CHURN_ROW], ids: ['a', 'b', 'a'] })

    expect(status).toBe(200)
    expect(
      json.predictions.map((one: { id: string; prediction?: number }) => [one.id, one.prediction]),
    ).toEqual([
      ['a', 0],
      ['b', undefined],
      ['a', 0],
    ])
    expect(json.predictions[1].error).toMatchInlineSnapshot(`
      {
        "code": "VALIDATION_FAILED",
        "errors": [
          {
            "code": "null",
            "message": "total_orders: expected a finite number, got null",
            "pointer": "/rows/1/total_orders",
          },
        ],
      }
    `)
  })

  test('rows the model refuses fail alone, too', async () => {
    const tooBig = { ...CHURN_ROW, lifetime_value: 1e39 }
    const { json } = await predict({ rows: [tooBig, CHURN_ROW, tooBig, CHURN_ROW] })

    expect(json.predictions.map((one: { prediction?: number }) => one.prediction)).toEqual([
      undefined,
      0,
      undefined,
      0,
    ])
    expect(json.predictions[2].error.errors[0].pointer).toBe('/rows/2/lifetime_value')
  })

  test('all bad is an error with the first fifty faults and their number', async () => {
    const { status, json } = await predict({ rows: Array(40).fill({}) })

    expect(status).toBe(400)
    expect(json.errors).toHaveLength(50)
    expect(json.detail).toBe('160 values are not what was expected')
    expect(json.errors[4].pointer).toBe('/rows/1/days_since_last_order')
  })

  test('none is none', async () => {
    expect((await predict({ rows: [] })).json.predictions).toEqual([])
  })

  test('faults in columns are pointed at', async () => {
    const columns = Object.fromEntries(Object.entries(CHURN_ROW).map(([key, value]) => [key, [value, value]]))
    const { json } = await predict({ columns: { ...columns, total_orders: [12, 'x'] } })

    expect(json.predictions[1].error.errors[0].pointer).toBe('/columns/total_orders/1')
  })

  test('columns must be there, be lists and be of one length', async () => {
    const { status, json } = await predict({
      columns: { total_orders: [1, 2], lifetime_value: [1], email_open_rate: 3, 'a/b': [] },
    })

    expect(status).toBe(400)
    expect(json.errors).toMatchInlineSnapshot(`
      [
        {
          "code": "missing",
          "message": "days_since_last_order: expected a list of values, got nothing",
          "pointer": "/columns/days_since_last_order",
        },
        {
          "code": "wrong_length",
          "message": "lifetime_value: expected 2 values as in the first column, got 1",
          "pointer": "/columns/lifetime_value",
        },
        {
          "code": "wrong_type",
          "message": "email_open_rate: expected a list of values, got the number 3",
          "pointer": "/columns/email_open_rate",
        },
        {
          "code": "unknown_field",
          "message": "a~1b: the model has no such column",
          "pointer": "/columns/a~1b",
        },
      ]
    `)
  })
})

describe('requests that are not what was asked for', () => {
  test.each<[string, unknown]>([
    ['nothing', {}],
    ['two kinds of rows', { row: CHURN_ROW, rows: [CHURN_ROW] }],
    ['a bare row', CHURN_ROW],
    ['a list', [CHURN_ROW]],
    ['rows that are no list', { rows: { length: 1e9 } }],
    ['rows that are no objects', { rows: [1, null, 'x'] }],
    ['an unknown output', { row: CHURN_ROW, outputs: ['decision_function'] }],
    ['ids with one row', { row: CHURN_ROW, ids: ['a'] }],
    ['too few ids', { rows: [CHURN_ROW, CHURN_ROW], ids: ['a'] }],
    ['a long id', { row: CHURN_ROW, id: 'x'.repeat(257) }],
    ['a bad subject', { rows: [CHURN_ROW], subjects: [7] }],
  ])('%s', async (_name, body) => {
    const { status, json } = await predict(body)

    expect(status).toBe(400)
    expect(json.code).toBe('VALIDATION_FAILED')
    expect(
      json.errors.map((error: { pointer: string; message: string }) => `${error.pointer} ${error.message}`),
    ).toMatchSnapshot()
  })

  test.each([
    ['malformed', '{"row": {', 400, 'INVALID_JSON'],
    ['empty', '', 400, 'INVALID_JSON'],
    ['nested too deep', `{"row":${'['.repeat(70)}${']'.repeat(70)}}`, 400, 'INVALID_JSON'],
    ['1e999', '{"row":{"days_since_last_order":1e999}}', 400, 'VALIDATION_FAILED'],
    ['a prototype', '{"row":{"__proto__":{"x":1}},"__proto__":{"row":1}}', 400, 'VALIDATION_FAILED'],
  ])('%s', async (_name, body, status, code) => {
    const answer = await predict(body)

    expect({ status: answer.status, code: answer.json.code }).toEqual({ status, code })
  })

  test('of equal keys the last one counts', async () => {
    const text = JSON.stringify({ row: CHURN_ROW }).replace(
      '"total_orders":12',
      '"total_orders":"x","total_orders":12',
    )

    expect((await predict(text)).status).toBe(200)
  })

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx'])(
    'media type %s',
    async (type) => {
      const { status, json } = await predict({ row: CHURN_ROW }, { headers: { 'content-type': type } })

      expect({ status, code: json.code }).toEqual({ status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' })
    },
  )

  test.each(['application/json; charset=utf-8', 'application/vnd.acme+json', 'Application/JSON'])(
    'media type %s is JSON',
    async (type) => {
      expect((await predict({ row: CHURN_ROW }, { headers: { 'content-type': type } })).status).toBe(200)
    },
  )

  test('a deployment that is not there', async () => {
    const { status, json } = await predict({ row: CHURN_ROW }, { name: 'nope' })

    expect({ status, detail: json.detail }).toMatchInlineSnapshot(`
      {
        "detail": "there is no deployment "nope"; list them with GET /api/v1/deployments",
        "status": 404,
      }
    `)
  })

  test('a request id that could forge a log line is replaced', async () => {
    const { headers } = await predict({ row: CHURN_ROW }, { headers: { 'request-id': 'x y\u00e9' } })

    expect(headers['request-id']).toMatch(/^req_[0-9A-Z]{26}$/)
  })
})

describe('limits', () => {
  test('more rows than the deployment takes', async () => {
    const { status, json } = await predict({ rows: [{}, {}, {}, {}] }, { name: 'small' })

    expect({ status, code: json.code, detail: json.detail }).toMatchInlineSnapshot(`
      {
        "code": "TOO_MANY_ROWS",
        "detail": "4 rows in one request, at most 3 are taken; send several requests",
        "status": 413,
      }
    `)
  })

  test('more bytes than the deployment takes', async () => {
    const { status, json } = await predict({ row: CHURN_ROW, id: 'x'.repeat(400) }, { name: 'small' })

    expect({ status, code: json.code }).toEqual({ status: 413, code: 'BODY_TOO_LARGE' })
  })

  test('more bytes than the server takes', async () => {
    const { status, json } = await predict({ row: CHURN_ROW, id: 'x'.repeat(1 << 20) })

    expect({ status, code: json.code, detail: json.detail }).toMatchInlineSnapshot(`
      {
        "code": "BODY_TOO_LARGE",
        "detail": "the body is larger than 1048576 bytes; send fewer rows per request",
        "status": 413,
      }
    `)
  })
})

test('every answered row is in the log, once, with what was asked and answered', async () => {
  await predict(
    { rows: [CHURN_ROW, BAD_ROW], ids: ['logged', 'refused'], subjects: ['s1', 's2'] },
    { headers: { 'request-id': 'log-1' } },
  )
  const rows = (await readLog(layout, gateway.log)).filter((row) => row.requestId === 'log-1')

  expect(rows).toHaveLength(1)
  expect({ ...rows[0], timeMs: 0, latencyUs: 0, digest: '' }).toMatchInlineSnapshot(`
    {
      "decisionJson": "{"score":0.13373134534209968,"outcome":"negative","band":"low"}",
      "deployment": "churn",
      "digest": "",
      "featuresJson": "{"days_since_last_order":45,"total_orders":12,"lifetime_value":567.89,"email_open_rate":0.35}",
      "id": "logged",
      "label": "0",
      "latencyUs": 0,
      "model": "churn",
      "outputsJson": "{"prediction":0,"probabilities":{"0":0.8662686546579004,"1":0.13373134534209968}}",
      "requestId": "log-1",
      "score": 0.13373134534209968,
      "subject": "s1",
      "timeMs": 0,
      "variant": "stable",
      "version": 2,
      "versionLabel": "v2",
      "weight": null,
    }
  `)
})
