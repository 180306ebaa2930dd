import { readFile } from 'node:fs/promises'
import type { SchemaColumn } from '@millwright/contracts'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ask, openSharedControl, openTestControl, temporaryFolder, upload } from '../control/testing.ts'
import { layoutOf } from '../layout.ts'
import type { ReadModel } from '../registry/read-model.ts'
import { RoutingSnapshot } from '../routing/snapshot.ts'

/** A reader of models of one byte: its last digit is how many classes they have, the first which column they read. */
const readModel: ReadModel = async (bytes) => {
  const classes = Array.from({ length: bytes[0]! % 10 }, (_, label) => label)
  const outputs = [{ name: 'predict_proba', dtype: 'float64', shape: 'matrix' }]
  const column: SchemaColumn = {
    name: bytes[0]! > 10 ? 'b' : 'a',
    ...{ type: 'number', nullable: false, null: 'NaN', infinite: false, unknown: 'accepted' },
  }
  const schema = { inputs: [column], outputs, classes: [classes] }
  return { program: bytes, report: {}, schema, contract: {}, check: {} }
}

async function addModels(app: FastifyInstance, model: string, bytes: readonly number[]): Promise<void> {
  for (const [index, byte] of bytes.entries()) {
    const digest = await upload(app, Buffer.from([byte]))
    const label = `v${index + 2}`
    const added = await ask(app, 'POST', `/api/v1/models/${model}/versions`, { digest, label })
    expect(added.status).toBe(201)
  }
}

let name = ''
let made = 0

const { control, close, folder } = await openSharedControl({ readModel })
afterAll(close)
beforeAll(async () => {
  await addModels(control.app, 'churn', [2, 3, 4])
})
beforeEach(async () => {
  made += 1
  name = `churn-${made}`
  await ask(control.app, 'POST', '/api/v1/deployments', { name, model: 'churn', version: 1 })
})

const call = (action: string, body: object = {}) =>
  ask(control.app, 'POST', `/api/v1/deployments/${name}/${action}`, body)
const change = (body: object) => ask(control.app, 'PATCH', `/api/v1/deployments/${name}`, body)
const rollOut = (body: object) => call('rollout', body)
const routed = async () => {
  const text = await readFile(layoutOf(folder).routing, 'utf8')
  return RoutingSnapshot.parse(JSON.parse(text)).deployments.find((one) => one.name === name)!
}
/** What a deployment serves, in one line. */
function inWords({ body }: { body: Record<string, unknown> }): string {
  const { version, candidate, revision } = body as {
    version: { number: number }
    candidate: { number: number } | null
    revision: { revision: number; action: string; config: { rollout?: { weight: number; shadow: number } } }
  }
  const { rollout } = revision.config
  const beside = candidate && ` + @${candidate.number} ${rollout!.weight} %, shadow ${rollout!.shadow} %`
  return `${revision.revision} ${revision.action}: @${version.number}${beside ?? ''}`
}

