import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDatabase } from '../../packages/server/src/db/database.ts'
import {
  CHURN_ROW,
  cli,
  eventually,
  ROOT,
  type Running,
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

/** A team that began on SQLite goes on with PostgreSQL: the same data folder, before and after. */

const BIN = findPostgres()
const SQLITE = { MILLWRIGHT_DATABASE: '', MILLWRIGHT_AUTH: 'required' }
const MLFLOW = '/api/2.0/mlflow'

type CreatedRun = { readonly run: { readonly info: { readonly run_id: string } } }

describe.skipIf(BIN === undefined)('millwright database copy', () => {
  let postgres: Postgres
  let key: string
  let server: Running
  const data = temporaryFolder()
  const file = join(data, 'millwright.db')

  const ask = async (path: string, body?: unknown, method = body === undefined ? 'GET' : 'POST') => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    const sent = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
    const response = await fetch(`${server.url}${path}`, { method, headers, ...(sent && { body: sent }) })
    return { status: response.status, body: await response.text() }
  }
  const change = async <T>(path: string, body: unknown, method?: string): Promise<T> => {
    const answer = await ask(path, body, method)
    expect(answer).toMatchObject({ status: 200 })
    return JSON.parse(answer.body)
  }
  const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    cli(args, { url: server?.url, env: { ...SQLITE, MILLWRIGHT_API_KEY: key, ...env } })
  const database = (name: string): string => {
    postgres.query(`create database ${name}`)
    return databaseUrl(postgres.url, name)
  }
  const digest = (): string => createHash('sha256').update(readFileSync(file)).digest('hex')

  const deployChurn = async (): Promise<void> => {
    for (const [model, ...options] of [['churn_model_v2.pkl'], ['churn_model_v3.pkl', '--no-promote']]) {
      const path = join(ROOT, 'examples/churn/models', model!)
      expect(await run(['deploy', path, '--name', 'churn', ...options])).toMatchObject({ code: 0 })
    }
    for (const rest of [
      ['promote', 'churn', '2', '--reason', 'better'],
      ['rules', 'set', 'churn', 'approvals 1'],
      ['approve', 'churn', '1', '--reason', 'seen “it” 😀'],
      ['keys', 'create', 'shop', '--deployment', 'churn', '--scope', 'predict'],
    ])
      expect(await run(rest)).toMatchObject({ code: 0 })
  }

  /** @returns ids of runs */
  const trackRuns = async (): Promise<string[]> => {
    const { experiment_id } = await change<{ experiment_id: string }>(`${MLFLOW}/experiments/create`, {
      name: 'é 😀 \\ %',
    })
    const ids: string[] = []
    for (const at of [1, 2, 3]) {
      const { run } = await change<CreatedRun>(`${MLFLOW}/runs/create`, {
        ...{ experiment_id, run_name: `run ${at}`, start_time: 1_700_000_000_000 + at },
        tags: [{ key: 'team', value: `a\n"quoted"\t{${at}}` }],
      })
      const { run_id } = run.info
      ids.push(run_id)
      const values = [0.1 * at, 'NaN', 'Infinity', '-Infinity', 5e-324]
      await change(`${MLFLOW}/runs/log-batch`, {
        run_id,
        metrics: values.map((value, step) => ({ key: 'auc', value, timestamp: 1_700_000_000_000, step })),
        params: [{ key: 'depth', value: String(at) }],
      })
      await change(`${MLFLOW}/runs/log-metric`, {
        ...{ run_id, key: 'far', value: 1, timestamp: 1, step: '9007199254740995' },
      })
      await change(
        `/api/2.0/mlflow-artifacts/artifacts/${experiment_id}/${run_id}/artifacts/a/file.txt`,
        'files stay',
        'PUT',
      )
      await change(`${MLFLOW}/runs/log-inputs`, {
        run_id,
        datasets: [{ dataset: { name: 'd', digest: `${at}`, source_type: 'local', source: '{}' } }],
      })
    }
    await change(`${MLFLOW}/registered-models/create`, { name: 'empty', description: 'none yet' })
    await change(
      '/api/v1/tracking/searches/best',
      { experiments: [experiment_id], filter: 'metrics.auc > 0' },
      'PUT',
    )
    return ids
  }

  /** Everything that is answered about what was kept. */
  const answersAbout = async (ids: readonly string[]): Promise<Record<string, unknown>> => {
    const paths = [
      ...['models', 'models/churn', 'models/churn/versions', 'models/churn/versions/1/approvals'],
      ...['models/churn/aliases', 'models/churn/aliases/production/history', 'events?limit=500'],
      ...['models/churn/aliases/production/rules', 'models/churn/aliases/production/rules/history'],
      ...['deployments', 'deployments/churn', 'deployments/churn/revisions', 'deployments/churn/schema'],
      ...['tracking/searches', 'tracking/files?path=', 'tracking/storage', 'webhooks', 'keys?limit=500'],
    ].map((path) => `/api/v1/${path}`)
    const ofRuns = ids.flatMap((id) => [
      `${MLFLOW}/runs/get?run_id=${id}`,
      `${MLFLOW}/metrics/get-history?run_id=${id}&metric_key=auc`,
      `${MLFLOW}/metrics/get-history?run_id=${id}&metric_key=far`,
      `${MLFLOW}/artifacts/list?run_id=${id}&path=a`,
      `/get-artifact?run_uuid=${id}&path=a/file.txt`,
      `/api/v1/tracking/runs/${ids[0]}/diff/${id}`,
    ])
    const ofModels = [
      'registered-models/search',
      'model-versions/search',
      'experiments/search?max_results=100',
    ]
    const asked = [...paths, ...ofRuns, ...ofModels.map((path) => `${MLFLOW}/${path}`)]
    const answers = await Promise.all(asked.map(async (path) => [path, await ask(path)] as const))
    const found = await ask(`${MLFLOW}/runs/search`, {
      experiment_ids: [
        '0',
        ...JSON.parse((await ask(`${MLFLOW}/experiments/search?max_results=9`)).body).experiments.map(
          ({ experiment_id }: { experiment_id: string }) => experiment_id,
        ),
      ],
      ...{
        filter: "params.depth != '2' and metrics.far = 1",
        order_by: ['metrics.auc DESC', 'params.depth'],
      },
    })
    const predicted = await ask('/api/v1/deployments/churn/predict', { rows: [CHURN_ROW, CHURN_ROW] })
    const timeless = ([path, { status, body }]: (typeof answers)[number]) => [
      path,
      { status, body: body.replaceAll(/"last_used_at":"[^"]+"/g, '"last_used_at":"then"') },
    ]
    return {
      ...Object.fromEntries(answers.map(timeless)),
      found,
      predicted: { ...predicted, body: predicted.body.replaceAll(/prd_\w+/g, 'prd_') },
    }
  }

  beforeAll(async () => {
    postgres = await startPostgres(BIN!)
    const made = await cli(['keys', 'create', 'admin', '--scope', 'admin', '--data', data], { env: SQLITE })
    key = made.stdout.trim()
    server = await startMillwright({ data, env: SQLITE })
    await deployChurn()
  })
  afterAll(async () => {
    await server.stop()
    await postgres.stop()
  })

  test('a server goes on with the same models, runs, keys and answers', async () => {
    const to = database('moved')
    const ids = await trackRuns()
    const before = await answersAbout(ids)
    const whileRunning = await run(['database', 'copy', '--data', data, '--to', to])
    await server.stop()
    const bytes = digest()

    const counted = await run(['database', 'copy', '--data', data, '--dry-run', '--json'], {
      MILLWRIGHT_DATABASE: to,
    })
    const copied = await run(['database', 'copy', '--data', data, '--to', to])
    const again = await run(['database', 'copy', '--data', data, '--to', to])
    const untouched = digest()
    server = await startMillwright({ data, env: { ...SQLITE, MILLWRIGHT_DATABASE: to } })
    const after = await answersAbout(ids)

    expect(whileRunning).toMatchObject({
      code: 7,
      stderr: expect.stringContaining('another millwright is running on'),
    })
    expect(JSON.parse(counted.stdout)).toMatchObject({
      dry_run: true,
      tables: expect.arrayContaining([
        { table: 'runs', rows: 3 },
        { table: 'metrics', rows: 18 },
      ]),
    })
    expect(copied).toMatchObject({ code: 0 })
    expect(copied.stdout).toMatch(/^TABLE +SQLITE +POSTGRESQL +DIGEST +POSTGRESQL\n/)
    expect(copied.stdout).toMatch(/^runs +3 +3 +([0-9a-f]{16}) +\1$/m)
    expect(copied.stderr).toMatch(/Next: millwright up --data \S+ --database URL/)
    expect(again).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/is not empty: there are rows in /),
    })
    expect(untouched).toBe(bytes)
    for (const { stdout, stderr } of [whileRunning, counted, copied, again])
      expect(stdout + stderr).not.toContain(POSTGRES_PASSWORD)
    expect(Object.values(before).filter((answer) => JSON.stringify(answer).includes('"status":4'))).toEqual(
      [],
    )
    expect(JSON.parse((before.found as { body: string }).body).runs).toHaveLength(2)
    expect(after).toEqual(before)
  })

  test('and is written to as before', async () => {
    const { run: created } = await change<CreatedRun>(`${MLFLOW}/runs/create`, { experiment_id: '0' })
    const { run_id } = created.info
    await change(`${MLFLOW}/runs/log-metric`, { run_id, key: 'new', value: 1, timestamp: 1, step: 0 })

    expect(await run(['promote', 'churn', '1', '--force', '--reason', 'tried'])).toMatchObject({ code: 0 })
    expect(
      JSON.parse((await ask(`${MLFLOW}/runs/get?run_id=${run_id}`)).body).run.data.metrics,
    ).toMatchObject([{ key: 'new', value: 1 }])
  })

  describe('of a server that does not run', () => {
    beforeAll(() => server.stop())

    /** One whose copy stays at its runs for a while. */
    const slowDatabase = async (name: string): Promise<string> => {
      const to = database(name)
      await (await openDatabase(to)).destroy()
      postgres.query(
        `create function wait() returns trigger language plpgsql as $$ begin perform pg_sleep(3); return new; end $$;
         create trigger wait after insert on runs for each statement execute function wait()`,
        name,
      )
      return to
    }
    const connections = (name: string): string =>
      `from pg_stat_activity where datname = '${name}' and application_name = 'millwright'`
    const isAtRuns = (name: string): Promise<boolean> =>
      eventually(
        async () =>
          postgres.query(`select count(*) ${connections(name)} and query like '%insert into "runs"%'`) ===
          '1',
      )

    test('that is ended half-way keeps nothing', async () => {
      const to = await slowDatabase('ended')
      const args = ['bin/millwright.js', 'database', 'copy', '--data', data, '--to', to]
      const child = spawn(process.execPath, args, {
        ...{ cwd: ROOT, stdio: 'ignore', env: { ...process.env, ...SQLITE } },
      })
      await isAtRuns('ended')
      child.kill('SIGKILL')
      await eventually(async () => postgres.query(`select count(*) ${connections('ended')}`) === '0')

      expect(postgres.query('select count(*) from models', 'ended')).toBe('0')
    })

    test('that loses the database half-way says so and keeps nothing', async () => {
      const to = await slowDatabase('lost')
      const copying = run(['database', 'copy', '--data', data, '--to', to])
      await isAtRuns('lost')
      postgres.query(`select pg_terminate_backend(pid) ${connections('lost')}`)
      const { code, stderr } = await copying

      expect(code).toBe(1)
      expect(stderr).toMatch(/^✖ the database postgres:\/\/127\.0\.0\.1:\d+\/lost cannot be used now: .*\n$/)
      expect(postgres.query('select count(*) from models', 'lost')).toBe('0')
    })

    test('what differs is named, with both counts', async () => {
      const to = database('differs')
      await (await openDatabase(to)).destroy()
      postgres.query('create rule lose as on insert to params do instead nothing', 'differs')

      const told = await run(['database', 'copy', '--data', data, '--to', to])
      const asJson = await run(['database', 'copy', '--data', data, '--to', to, '--json'])

      expect(told).toMatchObject({
        code: 1,
        stdout: expect.stringMatching(/^params +3 +0 +/m),
        stderr: '✖ what was written is not what was read in params; nothing was kept\n',
      })
      expect(asJson.code).toBe(1)
      expect(JSON.parse(asJson.stdout)).toMatchObject({
        error: { message: expect.stringContaining('in params') },
        tables: expect.arrayContaining([
          expect.objectContaining({ table: 'params', target: expect.objectContaining({ rows: 0 }) }),
        ]),
      })
    })

    test.each<[string, readonly string[], number, RegExp]>([
      ['no address', [], 2, /✖ there is nowhere to copy to\n {2}hint: --to postgres:/],
      [
        'another kind of database',
        ['--to', 'mysql://u:a-wrong-secret@h/d'],
        2,
        /is no address of PostgreSQL/,
      ],
      [
        'a folder that is none',
        ['--data', '/does-not-exist', '--to', 'postgres://h/d'],
        3,
        /there is no folder/,
      ],
      ['no server there', ['--to', 'postgres://u:a-wrong-secret@127.0.0.1:9/d'], 1, /cannot be used now: /],
      ['nothing that it knows', ['--verbose'], 2, /Unknown option '--verbose'/],
    ])('says what is wrong with %s, and no password', async (_, options, code, words) => {
      const refused = await run(['database', 'copy', '--data', data, ...options])

      expect(refused).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(words) })
      expect(refused.stderr).not.toContain('a-wrong-secret')
    })
  })
})
