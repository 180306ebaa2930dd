import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { databaseSource } from '../../packages/cli/src/mlflow/database-source.ts'
import { folderSource } from '../../packages/cli/src/mlflow/folder-source.ts'
import { restSource } from '../../packages/cli/src/mlflow/rest-source.ts'
import type { Source } from '../../packages/cli/src/mlflow/source.ts'
import { cli, ROOT, type Running, removeFolder, startMillwright } from '../support/millwright.ts'
import { interpreterOf } from './clients.ts'
import { startPeer } from './peer.ts'
import { hasPython } from './python-here.ts'

/** What MLflow's own server and files have, moved here and back: both sides are read by the same reader and must be the same. */
const PROGRAM = fileURLToPath(new URL('python/moving.py', import.meta.url))

describe.skipIf(!hasPython)('moving from and to MLflow', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millwright-moving-'))
  const started: Running[] = []
  let python: string
  let peer: Awaited<ReturnType<typeof startPeer>>

  beforeAll(async () => {
    python = await interpreterOf('mlflow3')
    peer = await startPeer(python, { folder })
    log(python, peer.url)
  })
  afterAll(async () => {
    await peer?.stop()
    for (const running of started) {
      await running.stop()
      removeFolder(running.data)
    }
    removeFolder(folder)
  })

  async function startOurs(): Promise<Running> {
    const running = await startMillwright({ gateways: 1 })
    started.push(running)
    return running
  }

  test('from a server: everything is as it was, and again nothing is added', async () => {
    const ours = await startOurs()

    const first = await cli(['import', 'mlflow', peer.url, '--json'], { url: ours.url })
    const second = await cli(['import', 'mlflow', peer.url, '--json', '--again'], { url: ours.url })

    expect([first.code, second.code]).toEqual([0, 0])
    const report = JSON.parse(first.stdout) as { counts: object; differences: string[] }
    expect(report.differences).toEqual([])
    expect(report.counts).toMatchObject({
      ...{
        experiments: { source: 3, here: 3 },
        runs: { source: 6, here: 6 },
        metrics: { source: 707, here: 707 },
      },
      ...{
        'logged models': { source: 2, here: 2 },
        versions: { source: 2, here: 2 },
        aliases: { source: 2, here: 2 },
      },
    })
    expect(JSON.parse(second.stdout)).toMatchObject({ counts: report.counts, skipped_runs: 0 })
    expect(await contentsOf(restSource(ours.url))).toEqual(await contentsOf(restSource(peer.url)))
    const { stdout } = await cli(['models', 'moved-churn', '--json'], { url: ours.url })
    expect((JSON.parse(stdout) as { data: { state: string }[] }).data.map(({ state }) => state)).toEqual([
      'READY',
      'READY',
    ])
  })

  test('from its database, killed again and again, and begun again', async () => {
    const ours = await startOurs()
    const database = join(folder, 'mlflow.db')

    for (const milliseconds of [300, 400, 500, 600]) await killedAfter(milliseconds, database, ours.url)
    const last = await cli(['import', 'mlflow', database, '--json'], { url: ours.url })

    expect(JSON.parse(last.stdout)).toMatchObject({ differences: [] })
    expect(last.code).toBe(0)
    expect(await contentsOf(restSource(ours.url))).toEqual(await contentsOf(restSource(peer.url)))
    const source = databaseSource(database, undefined)
    expect(await contentsOf(source)).toEqual(await contentsOf(restSource(peer.url)))
    source.close()
  })

  test('from an mlruns folder', async () => {
    const [older, ours] = [await interpreterOf('mlflow2'), await startOurs()]
    const mlruns = join(folder, 'mlruns')
    log(older, `file://${mlruns}`)

    const dry = await cli(['import', 'mlflow', mlruns, '--dry-run', '--json'], { url: 'http://127.0.0.1:1' })
    const moved = await cli(['import', 'mlflow', mlruns, '--json'], { url: ours.url })

    expect(JSON.parse(dry.stdout)).toMatchObject({ counts: { runs: { source: 6, here: 0 } } })
    expect(JSON.parse(moved.stdout)).toMatchObject({
      differences: [],
      counts: { runs: { source: 6, here: 6 } },
    })
    expect(await contentsOf(restSource(ours.url))).toEqual(await contentsOf(folderSource(mlruns, undefined)))
  })

  test('to a new server of MLflow and from there to a new one of ours', async () => {
    const [ours, others] = [await startOurs(), await startOurs()]
    const target = await startPeer(python)
    try {
      await cli(['import', 'mlflow', peer.url], { url: ours.url })

      const there = await cli(['export', 'mlflow', target.url, '--json'], { url: ours.url })
      const again = await cli(['export', 'mlflow', target.url, '--json'], { url: ours.url })
      const back = await cli(['import', 'mlflow', target.url, '--json'], { url: others.url })

      for (const { code, stdout } of [there, again, back]) {
        expect(JSON.parse(stdout)).toMatchObject({
          differences: [],
          counts: { runs: { source: 6, here: 6 } },
        })
        expect(code).toBe(0)
      }
      expect(withoutIds(await contentsOf(restSource(others.url)))).toEqual(
        withoutIds(await contentsOf(restSource(peer.url))),
      )
    } finally {
      await target.stop()
    }
  })

  test('what is no source is refused in words', async () => {
    const { code, stderr } = await cli(['import', 'mlflow', join(folder, 'nothing.db')])
    expect({ code, stderr }).toMatchObject({ code: 3, stderr: expect.stringContaining('there is no') })
    const other = await cli(['import', 'mlflow', join(ROOT, 'packages')])
    expect(other.stderr).toContain('is no mlruns folder')
  })
})

