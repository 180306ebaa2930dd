import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { Redis } from 'iovalkey'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  cli,
  eventually,
  freePort,
  postJson,
  ROOT,
  type Running,
  startMillwright,
  temporaryFolder,
} from '../support/millwright.ts'

/** With the real server, where it is installed: apt-get install redis-server. */
const SERVER = ['valkey-server', 'redis-server'].find((name) => spawnSync(name, ['--version']).status === 0)
if (SERVER === undefined) console.warn('skipped: neither valkey-server nor redis-server is installed')

const MODEL = join(ROOT, 'packages/runtime/test/fixtures/table.onnx')
const PASSWORD = 'a-secret-of-the-cache'

describe.skipIf(SERVER === undefined)('a cache that gateways share', () => {
  let port: number
  let redis: ChildProcess
  const servers: Running[] = []

  const startRedis = async (): Promise<void> => {
    redis = spawn(
      SERVER!,
      ['--port', String(port), '--save', '', '--dir', temporaryFolder(), '--requirepass', PASSWORD],
      { stdio: 'ignore' },
    )
    await eventually(async () => (await keysKept()) === 0)
  }
  const keysKept = async (): Promise<number | undefined> => {
    const client = new Redis({ port, password: PASSWORD, lazyConnect: true, retryStrategy: () => null })
    try {
      await client.connect()
      return await client.dbsize()
    } catch {
      return undefined
    } finally {
      client.disconnect()
    }
  }
  const stopRedis = (): Promise<unknown> => {
    const ended = new Promise((resolve) => redis.once('exit', resolve))
    redis.kill('SIGKILL')
    return ended
  }
  const ask = async (server: Running, first: number) => {
    const answer = await postJson(`${server.url}/api/v1/deployments/table/predict`, {
      row: { 'x[0]': first, 'x[1]': 0 },
    })
    return {
      status: answer.status,
      cache: answer.headers.get('cache-status'),
      json: answer.json as { prediction: { prediction: number[] } },
    }
  }

  beforeAll(async () => {
    port = await freePort()
    await startRedis()
    for (const _ of [1, 2]) {
      const server = await startMillwright({
        gateways: 1,
        env: { MILLWRIGHT_CACHE_URL: `redis://:${PASSWORD}@127.0.0.1:${port}` },
      })
      servers.push(server)
      const deployed = await cli(['deploy', MODEL, '--name', 'table'], { url: server.url })
      expect(deployed.stderr + deployed.stdout).toContain('table')
      const set = await cli(['configure', 'table', '--cache', 'ttl=60,max=1000'], { url: server.url })
      expect(set).toMatchObject({ code: 0 })
    }
  })
  afterAll(async () => {
    for (const server of servers) await server.stop()
    redis.kill('SIGKILL')
  })

  test('answers what another server computed', async () => {
    const [one, two] = servers as [Running, Running]

    const computed = await ask(one, 3)
    await eventually(async () => (await keysKept()) === 1)
    const shared = await ask(two, 3)
    const own = await ask(two, 3)

    expect(computed).toMatchObject({ status: 200, cache: 'millwright; fwd=miss' })
    expect(shared).toMatchObject({ status: 200, cache: 'millwright; hit; detail=shared' })
    expect(own).toMatchObject({ status: 200, cache: 'millwright; hit' })
    expect(shared.json.prediction.prediction).toEqual([6, 7])
    const metrics = await (await fetch(`${two.url}/metrics`)).text()
    expect(metrics).toContain('millwright_cache_lookups_total{deployment="table",result="shared"} 1')
  })

  test('is done without while its server is dead, and used when it is back', async () => {
    const [one, two] = servers as [Running, Running]
    await stopRedis()

    const alone = [await ask(one, 1), await ask(two, 1), await ask(two, 1)]
    await startRedis()
    let row = 0
    const isShared = async (): Promise<boolean> => {
      row += 1
      await ask(one, row)
      return (await ask(two, row)).cache === 'millwright; hit; detail=shared'
    }

    expect(alone.map(({ status, cache }) => [status, cache])).toEqual([
      [200, 'millwright; fwd=miss'],
      [200, 'millwright; fwd=miss'],
      [200, 'millwright; hit'],
    ])
    await eventually(isShared)
    expect(two.output()).toContain('the shared cache cannot be used')
    expect(two.output()).not.toContain(PASSWORD)
  })
})