describe('a rollout', () => {
  test('puts a candidate beside what serves, warm and without traffic unless asked', async () => {
    const started = await rollOut({ version: 2, reason: 'auc' })
    const moved = await rollOut({ weight: 0.5 })
    const shadowed = await rollOut({ shadow: 100, unit: { column: 'customer_id' } })

    expect([started, moved, shadowed].map(inWords)).toEqual([
      '2 rolling_out: @1 + @2 0 %, shadow 0 %',
      '3 rolling_out: @1 + @2 0.5 %, shadow 0 %',
      '4 rolling_out: @1 + @2 0.5 %, shadow 100 %',
    ])
    expect(started.body).toMatchObject({ revision: { by: 'ana', reason: 'auc' }, candidate: { label: 'v3' } })
    expect(await routed()).toMatchObject({
      version: { number: 1 },
      rollout: { version: { number: 2, label: 'v3' }, weight: 0.5, shadow: 100, salt: `${name}-2` },
      unit: { column: 'customer_id' },
    })
  })

  test('sent again is no new revision', async () => {
    await rollOut({ version: 2, weight: 5 })

    expect(inWords(await rollOut({ version: 2, weight: 5 }))).toBe('2 rolling_out: @1 + @2 5 %, shadow 0 %')
  })

  test('is one at a time, of another version, that is there', async () => {
    const none = await rollOut({ weight: 5 })
    const same = await rollOut({ version: 1, weight: 5 })
    const unknown = await rollOut({ version: 77, weight: 5 })
    const beyond = await rollOut({ version: 2, weight: 101 })
    await rollOut({ version: 2, weight: 5 })
    const second = await rollOut({ version: 3, weight: 5 })

    expect([none, same, unknown, beyond, second].map(({ status, body }) => `${status} ${body.code}`)).toEqual(
      [
        '409 NO_ROLLOUT',
        '400 VALIDATION_FAILED',
        '404 VERSION_NOT_FOUND',
        '400 VALIDATION_FAILED',
        '409 ROLLOUT_UNDER_WAY',
      ],
    )
  })

  test('that is promoted serves whole, with the settings as they were', async () => {
    await change({ limits: { rows: 7 } })
    await rollOut({ version: 2, weight: 5 })

    const promoted = await call('promote')
    const again = await call('promote')

    expect(inWords(promoted)).toBe('4 promoted: @2')
    expect(promoted.body).toMatchObject({ revision: { config: { version: 2, limits: { rows: 7 } } } })
    expect(again.body).toMatchObject({ code: 'NO_ROLLOUT', status: 409 })
    expect(await routed()).not.toHaveProperty('rollout')
  })

  test('that is aborted leaves what served; aborting again changes nothing', async () => {
    await rollOut({ version: 2, weight: 50 })

    const aborted = await call('abort', { reason: 'errors' })
    const again = await call('abort')

    expect([aborted, again].map(inWords)).toEqual(['3 aborted: @1', '3 aborted: @1'])
    expect(aborted.body).toMatchObject({ revision: { reason: 'errors' } })
  })

  test('ends when another version is promoted or deployed', async () => {
    await rollOut({ version: 2, weight: 50 })
    const promoted = await call('promote', { version: 3 })
    await rollOut({ version: 2, weight: 50 })
    const deployed = await change({ version: 1 })

    expect([promoted, deployed].map(inWords)).toEqual(['3 promoted: @3', '5 promoted: @1'])
  })

  test('is not touched by other settings', async () => {
    await rollOut({ version: 2, weight: 50 })

    expect(inWords(await change({ limits: { rows: 3 } }))).toBe('3 configured: @1 + @2 50 %, shadow 0 %')
  })

  test('is recorded as an event, with what it was', async () => {
    await rollOut({ version: 2, weight: 5 })
    await call('abort', { reason: 'errors' })

    const { body } = await ask(control.app, 'GET', `/api/v1/events?subject=deployments/${name}`)
    expect(body.data).toMatchObject([
      { type: 'deployment.aborted', by: 'ana', data: { rollout: null, reason: 'errors' } },
      { type: 'deployment.rolling_out', data: { rollout: { version: 2, weight: 5 } } },
      { type: 'deployment.deployed' },
    ])
  })
})

describe('rolling back', () => {
  test('from the middle of a ramp goes to before the rollout, not one step down', async () => {
    await rollOut({ version: 2, weight: 5 })
    await rollOut({ weight: 50 })

    expect(inWords(await call('rollback'))).toBe('4 rolled_back: @1')
  })

  test('after a promotion goes to what served everybody before, not into the ramp', async () => {
    await rollOut({ version: 2, weight: 5 })
    await rollOut({ weight: 50 })
    await call('promote')

    expect(inWords(await call('rollback'))).toBe('5 rolled_back: @1')
  })

  test('to a revision by its number restores its rollout, too', async () => {
    await rollOut({ version: 2, weight: 5 })
    await call('abort')

    expect(inWords(await call('rollback', { revision: 2 }))).toBe('4 rolled_back: @1 + @2 5 %, shadow 0 %')
  })
})