function log(python: string, uri: string): void {
  const env = {
    ...process.env,
    PATH: `${dirname(python)}:${process.env.PATH}`,
    ...{ MLFLOW_DISABLE_TELEMETRY: 'true', DO_NOT_TRACK: 'true', GIT_PYTHON_REFRESH: 'quiet' },
    ...{ PYTHONDONTWRITEBYTECODE: '1' },
  }
  const output = execFileSync(python, [PROGRAM, uri], { env, stdio: ['ignore', 'pipe', 'ignore'] }).toString()
  expect(output.trim().split('\n').at(-1)).toBe('{"done": true}')
}

/** Begins an import and kills it. */
function killedAfter(milliseconds: number, source: string, url: string): Promise<void> {
  const child = spawn(
    process.execPath,
    [join(ROOT, 'bin/millwright.js'), 'import', 'mlflow', source, '--url', url],
    {
      stdio: 'ignore',
    },
  )
  setTimeout(() => child.kill('SIGKILL'), milliseconds)
  return new Promise((resolve) => child.once('exit', () => resolve()))
}

type Contents = Readonly<Record<string, object>>

/** All that a source has, by what it is, without what is a server's own: ids of experiments, where its files are. */
async function contentsOf(source: Source): Promise<Contents> {
  const found: Record<string, object> = {}
  for await (const { id, row } of source.experiments()) {
    const { updated_at: _, created_at: created, ...experiment } = row
    found[`experiment ${row.name}`] = row.name === 'Default' ? experiment : { ...experiment, created }
    for await (const run of source.runs(id)) {
      const { experiment_id: _, deleted_at: __, ...rest } = run.row
      const metrics = (await Array.fromAsync(source.metrics(run)))
        .flat()
        .map(([key, value, ...at]) => [key, kept(value), ...at].join(' '))
        .sort()
      found[`run ${rest.run_id}`] = {
        ...rest,
        ...{
          tags: sorted(rest.tags),
          params: sorted(rest.params),
          metrics,
          files: await filesOf(source, run.artifactUri),
        },
        datasets: rest.datasets.map(({ dataset, tags }) => ({ ...dataset, tags: sorted(tags) })),
      }
    }
    for await (const { row: model, artifactUri } of source.loggedModels(id)) {
      const { experiment_id: _, tags, params, ...rest } = model
      const files = await filesOf(source, artifactUri)
      found[`logged model ${rest.model_id}`] = { ...rest, tags: sorted(tags), params: sorted(params), files }
    }
  }
  for await (const { row, aliases } of source.registeredModels()) {
    found[`model ${row.name}`] = { ...row, tags: sorted(row.tags), aliases }
    for await (const { version } of source.versions(row.name))
      found[`version ${version.number} of ${row.name}`] = { ...version, tags: sorted(version.tags) }
  }
  return JSON.parse(JSON.stringify(found)) as Contents
}

/** Databases, MLflow's as ours, keep infinity as the largest number there is. */
const kept = (value: string | number): string => String(value).replace('Infinity', String(Number.MAX_VALUE))

const sorted = (tags: readonly { key: string; value: string }[]): string[] =>
  tags.map(({ key, value }) => `${key}=${value}`).sort()

async function filesOf(source: Source, uri: string): Promise<string[]> {
  const files: string[] = []
  for await (const { name, bytes, open } of source.files(uri)) {
    const content = Buffer.concat(await Array.fromAsync(await open()))
    expect(content.length).toBe(bytes)
    files.push(`${name} ${createHash('sha256').update(content).digest('hex')}`)
  }
  return files.sort()
}

/** Another server gives other ids: what is left is compared by names. */
function withoutIds(contents: Contents): unknown[] {
  const TIMES = /"(created|created_at|updated_at|user_id|timestamp)":("[^"]*"|\d+)/g
  return Object.values(contents)
    .map((value) =>
      JSON.stringify(value)
        .replaceAll(/"mlflow.modelVersions=(?:[^"\\]|\\.)*",?/g, '')
        .replaceAll(/"millwright\.[^"]*",?/g, '')
        .replaceAll(/m-[0-9a-f]{32}|[0-9a-f]{32}/g, 'ID')
        .replaceAll(TIMES, '"$1":0')
        .replaceAll(',]', ']'),
    )
    .sort()
}
