import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Control } from '../control/open.ts'
import { openTestControl, temporaryFolder } from '../control/testing.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let control: Control

beforeAll(async () => {
  folder = await temporaryFolder()
  control = await openTestControl(folder.path)
})
afterAll(async () => {
  await control.close()
  await folder[Symbol.asyncDispose]()
})

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
