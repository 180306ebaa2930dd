import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cli, postJson, ROOT, type Running, removeFolder, startMillwright } from '../support/millwright.ts'

const AUC = { v2: 0.8591, v3: 0.8643, bad: 0.6276 } as const
const RULE = 'roc_auc >= production + 0.002'
let server: Running

/** A run that scored. @returns its id */
async function scored(auc: number): Promise<string> {
  const mlflow = `${server.url}/api/2.0/mlflow/runs`
  const created = await postJson(`${mlflow}/create`, { experiment_id: '0' })
  const { run_id } = (created.json as { run: { info: { run_id: string } } }).run.info
  await postJson(`${mlflow}/log-metric`, { run_id, key: 'roc_auc', value: auc, timestamp: 1 })
  return run_id
}

async function deploy(name: keyof typeof AUC, ...args: string[]) {
  const file = join(ROOT, `examples/churn/models/churn_model_${name}.pkl`)
  return cli(['deploy', file, '--name', 'churn', '--run', await scored(AUC[name]), ...args], server)
}
const run = (...args: string[]) => cli(args, server)
const served = async () => (JSON.parse((await run('status', '--json')).stdout) as Status).deployments[0]!
type Status = { readonly deployments: readonly { readonly version: { readonly number: number } }[] }

beforeAll(async () => {
  server = await startMillwright({ gateways: 1 })
  await deploy('v2')
  await run('rules', 'set', 'churn', RULE, 'size <= 50 MB', '--reason', 'only what is better')
})
afterAll(async () => {
  await server.stop()
  removeFolder(server.data)
})

test('rules are shown as they were written', async () => {
  const shown = await run('rules', 'show', 'churn')
  const history = await run('rules', 'history', 'churn', '--json')

  expect(shown.stdout).toBe(`${RULE}\nsize <= 50 MB\n`)
  expect(shown.stderr).toMatch(/^churn production {2}revision 1, .* by tester: only what is better\n/)
  expect(JSON.parse(history.stdout)).toMatchObject({ data: [{ revision: 1, by: 'tester' }] })
})

test('a rule that is none is refused with what was expected', async () => {
  const { code, stderr } = await run('rules', 'set', 'churn', 'roc_auc = 0.9')

  expect(code).toBe(2)
  expect(stderr).toContain('expected >=, >, <=, <, got "="')
})

describe('a worse version', () => {
  test('is not deployed, and the exit code is that of a gate', async () => {
    const { code, stderr } = await deploy('bad')

    expect(code).toBe(5)
    expect(stderr).toContain(`${RULE}: 0.6276, wanted >= 0.8611 (churn@1 has 0.8591)`)
    expect((await served()).version.number).toBe(1)
  })

  test('is told from a better one without a promotion', async () => {
    await deploy('v3', '--no-promote')
    const [worse, better] = [
      await run('promote', 'churn', '2', '--dry-run'),
      await run('promote', 'churn@3', '--dry-run'),
    ]

    expect([worse.code, better.code]).toEqual([5, 0])
    expect(worse.stdout).toContain(`✖ ${RULE}: 0.6276, wanted >= 0.8611 (churn@1 has 0.8591)\n✔ size`)
    expect((await served()).version.number).toBe(1)
  })

  test('is promoted by force alone, and by nobody without a reason', async () => {
    const [refused, silent] = [
      await run('promote', 'churn', '2'),
      await run('promote', 'churn', '2', '--force'),
    ]
    const forced = await run('promote', 'churn', '2', '--force', '--reason', 'the others leak')
    const events = await run('events', '--json')

    expect([refused.code, silent.code, forced.code]).toEqual([5, 2, 0])
    expect(events.stdout).toContain('promotion.forced')
    expect(events.stdout).toContain('promotion.refused')
    expect((await run('rollback', 'churn')).code).toBe(0)
  })
})

test('a better version waits for the approval of somebody else', async () => {
  await run('rules', 'set', 'churn', RULE, 'approvals 1')
  const alone = await run('promote', 'churn', '3')
  const approved = await cli(['approve', 'churn@3', '--user', 'ben', '--json'], server)
  const promoted = await run('promote', 'churn', '3', '--json')

  expect(alone.stderr).toContain('approvals 1: none, wanted 1, not by tester who made it')
  expect(JSON.parse(approved.stdout)).toMatchObject({ version: 3, by: 'ben' })
  expect([alone.code, promoted.code]).toEqual([5, 0])
  expect((await served()).version.number).toBe(3)
})

test('rules that are cleared ask for nothing', async () => {
  await run('rules', 'clear', 'churn')

  expect((await run('rules', 'show', 'churn')).stdout).toBe('')
  expect((await run('promote', 'churn', '2')).code).toBe(0)
})
