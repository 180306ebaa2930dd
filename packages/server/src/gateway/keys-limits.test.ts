import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  CHURN_ROW,
  churnDeployment,
  createDataFolder,
  openGateway,
  removeDataFolder,
  storeChurn,
  writeSnapshot,
} from '../../test/gateway.ts'
import { connect, type Failure } from '../../test/grpc-client.ts'
import { UNBOUND } from '../access/permission.ts'
import { createSecret, hashOf } from '../access/secret.ts'
import { ModelInferRequest } from './doors/v2-grpc/messages.ts'
import { INFERENCE } from './doors/v2-grpc/services.ts'

const RESOURCE_EXHAUSTED = 8
const [UNAUTHENTICATED, INVALID_ARGUMENT] = [16, 3]
const WRONG_KEYS = 5
const SECRETS = {
  rest: createSecret('mws_'),
  grpc: createSecret('mws_'),
  jobs: createSecret('mws_'),
  ready: createSecret('mws_'),
  other: createSecret('mws_'),
}

let layout: Awaited<ReturnType<typeof createDataFolder>>
let gateway: Awaited<ReturnType<typeof openGateway>>
beforeAll(async () => {
  layout = await createDataFolder()
  // So slow that no test sees it filled.
  const limits = { ratePerKey: { perSecond: 0.01, burst: 2 } }
  const churn = await churnDeployment(await storeChurn(layout, 'v2'), { limits })
  const keys = Object.entries(SECRETS).map(([id, secret]) => ({
    ...{ id, name: id, hash: hashOf(secret), scopes: ['predict' as const], ...UNBOUND },
    expires_at: null,
  }))
  await writeSnapshot(layout, 1, [churn, { ...churn, name: 'free', default: false, limits: null }], keys)
  const access = { boundToLoopback: true, loginRequired: true, allowedHosts: [] }
  gateway = await openGateway(layout, { access, gateway: { wrongKeys: WRONG_KEYS } })
})
afterAll(async () => {
  await gateway.close()
  await removeDataFolder(layout)
})

const post = (path: string, secret: string, body: object = { row: CHURN_ROW }) =>
  gateway.ask(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${secret}` },
    body: JSON.stringify(body),
  })
const churn = (secret: string) => post('/api/v1/deployments/churn/predict', secret)

test('a key that asks too often is told when to ask again, in the words of every dialect; other keys are answered', async () => {
  const first = [await churn(SECRETS.rest), await post('/predict', SECRETS.rest, CHURN_ROW)]
  const refused = await Promise.all([
    churn(SECRETS.rest),
    post('/predict', SECRETS.rest, CHURN_ROW),
    post('/v1/models/churn:predict', SECRETS.rest, { instances: [CHURN_ROW] }),
    post('/v2/models/churn/infer', SECRETS.rest, {}),
    post('/invocations', SECRETS.rest, { inputs: [CHURN_ROW] }),
    post('/endpoints/churn/invocations', SECRETS.rest, { inputs: [CHURN_ROW] }),
    post('/predictions/churn', SECRETS.rest, CHURN_ROW),
  ])

  expect(first.map(({ status }) => status)).toEqual([200, 200])
  for (const { status, headers } of refused) {
    expect(status).toBe(429)
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(90)
  }
  expect(refused.map(({ json }) => Object.keys(json())[0])).toEqual([
    'type',
    'error',
    'error',
    'error',
    'error_code',
    'error_code',
    'code',
  ])
  expect((await churn(SECRETS.other)).status).toBe(200)
  expect((await post('/predict/free', SECRETS.rest, CHURN_ROW)).status).toBe(200)
})

test('questions by key of what was computed beforehand count as predictions do', async () => {
  const authorization = `Bearer ${SECRETS.ready}`
  const ask = () =>
    gateway.ask('/api/v1/deployments/churn/precomputed/CUST_00001', { headers: { authorization } })

  // The deployment has none: that is told as long as the key may ask.
  const answers = [await ask(), await churn(SECRETS.ready), await ask(), await churn(SECRETS.ready)]

  expect(answers.map(({ status }) => status)).toEqual([404, 200, 429, 429])
  expect(Number(answers[2]!.headers.get('retry-after'))).toBeGreaterThan(90)
  expect(answers[2]!.json()).toMatchObject({ code: 'RATE_LIMITED' })
  expect(gateway.metrics.errors.with('precomputed', 'churn', 'RATE_LIMITED').value).toBe(1)
})

test('over gRPC, too', async () => {
  const client = connect(await gateway.listen())
  const ask = async () =>
    (await client.callBytes(INFERENCE.ModelInfer.path, ModelInferRequest.encode({ model_name: 'churn' }), {
      metadata: { authorization: `Bearer ${SECRETS.grpc}` },
    }).answer) as Failure

  const codes = [(await ask()).code, (await ask()).code, (await ask()).code]
  client.close()

  expect(codes).toEqual([INVALID_ARGUMENT, INVALID_ARGUMENT, RESOURCE_EXHAUSTED])
})

test('a request that is answered later is counted when it is accepted, not when it is answered', async () => {
  await gateway.jobs.start(gateway.answer)
  const accepted = []
  for (let i = 0; i < 3; i++)
    accepted.push(await post('/api/v1/deployments/churn/predict?async=1', SECRETS.jobs))
  const [job] = accepted
  const done = await gateway.ask(`${job!.json().url}?wait=10`, {
    headers: { authorization: `Bearer ${SECRETS.jobs}` },
  })

  expect(accepted.map(({ status }) => status)).toEqual([202, 202, 429])
  expect(done.json()).toMatchObject({ state: 'done', status: 200 })
})

test('who sends too many wrong keys is told to stop, and good keys of the same address are answered', async () => {
  const free = (secret: string) => post('/predict/free', secret, CHURN_ROW)
  const wrong = []
  for (let i = 0; i < WRONG_KEYS + 2; i++) wrong.push(await free(createSecret('mws_')))
  const client = connect(await gateway.listen())
  const overGrpc = (await client.callBytes(INFERENCE.ModelReady.path, Buffer.alloc(0), {
    metadata: { authorization: `Bearer ${createSecret('mws_')}` },
  }).answer) as Failure
  const without = (await client.callBytes(INFERENCE.ModelReady.path, Buffer.alloc(0)).answer) as Failure
  client.close()

  expect(wrong.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401, 429, 429])
  expect(Number(wrong.at(-1)!.headers.get('retry-after'))).toBeGreaterThan(30)
  expect(wrong.at(-1)!.json()).toMatchObject({ code: 'TOO_MANY_WRONG_KEYS' })
  expect([overGrpc.code, without.code]).toEqual([RESOURCE_EXHAUSTED, UNAUTHENTICATED])
  expect((await free(SECRETS.other)).status).toBe(200)
})
