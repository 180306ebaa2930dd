import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openPool } from '@millwright/runtime/pool'
import { Registry } from 'prom-client'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  CHURN_ROW,
  churnDeployment,
  createDataFolder,
  HOST_LIMITS,
  OPEN,
  openGateway,
  removeDataFolder,
  storeChurn,
  writeSnapshot,
} from '../../test/gateway.ts'
import { UNBOUND } from '../access/permission.ts'
import { createSecret, hashOf } from '../access/secret.ts'
import { folderBlobs } from '../blobs/folder.ts'
import { createGateways } from '../control/gateways.ts'
import { createInternalApp } from '../control/internal.ts'
import type { Routing } from '../control/routing.ts'
import { createLogger } from '../logging.ts'
import type { RoutedDeployment } from '../routing/snapshot.ts'
import { createFollower } from './follow.ts'
import { loadProgram } from './load-model.ts'
import { createMetrics } from './metrics.ts'
import { createKeyedAnswersStore } from './precomputed/answers.ts'

let layout: Awaited<ReturnType<typeof createDataFolder>>
let gateway: Awaited<ReturnType<typeof openGateway>>
let versions: Record<'v2' | 'v3', RoutedDeployment['version']>

beforeEach(async () => {
  layout = await createDataFolder()
  versions = { v2: await storeChurn(layout, 'v2'), v3: await storeChurn(layout, 'v3') }
  await writeSnapshot(layout, 5, [await churnDeployment(versions.v2)])
  gateway = await openGateway(layout)
})
afterEach(async () => {
  await gateway.close()
  await removeDataFolder(layout)
})

const serve = async (epoch: number, version: RoutedDeployment['version']) =>
  writeSnapshot(layout, epoch, [await churnDeployment(version)])

async function servedVersion(): Promise<string> {
  const answer = await gateway.ask('/predict', {
    ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
    body: JSON.stringify(CHURN_ROW),
  })
  return answer.json().model_version
}

describe('a snapshot on disk', () => {
  test('is served without control', async () => {
    expect(await servedVersion()).toBe('v2')
    expect(gateway.follower.table().epoch).toBe(5)
  })

  test('with a newer epoch replaces the table', async () => {
    await serve(6, versions.v3)
    await gateway.follower.start()

    expect(await servedVersion()).toBe('v3')
  })

  test('with an older epoch is ignored', async () => {
    await serve(4, versions.v3)
    await gateway.follower.start()

    expect(await servedVersion()).toBe('v2')
  })

  test('that cannot be read leaves everything as it is', async () => {
    await writeFile(layout.routing, '{"format":1,')
    await gateway.follower.start()

    expect(await servedVersion()).toBe('v2')
  })

  test('without a deployment ends it', async () => {
    await writeSnapshot(layout, 6, [])
    await gateway.follower.start()

    const answer = await gateway.ask('/predict', { method: 'POST', body: JSON.stringify(CHURN_ROW) })
    expect(answer.json().code).toBe('NO_DEPLOYMENT')
  })
})

describe('a version that cannot be loaded', () => {
  test.each([
    ['its program is gone', (path: string) => rm(path)],
    ['its program was changed', (path: string) => writeFile(path, 'something else')],
  ])('keeps the one before serving when %s, and is taken up once it is whole', async (_name, damage) => {
    const { program } = versions.v3
    const path = join(layout.blobs, 'sha256', program.slice(0, 2), program.slice(2))
    await damage(path)
    await serve(6, versions.v3)
    await gateway.follower.start()
    const during = await servedVersion()
    await storeChurn(layout, 'v3')
    await gateway.follower.start()

    expect([during, await servedVersion()]).toEqual(['v2', 'v3'])
    expect(gateway.follower.isReady()).toBe(true)
  })

  test('and has none before it, is said to be not ready, and no other deployment answers for it', async () => {
    const { program } = versions.v3
    await rm(join(layout.blobs, 'sha256', program.slice(0, 2), program.slice(2)))
    const other = await churnDeployment(versions.v2, { name: 'other', default: false })
    await writeSnapshot(layout, 6, [await churnDeployment(versions.v3), other])
    const fresh = await openGateway(layout)
    const codeOf = async (path: string, body: object) => {
      const answer = await fresh.ask(path, {
        ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
        body: JSON.stringify(body),
      })
      return [answer.status, answer.json().code]
    }

    expect(await codeOf('/predict', CHURN_ROW)).toEqual([503, 'DEPLOYMENT_NOT_READY'])
    expect(await codeOf('/api/v1/deployments/churn/predict', { row: CHURN_ROW })).toEqual([
      503,
      'DEPLOYMENT_NOT_READY',
    ])
    expect(await codeOf('/api/v1/deployments/other/predict', { row: CHURN_ROW })).toEqual([200, undefined])
    await fresh.close()
  })

  test('because its decision does not fit keeps the one before serving', async () => {
    const misfit = await churnDeployment(versions.v3, { decision: { positive: 'maybe' } })
    await writeSnapshot(layout, 6, [misfit])
    await gateway.follower.start()

    expect(await servedVersion()).toBe('v2')
    expect(gateway.lines.join('')).toContain('cannot be taken up')
  })
})

test('going back to a version served lately reads no program again', async () => {
  await serve(6, versions.v3)
  await gateway.follower.start()
  const { program } = versions.v2
  await rm(join(layout.blobs, 'sha256', program.slice(0, 2), program.slice(2)))

  await serve(7, versions.v2)
  await gateway.follower.start()

  expect(await servedVersion()).toBe('v2')
})

