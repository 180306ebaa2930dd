import { parseRule } from '@millwright/contracts'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  ask,
  openSharedControl,
  openTestControl,
  readChurn,
  temporaryFolder,
  upload,
} from '../control/testing.ts'
import { createKey } from '../keys/create.ts'

const FILES = { 1: 'v2', 2: 'v3', 3: 'bad' } as const
const AUC = { 1: 0.8591, 2: 0.8643, 3: 0.6276 } as const
const RULES = '/api/v1/models/churn/aliases/production/rules'
const ALIAS = '/api/v1/models/churn/aliases/production'
const PROMOTE = '/api/v1/deployments/churn/promote'

let app: FastifyInstance

/** A run that scored, and the version it made. */
async function addScored(number: 1 | 2 | 3): Promise<void> {
  const run = await ask(app, 'POST', '/api/2.0/mlflow/runs/create', { experiment_id: '0' })
  const { run_id } = (run.body.run as { info: { run_id: string } }).info
  const metric = { run_id, key: 'roc_auc', value: AUC[number], timestamp: 1 }
  await ask(app, 'POST', '/api/2.0/mlflow/runs/log-metric', metric)
  const digest = await upload(app, await readChurn(FILES[number]))
  const made = await ask(app, 'POST', '/api/v1/models/churn/versions', { digest, run_id })
  expect(made).toMatchObject({ status: 201, body: { number } })
}

const setRules = (...rules: string[]) => ask(app, 'PUT', RULES, { rules: rules.map(parseRule) })
const served = async () =>
  ((await ask(app, 'GET', '/api/v1/deployments/churn')).body.version as { number: number }).number
const events = async (type: string) =>
  (await ask(app, 'GET', `/api/v1/events?type=${type}`)).body.data as { subject: string; data: object }[]

const { control, close } = await openSharedControl()
afterAll(close)
beforeAll(async () => {
  app = control.app
  for (const number of [1, 2, 3] as const) await addScored(number)
  await ask(app, 'POST', '/api/v1/deployments', { name: 'churn', model: 'churn', version: 1 })
})

test('rules are set in revisions, with who and why; the same again is none', async () => {
  const none = await ask(app, 'GET', RULES)
  const first = await setRules('roc_auc >= production + 0.002')
  const again = await setRules('roc_auc >= production + 0.002')
  const second = await ask(app, 'PUT', RULES, { rules: [], reason: 'for a test' })
  const history = await ask(app, 'GET', `${RULES}/history`)

  expect(none.body).toMatchObject({ revision: 0, rules: [], by: null })
  expect([first, again, second].map(({ body }) => body.revision)).toEqual([1, 1, 2])
  expect(history.body.data).toMatchObject([
    { revision: 2, rules: [], by: 'ana', reason: 'for a test' },
    { revision: 1, by: 'ana' },
  ])
})

test.each([
  ['promote', () => ask(app, 'POST', PROMOTE, { version: 3 })],
  ['a change of the deployment', () => ask(app, 'PATCH', '/api/v1/deployments/churn', { version: 3 })],
  ['the alias', () => ask(app, 'PUT', ALIAS, { version: 3 })],
])(
  'a worse version is refused by way of %s, with the figures, and the refusal is kept',
  async (_, promote) => {
    await setRules('roc_auc >= production + 0.002', 'size <= 50 MB')
    const before = (await events('promotion.refused')).length

    const { status, body } = await promote()

    expect({ status, code: body.code, errors: body.errors }).toEqual({
      ...{ status: 409, code: 'PROMOTION_REFUSED' },
      errors: [
        {
          ...{ pointer: '/rules/0', code: 'metric' },
          message: 'roc_auc >= production + 0.002: 0.6276, wanted >= 0.8611 (churn@1 has 0.8591)',
        },
      ],
    })
    expect(await served()).toBe(1)
    const refused = await events('promotion.refused')
    expect(refused).toHaveLength(before + 1)
    expect(refused[0]).toMatchObject({ subject: 'models/churn/versions/3', data: { alias: 'production' } })
  },
)

test('asking whether it would pass changes nothing', async () => {
  await setRules('roc_auc >= production + 0.002')
  const check = (version: number) => ask(app, 'GET', `/api/v1/models/churn/versions/${version}/promotion`)

  const [better, worse] = [await check(2), await check(3)]

  expect(better.body).toMatchObject({ passed: true, holder: 1, results: [{ passed: true, seen: '0.8643' }] })
  expect(worse.body).toMatchObject({ passed: false, holder: 1, results: [{ passed: false, seen: '0.6276' }] })
  expect(await served()).toBe(1)
})

test('a better one is promoted, and a rollback is never asked', async () => {
  await setRules('roc_auc >= production + 0.002')

  const promoted = await ask(app, 'POST', PROMOTE, { version: 2 })
  const backByHand = await ask(app, 'POST', PROMOTE, { version: 1 })
  const rolledBack = await ask(app, 'POST', '/api/v1/deployments/churn/rollback', {})

  expect([promoted, backByHand, rolledBack].map(({ status }) => status)).toEqual([200, 409, 200])
  expect(await served()).toBe(1)
})

test('a candidate of a rollout is asked when it is promoted, not before', async () => {
  await setRules('roc_auc >= production + 0.002')

  const rollout = await ask(app, 'POST', '/api/v1/deployments/churn/rollout', { version: 3, weight: 5 })
  const promoted = await ask(app, 'POST', PROMOTE, {})
  const aborted = await ask(app, 'POST', '/api/v1/deployments/churn/abort', {})

  expect([rollout, promoted, aborted].map(({ status }) => status)).toEqual([200, 409, 200])
})

