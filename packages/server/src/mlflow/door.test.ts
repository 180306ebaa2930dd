import { afterAll, expect, test } from 'vitest'
import { openSharedControl } from '../control/testing.ts'

const { control, close } = await openSharedControl()
afterAll(close)

async function ask(method: 'GET' | 'POST', url: string, payload?: unknown, type = 'application/json') {
  const reply = await control.app.inject({
    method,
    url,
    headers: payload === undefined ? {} : { 'content-type': type },
    ...(payload === undefined
      ? {}
      : { payload: typeof payload === 'string' ? payload : JSON.stringify(payload) }),
  })
  return { status: reply.statusCode, body: reply.json() }
}

test.each(['/api/2.0/mlflow', '/api/3.0/mlflow', '/ajax-api/2.0/mlflow', '/ajax-api/3.0/mlflow'])(
  'the default experiment is there at %s',
  async (prefix) => {
    const { status, body } = await ask('GET', `${prefix}/experiments/get?experiment_id=0`)

    expect(status).toBe(200)
    expect(body.experiment).toMatchObject({ name: 'Default', artifact_location: 'mlflow-artifacts:/0' })
  },
)

test('a body of another type, and one that cannot be read, are the caller’s fault', async () => {
  const url = '/api/2.0/mlflow/experiments/create'

  expect(await ask('POST', url, 'name=a', 'application/x-www-form-urlencoded')).toEqual({
    status: 400,
    body: {
      error_code: 'INVALID_PARAMETER_VALUE',
      message: "Bad Request. Content-Type must be one of ['application/json'].",
    },
  })
  expect((await ask('POST', url, '{"name":')).body.message).toMatch(
    /^Missing value for required parameter 'name'/,
  )
  expect((await ask('POST', url, JSON.stringify('{"name": "twice"}'))).status).toBe(200)
})

test('what there is not is said in MLflow’s words', async () => {
  expect(await ask('GET', '/api/2.0/mlflow/traces')).toEqual({
    status: 404,
    body: { error_code: 'ENDPOINT_NOT_FOUND', message: 'There is no GET /api/2.0/mlflow/traces' },
  })
})

test('a text with U+0000 is refused in words, whatever database there is', async () => {
  const created = await ask('POST', '/api/2.0/mlflow/experiments/create', { name: 'a\u0000b' })
  const searched = await ask('POST', '/api/2.0/mlflow/runs/search', {
    experiment_ids: ['0'],
    filter: "params.p = 'a\u0000b'",
  })
  const listed = await ask('POST', '/api/2.0/mlflow/runs/search', {
    experiment_ids: ['0'],
    filter: "run_id IN ('a\u0000b')",
  })

  const refusal = {
    status: 400,
    body: {
      error_code: 'INVALID_PARAMETER_VALUE',
      message: 'a text holds the character U+0000 (NUL), which no text here may hold; leave it out',
    },
  }
  expect([created, searched, listed]).toEqual([refusal, refusal, refusal])
})

test('the largest int64 comes back as the largest number below it, and the run can be read', async () => {
  const { body } = await ask('POST', '/api/2.0/mlflow/runs/create', { experiment_id: '0' })
  const run_id = body.run.info.run_id as string
  const largest = '9223372036854775807'
  const logged = await ask('POST', '/api/2.0/mlflow/runs/log-metric', {
    ...{ run_id, key: 'm', value: 1, timestamp: largest, step: largest },
  })
  const history = await ask('GET', `/api/2.0/mlflow/metrics/get-history?run_id=${run_id}&metric_key=m`)

  expect(logged.status).toBe(200)
  expect(history.body.metrics).toMatchObject([{ key: 'm', value: 1 }])
  expect(Number(history.body.metrics[0].step)).toBe(2 ** 63 - 1024)
})
