import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { decodeProgram, ModelError } from '@millwright/engine'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  addChurn,
  ask,
  openSharedControl,
  openTestControl,
  temporaryFolder,
  upload,
} from '../control/testing.ts'
import { layoutOf } from '../layout.ts'
import type { ReadModel } from '../registry/read-model.ts'
import { RoutingSnapshot } from '../routing/snapshot.ts'

let made = 0

const { control, close, folder } = await openSharedControl()
afterAll(close)
beforeAll(async () => {
  for (const name of ['v2', 'v3', 'bad'] as const) await addChurn(control.app, name)
})

const call = (method: 'GET' | 'POST' | 'PATCH' | 'PUT', path: string, body?: unknown) =>
  ask(control.app, method, `/api/v1${path}`, body)
const readRouting = async () =>
  RoutingSnapshot.parse(JSON.parse(await readFile(layoutOf(folder).routing, 'utf8')))

/** A new deployment of version 1. */
async function deploy(settings: object = {}): Promise<string> {
  made += 1
  const name = `churn-${made}`
  const answer = await call('POST', '/deployments', { name, model: 'churn', version: 1, ...settings })
  expect(answer.status).toBe(201)
  return name
}

const promote = (name: string, version: number) => call('POST', `/deployments/${name}/promote`, { version })
const rollBack = (name: string, body: object = {}) => call('POST', `/deployments/${name}/rollback`, body)
const versionOf = ({ body }: { body: Record<string, unknown> }) =>
  (body.version as { number: number } | undefined)?.number

const DECISION = { positive: 1, threshold: 0.5, bands: [{ name: 'high', above: 0.7 }, { name: 'low' }] }

describe('deploying', () => {
  test('the first deployment is the default, later ones only when asked', async () => {
    const first = await deploy()
    const second = await deploy()
    const third = await deploy({ default: true })

    const { deployments } = await readRouting()
    const isDefault = Object.fromEntries(deployments.map((d) => [d.name, d.default]))
    expect(isDefault).toMatchObject({ [first]: false, [second]: false, [third]: true })
  })

  test('a name that is taken, a model and a version that do not exist are told apart', async () => {
    const name = await deploy()
    const body = { name: 'x', model: 'churn', version: 1 }

    const taken = await call('POST', '/deployments', { ...body, name })
    const noModel = await call('POST', '/deployments', { ...body, model: 'nobody' })
    const noVersion = await call('POST', '/deployments', { ...body, version: 99 })

    expect(taken.body).toMatchObject({
      code: 'VALIDATION_FAILED',
      errors: [{ pointer: '/name', code: 'taken' }],
    })
    expect(noModel.body).toMatchObject({ code: 'MODEL_NOT_FOUND' })
    expect(noVersion.body).toMatchObject({ code: 'VERSION_NOT_FOUND' })
  })

  test('settings that the version cannot be served with are refused, each by its place', async () => {
    const answer = await call('POST', '/deployments', {
      name: 'x',
      model: 'churn',
      version: 1,
      decision: {
        positive: 'yes',
        bands: [
          { name: 'low', above: 0.2 },
          { name: 'high', above: 0.7 },
        ],
      },
      respond: { body: { p: '$score', b: ['$outcome'], 'a/b': '$nothing' } },
    })

    expect((answer.body.errors as { pointer: string }[]).map((error) => error.pointer)).toEqual([
      '/decision/bands/0',
      '/decision/positive',
      '/respond/body/b/0',
      '/respond/body/a~1b',
    ])
    expect((await call('GET', '/deployments/x')).body).toMatchObject({ code: 'DEPLOYMENT_NOT_FOUND' })
  })

  test('a response may give back any field of the request', async () => {
    const name = await deploy({ respond: { body: { id: '$input.customer_id', p: '$score' } } })

    expect((await call('GET', `/deployments/${name}`)).status).toBe(200)
  })
})

test('the program of the served version can be taken, and is told by its digest', async () => {
  const name = await deploy()
  await promote(name, 2)

  const { statusCode, headers, rawPayload } = await control.app.inject(`/api/v1/deployments/${name}/program`)

  const { deployments } = await readRouting()
  const digest = createHash('sha256').update(rawPayload).digest()
  expect(statusCode).toBe(200)
  expect(digest.toString('hex')).toBe(deployments.find((d) => d.name === name)!.version.program)
  expect(headers).toMatchObject({
    'content-type': 'application/octet-stream',
    digest: `sha-256=${digest.toString('base64')}`,
    'x-millwright-version': '2',
  })
  expect(decodeProgram(rawPayload).inputs).toHaveLength(4)
})