test('approvals count once a person, and not of who made the version', async () => {
  await setRules('approvals 1')
  const path = '/api/v1/models/churn/versions/2/approvals'
  const approveAs = (user: string) =>
    app.inject({
      ...{ method: 'POST', url: path, payload: '{"reason":"read it"}' },
      headers: { 'x-millwright-user': user, 'content-type': 'application/json' },
    })

  await approveAs('ana')
  const own = await ask(app, 'GET', '/api/v1/models/churn/versions/2/promotion')
  await approveAs('ben')
  await approveAs('ben')
  const other = await ask(app, 'GET', '/api/v1/models/churn/versions/2/promotion')
  const listed = (await app.inject({ method: 'GET', url: path })).json() as { by: string }[]

  expect([own.body.passed, other.body.passed]).toEqual([false, true])
  expect(listed.map(({ by }) => by)).toEqual(['ana', 'ben'])
  expect(await events('version.approved')).toHaveLength(2)
})

test('force takes a reason, and is kept with what it went past', async () => {
  await setRules('roc_auc >= production + 0.002')

  const silent = await ask(app, 'POST', PROMOTE, { version: 3, force: true })
  const forced = await ask(app, 'POST', PROMOTE, { version: 3, force: true, reason: 'the others leak' })

  expect([silent.status, forced.status]).toEqual([400, 200])
  expect(silent.body).toMatchObject({ errors: [{ pointer: '/reason' }] })
  const [event] = await events('promotion.forced')
  expect(event).toMatchObject({
    subject: 'models/churn/versions/3',
    data: { alias: 'production', reason: 'the others leak', reasons: [expect.stringContaining('0.6276')] },
  })
  await ask(app, 'POST', '/api/v1/deployments/churn/rollback', {})
})

test("MLflow's clients obey, and are told why: by alias and by stage", async () => {
  await setRules('roc_auc >= production + 0.002', 'approvals 1')
  const version = { name: 'churn', version: '3' }
  const mlflow = '/api/2.0/mlflow'

  const alias = await ask(app, 'POST', `${mlflow}/registered-models/alias`, {
    ...version,
    alias: 'production',
  })
  const stage = await ask(app, 'POST', `${mlflow}/model-versions/transition-stage`, {
    ...{ ...version, stage: 'Production' },
  })

  for (const { status, body } of [alias, stage])
    expect({ status, body }).toEqual({
      status: 409,
      body: {
        error_code: 'RESOURCE_CONFLICT',
        message:
          'churn@3 may not become production: roc_auc >= production + 0.002: 0.6276, wanted >= 0.8611 (churn@1 has 0.8591); ' +
          'approvals 1: none, wanted 1, not by ana who made it; see millwright rules show churn',
      },
    })
  expect(await served()).toBe(1)
})

test('an alias that rules compare with cannot be taken away, and rules go along with the name of their model', async () => {
  const digest = await upload(app, await readChurn('bad'))
  await ask(app, 'POST', '/api/v1/models/shop/versions', { digest })
  await ask(app, 'PUT', '/api/v1/models/shop/aliases/champion', { version: 1 })
  const rules = [parseRule('roc_auc >= champion')]
  await ask(app, 'PUT', '/api/v1/models/shop/aliases/champion/rules', { rules })

  const removed = await app.inject({
    ...{ method: 'DELETE', url: '/api/2.0/mlflow/registered-models/alias' },
    ...{ payload: { name: 'shop', alias: 'champion' } },
  })
  await ask(app, 'POST', '/api/2.0/mlflow/registered-models/rename', { name: 'shop', new_name: 'store' })
  const kept = await ask(app, 'GET', '/api/v1/models/store/aliases/champion/rules')

  expect(removed.json()).toMatchObject({
    error_code: 'INVALID_PARAMETER_VALUE',
    message: expect.stringContaining('promotion rules'),
  })
  expect(kept.body).toMatchObject({ revision: 1, rules })
})

test('force is for administrators', async () => {
  await using other = await temporaryFolder()
  const access = { boundToLoopback: true, loginRequired: true, allowedHosts: [] }
  const guarded = await openTestControl(other.path, { access })
  const { secret } = await createKey(guarded.context, {
    ...{ name: 'ci', kind: 'service', scopes: ['deploy'], by: 'test' },
  })
  const reply = await guarded.app.inject({
    ...{ method: 'POST', url: PROMOTE, payload: '{"version":3,"force":true,"reason":"now"}' },
    headers: { 'x-api-key': secret, 'content-type': 'application/json' },
  })
  await guarded.close()

  expect(reply.json()).toMatchObject({ status: 403, code: 'PERMISSION_DENIED' })
})

test('rules are of one alias; another moves freely', async () => {
  await setRules('roc_auc >= production + 0.002')

  const { status } = await ask(app, 'PUT', '/api/v1/models/churn/aliases/staging', { version: 3 })

  expect(status).toBe(200)
})

test('rules of a model that is not there, and rules that are none, are refused', async () => {
  const nobody = await ask(app, 'PUT', '/api/v1/models/nobody/aliases/production/rules', { rules: [] })
  const wrong = await ask(app, 'PUT', RULES, {
    rules: [{ kind: 'metric', metric: 'a', compare: '=', bound: {} }],
  })

  expect([nobody.body.code, wrong.body.code]).toEqual(['MODEL_NOT_FOUND', 'VALIDATION_FAILED'])
})
