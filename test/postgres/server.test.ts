import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  cli,
  eventually,
  freePort,
  keepAsking,
  postJson,
  ROOT,
  type Running,
  settled,
  startMillwright,
  temporaryFolder,
} from '../support/millwright.ts'
import {
  databaseUrl,
  findPostgres,
  POSTGRES_PASSWORD,
  type Postgres,
  startPostgres,
} from '../support/postgres.ts'

/** The whole tree of processes on a real PostgreSQL server, which goes away and comes back. */

const BIN = findPostgres()
const MODELS = join(ROOT, 'examples/churn/models')

describe.skipIf(BIN === undefined)('Millwright on PostgreSQL', () => {
  let postgres: Postgres
  let address: string
  let server: Running
  const promote = (version: number): Promise<unknown> =>
    postJson(`${server.url}/api/v1/deployments/churn/promote`, { version }).then(({ status, json }) =>
      status === 200 ? status : json,
    )
  const createExperiment = (name: string) =>
    postJson(`${server.url}/api/2.0/mlflow/experiments/create`, { name })
  const killControl = async (): Promise<void> => {
    process.kill(server.pids().control[0]!, 'SIGKILL')
    await sleep(500)
  }

  beforeAll(async () => {
    postgres = await startPostgres(BIN!, { isDurable: true })
    postgres.query('create database millwright')
    address = databaseUrl(postgres.url, 'millwright')
    server = await startMillwright({ args: ['--database', address] })
    for (const [file, ...options] of [['churn_model_v2.pkl'], ['churn_model_v3.pkl', '--no-promote']]) {
      const deployed = await cli(['deploy', join(MODELS, file!), '--name', 'churn', ...options], {
        url: server.url,
      })
      expect(deployed).toMatchObject({ code: 0 })
    }
  })
  afterAll(async () => {
    await server.stop()
    await postgres.stop()
  })

  test('keeps everything but files there: nothing of SQLite is in the data folder', async () => {
    const { status } = await createExperiment('first')

    expect(status).toBe(200)
    expect(postgres.query('select name from models', 'millwright')).toBe('churn')
    expect(postgres.query("select count(*) from experiments where name = 'first'", 'millwright')).toBe('1')
    expect(existsSync(join(server.data, 'millwright.db'))).toBe(false)
  })

  test('while the server is away changes are refused in words, predictions go on, and afterwards all goes on', async () => {
    const asking = keepAsking(server.url)
    const seen: unknown[] = []
    await postgres.restart('SIGKILL', async () => {
      const change = await postJson(`${server.url}/api/v1/deployments/churn/promote`, { version: 2 })
      const experiment = await createExperiment('meanwhile')
      const listed = await fetch(`${server.url}/api/v1/models`)
      seen.push(change.status, change.json, experiment.status, experiment.json, listed.status)
      await killControl()
    })
    await settled(server)
    const made = [await promote(2), (await createExperiment('afterwards')).status]
    const { asked, failures } = await asking.stop()

    expect(seen).toEqual([
      503,
      expect.objectContaining({ code: 'DATABASE_BUSY', retryable: true }),
      503,
      expect.objectContaining({ error_code: 'TEMPORARILY_UNAVAILABLE' }),
      503,
    ])
    expect(made).toEqual([200, 200])
    expect(asked).toBeGreaterThan(100)
    expect(failures).toEqual([])
  })

  test('goes on when its connections are ended on the other side', async () => {
    postgres.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'millwright'",
    )

    const statuses = await Promise.all([1, 2, 3].map((n) => createExperiment(`ended ${n}`)))
    await eventually(async () => (await createExperiment(`again ${Math.random()}`)).status === 200)

    expect(statuses.filter(({ status }) => ![200, 503].includes(status))).toEqual([])
  })

  test('a key that the first one must be is made there while the server does not run', async () => {
    const { data } = server
    await server.stop()
    const made = await cli(['keys', 'create', 'admin', '--scope', 'admin', '--data', data, '--json'], {
      env: { MILLWRIGHT_DATABASE: address },
    })
    server = await startMillwright({ data, env: { MILLWRIGHT_DATABASE: address } })

    expect(made).toMatchObject({ code: 0 })
    expect(postgres.query('select name from api_keys', 'millwright')).toBe('admin')
  })

  test('another database than the one that what is served came from is not taken for it', async () => {
    const { data } = server
    await server.stop()
    postgres.query('create database another')
    const started = await cli(['up', '--port', '0', '--gateways', '1', '--data', data], {
      env: { MILLWRIGHT_DATABASE: databaseUrl(address.replace(/\/millwright$/, '/postgres'), 'another') },
    })
    server = await startMillwright({ data, env: { MILLWRIGHT_DATABASE: address } })

    expect(started.code).toBe(1)
    expect(started.stderr).toMatch(
      /postgres:\/\/127\.0\.0\.1:\d+\/another is missing or empty, but .*routing\.json serves "churn"/,
    )
    expect(started.stderr).not.toContain(POSTGRES_PASSWORD)
  })

  test.each<[string, () => Promise<string>, RegExp]>([
    [
      'a wrong password',
      async () => address.replace(POSTGRES_PASSWORD, 'a-wrong-secret'),
      /cannot be used now: password authentication failed/,
    ],
    [
      'no server',
      async () => address.replace(/:\d+\//, `:${await freePort()}/`),
      /cannot be used now: .*ECONNREFUSED/,
    ],
    [
      'no such database',
      async () => `${address}-not`,
      /cannot be used now: database "millwright-not" does not exist/,
    ],
    [
      'an address that is none',
      async () => 'mysql://me:a-wrong-secret@host/db',
      /MILLWRIGHT_DATABASE is something else; expected an address that begins with postgres:/,
    ],
  ])('a start with %s says so and no secret', async (_, addressOf, words) => {
    const started = await cli(['up', '--port', '0', '--gateways', '1', '--data', temporaryFolder()], {
      env: { MILLWRIGHT_DATABASE: await addressOf() },
    })

    expect(started.code).toBeGreaterThan(0)
    expect(started.stderr).toMatch(words)
    expect(started.stdout + started.stderr).not.toMatch(/a-wrong-secret|a-secret-of-the-database/)
  })

  test('the password was never told', () => {
    expect(server.output()).toContain('and postgres://127.0.0.1:')
    expect(server.output()).not.toContain(POSTGRES_PASSWORD)
  })
})
