import { afterAll, beforeAll, expect, test } from 'vitest'
import { cli, postJson, type Running, removeFolder, startMillwright } from '../support/millwright.ts'

let server: Running
const runs: string[] = []

beforeAll(async () => {
  server = await startMillwright({ gateways: 1 })
  for (const [depth, auc] of [
    ['3', 0.7],
    ['5', 0.9],
  ] as const) {
    const made = await call('runs/create', {
      experiment_id: '0',
      run_name: `depth ${depth}`,
      start_time: 1000,
    })
    const { run_id } = (made as { run: { info: { run_id: string } } }).run.info
    await call('runs/log-parameter', { run_id, key: 'depth', value: depth })
    await call('runs/log-metric', { run_id, key: 'auc', value: auc, timestamp: 1 })
    runs.push(run_id)
  }
})
afterAll(async () => {
  await server?.stop()
  removeFolder(server.data)
})

async function call(path: string, body: object): Promise<object> {
  const { status, json } = await postJson(`${server.url}/api/2.0/mlflow/${path}`, body)
  expect(status).toBe(200)
  return json
}
const run = (...args: string[]) => cli(args, { url: server.url })

test('runs are listed by a filter, in the columns asked for', async () => {
  const { code, stdout } = await run(
    'runs',
    'list',
    '--filter',
    'metrics.auc > 0.8',
    '--columns',
    'metrics.auc,params.depth',
  )

  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: `RUN_ID                            NAME     AUC  DEPTH\n${runs[1]}  depth 5  0.9  5\n`,
  })
})

test('a run is shown with its best, and two of them with what changed', async () => {
  const shown = await run('runs', 'show', runs[0]!, '--best', 'max')
  const diff = await run('runs', 'diff', runs[0]!, runs[1]!)

  expect(shown.stdout).toMatch(/auc +1 +0\.7 +0\.7 +0\.7 +0\.7 at 0\n/)
  expect(diff.stdout).toMatchInlineSnapshot(`
    "PARAMS  A  B
    depth   3  5
    0 equal

    DATASETS: 0 equal

    CODE: 0 equal

    PACKAGES: 0 equal

    METRIC  A    B    CHANGE
    auc     0.7  0.9  +0.2
    "
  `)
})

test('runs are tagged at once, searches saved, and mistakes said', async () => {
  const tagged = await run('runs', 'tag', '--filter', 'metrics.auc < 0.8', '--set', 'verdict=weak')
  await run('runs', 'save', 'weak', '--filter', "tags.verdict = 'weak'", '--columns', 'tags.verdict')
  const found = await run('runs', 'list', '--saved', 'weak')
  const none = await run('runs', 'tag', '--set', 'a=b')
  const unknown = await run('runs', 'show', 'nothing')

  expect(tagged.stdout).toBe('1 runs tagged\n')
  expect(found.stdout).toContain(`${runs[0]}  depth 3  weak`)
  expect([none.code, unknown.code]).toEqual([2, 3])
  expect(unknown.stderr).toContain('Run with id=nothing not found')
})

test('what was deleted is removed for good when it is said', async () => {
  await call('runs/delete', { run_id: runs[0]! })

  const dry = await run('tracking', 'gc', '--dry-run', '--json')
  const young = await run('tracking', 'gc', '--older-than', '1d', '--json')
  const removed = await run('tracking', 'gc')
  const storage = await run('tracking', 'storage', '--json')

  expect(JSON.parse(dry.stdout)).toMatchObject({ dry_run: true, runs: 1 })
  expect(JSON.parse(young.stdout)).toMatchObject({ dry_run: false, runs: 0 })
  expect(removed.stdout).toMatch(/^runs +1$/m)
  expect(JSON.parse(storage.stdout)).toMatchObject({ files: 0, deleted: { files: 0 } })
  expect((await run('runs', 'show', runs[0]!)).code).toBe(3)
})