describe('changing', () => {
  test('a promotion is a revision, keeps the settings and is routed', async () => {
    const name = await deploy({ decision: DECISION })

    const answer = await promote(name, 2)

    expect(answer.body).toMatchObject({
      version: { number: 2, label: 'v3' },
      revision: { revision: 2, action: 'promoted', by: 'ana', config: { version: 2, decision: DECISION } },
    })
    const { deployments } = await readRouting()
    expect(deployments.find((d) => d.name === name)).toMatchObject({ revision: 2, version: { number: 2 } })
  })

  test('a change that changes nothing makes no revision', async () => {
    const name = await deploy({ decision: DECISION })
    const before = await readRouting()

    const answer = await call('PATCH', `/deployments/${name}`, { decision: DECISION, version: 1 })

    expect(answer.body).toMatchObject({ revision: { revision: 1 } })
    expect((await readRouting()).epoch).toBe(before.epoch)
  })

  test('null takes a setting away', async () => {
    const name = await deploy({ decision: DECISION, limits: { rows: 5 } })

    const answer = await call('PATCH', `/deployments/${name}`, { decision: null, reason: 'not used' })

    expect(answer.body).toMatchObject({
      revision: { action: 'configured', reason: 'not used', config: { version: 1, limits: { rows: 5 } } },
    })
  })

  test('promotions at the same time happen one after the other', async () => {
    const name = await deploy()

    const answers = await Promise.all([2, 3, 2, 3, 2, 3].map((version) => promote(name, version)))

    expect(answers.every((answer) => answer.status === 200)).toBe(true)
    const { body } = await call('GET', `/deployments/${name}/revisions`)
    const revisions = body.data as { revision: number; config: { version: number } }[]
    const numbers = revisions.map((revision) => revision.revision)
    const versions = revisions.map((revision) => revision.config.version)
    expect(numbers).toEqual(numbers.map((_, i) => numbers.length - i))
    expect(versions.filter((version, i) => version === versions[i + 1])).toEqual([])
    expect(new Set(versions)).toEqual(new Set([1, 2, 3]))
  })

  test('a promotion names a version or an alias, not both', async () => {
    const name = await deploy()
    await call('PUT', '/models/churn/aliases/candidate', { version: 3 })

    const byAlias = await call('POST', `/deployments/${name}/promote`, { alias: 'candidate' })
    const unknown = await call('POST', `/deployments/${name}/promote`, { alias: 'nobody' })
    const both = await call('POST', `/deployments/${name}/promote`, { alias: 'candidate', version: 1 })

    expect(versionOf(byAlias)).toBe(3)
    expect(unknown.body).toMatchObject({ errors: [{ pointer: '/alias' }] })
    expect(both.body).toMatchObject({ code: 'VALIDATION_FAILED' })
  })
})

describe('what cannot be served', () => {
  /** The first byte of a file says what its model is: 0 is refused, the others have that many classes. */
  const readModel: ReadModel = async (bytes) => {
    const classes = Array.from({ length: bytes[0]! }, (_, i) => i)
    if (classes.length === 0) throw new ModelError('unsupported', 'has no classes')
    const outputs = [{ name: 'predict_proba', dtype: 'float64', shape: 'matrix' }]
    const schema = { inputs: [], outputs, classes: [classes] }
    return { program: bytes, report: {}, schema, contract: {}, check: {} }
  }

  test('a refused version is not promoted, nor one without the class that is decided on', async () => {
    await using own = await temporaryFolder()
    const { app, close } = await openTestControl(own.path, { readModel })
    for (const classes of [3, 0, 2]) {
      const digest = await upload(app, Buffer.from([classes]))
      await ask(app, 'POST', '/api/v1/models/m/versions', { digest })
    }
    const decision = { positive: 2, threshold: 0.5 }
    await ask(app, 'POST', '/api/v1/deployments', { name: 'd', model: 'm', version: 1, decision })
    const promote = (version: number) => ask(app, 'POST', '/api/v1/deployments/d/promote', { version })

    const refused = await promote(2)
    const classless = await promote(3)

    expect(refused.body).toMatchObject({ code: 'VERSION_NOT_READY', status: 409 })
    expect(classless.body).toMatchObject({ errors: [{ pointer: '/decision/positive' }] })
    expect((await ask(app, 'GET', '/api/v1/deployments/d')).body).toMatchObject({ revision: { revision: 1 } })
    await close()
  })

  test('the default deployment stays the default until another one is', async () => {
    const name = await deploy({ default: true })

    const answer = await call('PATCH', `/deployments/${name}`, { default: false })

    expect(answer.body).toMatchObject({ errors: [{ pointer: '/default' }] })
  })
})