describe('versions of the API', () => {
  test('are pinned to a version or to an alias, which they follow', async () => {
    await ask(control.app, 'PUT', '/api/v1/models/churn/aliases/champion', { version: 2 })

    const pinned = await change({ pins: { v1: { version: 1 }, v2: { alias: 'champion' } } })
    const before = (await routed()).pins
    await ask(control.app, 'PUT', '/api/v1/models/churn/aliases/champion', { version: 3 })

    expect(pinned.body).toMatchObject({ pinned: { v1: { number: 1 }, v2: { number: 2 } } })
    expect(before).toMatchObject({ v1: { number: 1 }, v2: { number: 2 } })
    expect((await routed()).pins).toMatchObject({ v1: { number: 1 }, v2: { number: 3 } })
  })

  test('are named v1 to v9 and lead to what is there', async () => {
    const named = await change({ pins: { beta: { version: 1 } } })
    const unknown = await change({ pins: { v1: { version: 99 } } })
    const alias = await change({ pins: { v1: { alias: 'nobody' } } })

    expect(named.body).toMatchObject({ code: 'VALIDATION_FAILED' })
    expect(unknown.body).toMatchObject({ code: 'VERSION_NOT_FOUND' })
    expect(alias.body).toMatchObject({ errors: [{ pointer: '/pins/v1/alias', code: 'unknown' }] })
  })

  test('are restored by a rollback', async () => {
    await change({ pins: { v1: { version: 1 } } })
    await change({ pins: null })
    await call('promote', { version: 2 })

    const answer = await call('rollback', { revision: 2 })

    expect(answer.body).toMatchObject({ pinned: { v1: { number: 1 } }, version: { number: 1 } })
  })
})

describe('what does not fit', () => {
  test('is refused for candidates and pins as for what serves, and changes nothing', async () => {
    await using own = await temporaryFolder()
    const { app, close } = await openTestControl(own.path, { readModel })
    await addModels(app, 'm', [3, 2, 13])
    const decision = { positive: 2, threshold: 0.5 }
    await ask(app, 'POST', '/api/v1/deployments', { name: 'd', model: 'm', version: 1, decision })

    const candidate = await ask(app, 'POST', '/api/v1/deployments/d/rollout', { version: 2, weight: 1 })
    const pin = await ask(app, 'PATCH', '/api/v1/deployments/d', { pins: { v1: { version: 2 } } })
    const shadow = await ask(app, 'POST', '/api/v1/deployments/d/rollout', { version: 3, shadow: 1 })

    for (const { body } of [candidate, pin])
      expect(body.errors).toMatchObject([
        { pointer: '/decision/positive', message: 'version 2: the model has no class 2; it has [0,1]' },
      ])
    expect(shadow.body.errors).toEqual([
      {
        pointer: '/shadow',
        code: 'other_columns',
        message: 'version 3 reads b, version 1 reads a; a shadow is given the same columns in the same order',
      },
    ])
    expect((await ask(app, 'GET', '/api/v1/deployments/d')).body).toMatchObject({ revision: { revision: 1 } })
    await close()
  })

  test('is refused for an alias that a pin follows', async () => {
    await using own = await temporaryFolder()
    const { app, close } = await openTestControl(own.path, { readModel })
    await addModels(app, 'm', [3, 2])
    await ask(app, 'PUT', '/api/v1/models/m/aliases/champion', { version: 1 })
    const settings = { decision: { positive: 2, threshold: 0.5 }, pins: { v1: { alias: 'champion' } } }
    await ask(app, 'POST', '/api/v1/deployments', { name: 'd', model: 'm', version: 1, ...settings })

    const moved = await ask(app, 'PUT', '/api/v1/models/m/aliases/champion', { version: 2 })

    expect(moved.body).toMatchObject({ code: 'VALIDATION_FAILED' })
    const aliases = await ask(app, 'GET', '/api/v1/models/m/aliases')
    expect(aliases.body).toMatchObject({ champion: 1 })
    await close()
  })
})