test('a model that takes long to load holds up no other deployment', async () => {
  const other = await storeChurn(layout, 'bad')
  let finish = (): void => {}
  const slow = new Promise<void>((resolve) => {
    finish = resolve
  })
  const blobs = folderBlobs(layout.blobs, layout.incoming)
  const pool = openPool({ threads: 1, runMs: HOST_LIMITS.runMs })
  const follower = createFollower({
    ...{ id: 'slow', layout, metrics: createMetrics({ version: 'test' }) },
    logger: createLogger({ role: 'gateway', level: 'error', version: 'test' }),
    caching: (_, loaded) => loaded,
    keyedAnswers: createKeyedAnswersStore(blobs),
    async load(digest) {
      if (digest === other.program) await slow
      return loadProgram(blobs, digest, { hostLimits: HOST_LIMITS, pool, batchWaitMs: 0, onBatch: undefined })
    },
  })
  const served = (name: string) => follower.table().byName.get(name)?.routed.version.label
  const snapshot = async (epoch: number, version: RoutedDeployment['version']) =>
    writeSnapshot(layout, epoch, [
      await churnDeployment(version),
      await churnDeployment(epoch === 5 ? version : other, { name: 'slow', default: false }),
    ])
  await snapshot(5, versions.v2)
  await follower.start()

  await snapshot(6, versions.v2)
  const first = follower.start()
  await snapshot(7, { ...versions.v2, label: 'v2-again' })
  const second = follower.start()
  await expect.poll(() => served('churn')).toBe('v2-again')
  const during = { slow: served('slow'), epoch: follower.table().epoch }
  finish()
  await Promise.all([first, second])

  expect(during).toEqual({ slow: 'v2', epoch: 5 })
  expect([served('slow'), follower.table().epoch]).toEqual(['bad', 7])
  follower.stop()
})

describe('control', () => {
  let control: Awaited<ReturnType<typeof openInternal>>
  /** When keys were used, as control was told. */
  const used = new Map<string, number>()

  /** Control's internal channel over its real socket; `publish` stands for a committed change. */
  async function openInternal(epoch: number) {
    const gateways = createGateways({ ackTimeoutMs: 5_000, now: () => performance.now() })
    const state = { epoch, wake: () => {} }
    const routing: Routing = {
      epoch: () => state.epoch,
      newerThan: (after, signal) =>
        new Promise((resolve) => {
          state.wake = () => resolve(state.epoch > after)
          signal.addEventListener('abort', () => resolve(false))
          if (state.epoch > after) resolve(true)
        }),
      publish: () => gateways.waitForAcks(state.epoch),
      stop: () => {},
    }
    const logger = createLogger({ role: 'control', level: 'error', version: 'test' })
    const app = createInternalApp({
      ...{ routing, gateways, metrics: new Registry(), logger },
      noteUses: async (uses) => {
        for (const [id, at] of uses) used.set(id, at)
      },
    })
    await rm(layout.internalSocket, { force: true })
    await app.listen({ path: layout.internalSocket })
    return {
      app,
      gateways,
      publish(next: number): Promise<void> {
        state.epoch = next
        state.wake()
        return routing.publish()
      },
    }
  }
  const until = async (condition: () => boolean) => {
    while (!condition()) await sleep(10)
  }
  const epochs = () => control.gateways.list().map(({ epoch, state }) => `${epoch} ${state}`)

  beforeEach(async () => {
    control = await openInternal(5)
  })
  afterEach(async () => {
    gateway.follower.stop()
    await control.app.close()
  })

  test('is told which epoch is served', async () => {
    gateway.follower.follow()
    await until(() => epochs()[0] === '5 serving')
  })

  test('waits with a change until it is served', async () => {
    gateway.follower.follow()
    await until(() => epochs().length === 1)
    await serve(6, versions.v3)

    await control.publish(6)

    expect(await servedVersion()).toBe('v3')
    expect(epochs()).toEqual(['6 serving'])
  })

  test('is told what could not be taken up', async () => {
    gateway.follower.follow()
    await until(() => epochs().length === 1)
    await serve(6, { ...versions.v3, program: 'e'.repeat(64) })

    await expect(control.publish(6)).rejects.toMatchObject({ code: 'GATEWAYS_NOT_ACKED' })
    expect(await servedVersion()).toBe('v2')
  })

  test('is told when a key was used, also when it was away meanwhile', async () => {
    const secret = createSecret('mws_')
    const key = { id: 'key_1', name: 'ci', hash: hashOf(secret), ...UNBOUND, expires_at: null }
    await writeSnapshot(layout, 6, [], [{ ...key, scopes: ['read'] }])
    await control.app.close()
    const access = { ...OPEN, loginRequired: true }
    const second = await openGateway(layout, { access, usesMs: 20 })
    const { status } = await second.ask('/metrics', { headers: { 'x-api-key': secret } })
    await sleep(60)

    control = await openInternal(6)
    await until(() => used.size > 0)
    await second.close()

    expect(status).toBe(200)
    expect([...used.keys()]).toEqual(['key_1'])
    expect(Math.abs(Date.now() - used.get('key_1')!)).toBeLessThan(5_000)
  })

  test('that died counts with what it had written, and may come back', async () => {
    gateway.follower.follow()
    await until(() => epochs().length === 1)
    await control.app.close()
    await serve(6, versions.v3)
    await expect.poll(servedVersion).toBe('v3')
    control = await openInternal(6)

    await until(() => epochs()[0] === '6 serving')
  })
})