describe('rolling back', () => {
  test('goes back one revision, and when asked again further, never to what was just left', async () => {
    const name = await deploy()
    await promote(name, 2)
    await promote(name, 3)

    const first = await rollBack(name, { reason: 'worse' })
    const second = await rollBack(name)
    const third = await rollBack(name)

    expect([versionOf(first), versionOf(second)]).toEqual([2, 1])
    expect(first.body).toMatchObject({
      revision: { revision: 4, action: 'rolled_back', restores: 2, reason: 'worse' },
    })
    expect(second.body).toMatchObject({ revision: { revision: 5, restores: 1 } })
    expect(third.body).toMatchObject({ code: 'NOTHING_TO_ROLL_BACK' })
  })

  test('after a rollback and a new promotion, skips what was rolled back before', async () => {
    const name = await deploy()
    await promote(name, 2)
    await rollBack(name)
    await promote(name, 3)

    const first = await rollBack(name)
    const second = await rollBack(name)

    expect(versionOf(first)).toBe(1)
    expect(first.body).toMatchObject({ revision: { restores: 1 } })
    expect(second.body).toMatchObject({ code: 'NOTHING_TO_ROLL_BACK' })
  })

  test('restores the settings with the version', async () => {
    const name = await deploy({ decision: DECISION })
    await call('PATCH', `/deployments/${name}`, { version: 2, decision: null, limits: { rows: 1 } })

    const answer = await rollBack(name)

    expect(answer.body).toMatchObject({ revision: { config: { version: 1, decision: DECISION } } })
    expect((answer.body.revision as { config: object }).config).not.toHaveProperty('limits')
  })

  test('takes any revision by its number', async () => {
    const name = await deploy()
    await promote(name, 2)
    await promote(name, 3)

    const answer = await rollBack(name, { revision: 1 })
    const unknown = await rollBack(name, { revision: 77 })

    expect(versionOf(answer)).toBe(1)
    expect(unknown.body).toMatchObject({ code: 'REVISION_NOT_FOUND' })
  })
})

describe('the production alias', () => {
  test('goes along with the deployment of its model, and moving it is a promotion', async () => {
    await using own = await temporaryFolder()
    const alone = await openTestControl(own.path)
    await addChurn(alone.app, 'v2')
    await addChurn(alone.app, 'v3')
    const body = { name: 'churn', model: 'churn', version: 1, reason: 'first' }
    await ask(alone.app, 'POST', '/api/v1/deployments', body)
    await ask(alone.app, 'POST', '/api/v1/deployments/churn/promote', { version: 2 })

    const moved = await ask(alone.app, 'PUT', '/api/v1/models/churn/aliases/production', {
      version: 1,
      reason: 'ui',
    })

    expect(moved.body).toMatchObject({ aliases: { production: 1 } })
    const deployment = await ask(alone.app, 'GET', '/api/v1/deployments/churn')
    expect(deployment.body).toMatchObject({ revision: { revision: 3, action: 'promoted', reason: 'ui' } })
    const history = await ask(alone.app, 'GET', '/api/v1/models/churn/aliases/production/history')
    expect(history.body.data).toMatchObject([
      { from: 2, to: 1, by: 'ana', reason: 'ui' },
      { from: 1, to: 2 },
      { from: null, to: 1, reason: 'first' },
    ])
    const events = await ask(alone.app, 'GET', '/api/v1/events?subject=deployments/churn')
    expect((events.body.data as { type: string }[]).map((event) => event.type)).toEqual([
      'deployment.promoted',
      'deployment.promoted',
      'deployment.made_default',
      'deployment.deployed',
    ])
    await alone.close()
  })
})
