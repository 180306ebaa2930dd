import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type Program, startMillwright } from './http/programs.ts'
import { type Answered, failed, keepAsking, quantile } from './http/requests.ts'
import type { Shape } from './http/wrk.ts'

/**
 * npm run bench:release [-- --seconds N --swaps N]: what callers notice of releases, at 500 requests a second, all cores
 * shared with the load generator. Swaps of the served version, shadows, and how long an old version still answers after
 * it was taken back, also while processes are killed.
 */
const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '10' }, swaps: { type: 'string', default: '100' } },
})
const seconds = Number(values.seconds)
const PORT = 7721
const RATE = 500
const GATEWAYS = 2
const NATIVE: Shape = { path: '/api/v1/deployments/churn/predict', wrap: 'row' }
const ROUNDS = 5

type Call = { readonly status: number; readonly sentAt: number; readonly doneAt: number }

async function call(action: string, body: object = {}): Promise<Call> {
  const sentAt = performance.now()
  const headers = { 'content-type': 'application/json' }
  const status = await fetch(`http://127.0.0.1:${PORT}/api/v1/deployments/churn/${action}`, {
    ...{ method: 'POST', headers, body: JSON.stringify(body) },
  }).then(
    (answer) => answer.status,
    () => 0,
  )
  return { status, sentAt, doneAt: performance.now() }
}

async function askFor(ms: number): Promise<Answered[]> {
  const asking = keepAsking(PORT, NATIVE, RATE)
  await sleep(ms)
  return asking.stop()
}

const shown = (answers: readonly Answered[]): string =>
  `p50 ${quantile(answers, 0.5).toFixed(3)} ms  p99 ${quantile(answers, 0.99).toFixed(2)} ms  failed ${failed(answers)} of ${answers.length}`

/** Promotes one version and the other in turn, as fast as gateways follow. */
async function measureSwaps(swaps: number): Promise<void> {
  const before = await askFor(seconds * 1000)
  const asking = keepAsking(PORT, NATIVE, RATE)
  const took: number[] = []
  for (let swap = 0; swap < swaps; swap++) {
    const { status, sentAt, doneAt } = await call('promote', { version: 2 - (swap % 2) })
    if (status !== 200) console.log(`  swap ${swap} was answered ${status}`)
    took.push(doneAt - sentAt)
    await sleep(100)
  }
  const during = await asking.stop()
  const after = await askFor(seconds * 1000)
  const steady = (quantile(before, 0.99) + quantile(after, 0.99)) / 2
  took.sort((a, b) => a - b)
  console.log(`\n${swaps} swaps at ${RATE} requests a second`)
  console.log(`  steady  ${shown(before)}`)
  console.log(`  swaps   ${shown(during)}`)
  console.log(`  steady  ${shown(after)}`)
  console.log(
    `  p99 ratio ${(quantile(during, 0.99) / steady).toFixed(2)}; a swap takes ${took[swaps >> 1]!.toFixed(0)} ms (median), ${took.at(-1)!.toFixed(0)} ms (longest)`,
  )
}

/** Live latency with and without a shadow of everything, in turns. */
async function measureShadow(): Promise<void> {
  const runs: { plain: Answered[]; shadowed: Answered[] } = { plain: [], shadowed: [] }
  for (let round = 0; round < ROUNDS; round++) {
    runs.plain.push(...(await askFor((seconds * 1000) / ROUNDS)))
    await call('rollout', { version: 2, shadow: 100 })
    runs.shadowed.push(...(await askFor((seconds * 1000) / ROUNDS)))
    await call('abort')
  }
  const ratio = (share: number) => (quantile(runs.shadowed, share) / quantile(runs.plain, share)).toFixed(3)
  console.log('\nshadow of 100 %')
  console.log(`  without ${shown(runs.plain)}`)
  console.log(`  with    ${shown(runs.shadowed)}`)
  console.log(`  ratio   p50 ${ratio(0.5)}  p90 ${ratio(0.9)}  p99 ${ratio(0.99)}`)
  const text = await fetch(`http://127.0.0.1:${PORT}/metrics`).then((answer) => answer.text())
  for (const line of text.match(/^millwright_shadow_rows_total.*$/gm) ?? []) console.log(`  ${line}`)
}

const pidOf = (program: Program, role: string): number =>
  program.pids().find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`\0${role}\0`))!

const kill = (pid: number) => process.kill(pid, 'SIGKILL')
type Millwright = Awaited<ReturnType<typeof startMillwright>>
type Blow = (program: Millwright) => void

/** Of the routing snapshot that gateways read. */
const epochOf = ({ data }: Millwright): number =>
  (JSON.parse(readFileSync(join(data, 'routing.json'), 'utf8')) as { epoch: number }).epoch

/** What happens as soon as it is decided that a candidate, which answers everybody, is taken back. */
const BLOWS: Readonly<Record<string, Blow>> = {
  nothing: () => {},
  'control is killed': (program) => kill(pidOf(program, 'control')),
  'a gateway is killed': (program) => kill(pidOf(program, 'gateway')),
  'the database is lost': ({ data }) => {
    for (const file of ['millwright.db', 'millwright.db-wal']) rmSync(join(data, file), { force: true })
  },
}

async function measureAborts(program: Millwright): Promise<void> {
  console.log('\nfrom sending "abort" to the last answer of the candidate, which answered everybody')
  for (const [name, blow] of Object.entries(BLOWS)) {
    await callUntil('rollout', { version: 2, weight: 100 })
    const asking = keepAsking(PORT, NATIVE, RATE)
    await sleep(1_000)
    const before = epochOf(program)
    const aborting = call('abort')
    while (epochOf(program) === before) await sleep(1)
    blow(program)
    const { status, sentAt, doneAt } = await aborting
    await sleep(3_000)
    const answers = await asking.stop()
    const old = answers.filter(({ version, status }) => status === 200 && version === 2)
    const lastMs = Math.max(...old.map((answer) => answer.doneAt)) - sentAt
    console.log(
      `  ${name.padEnd(20)} ${lastMs.toFixed(0)} ms; the command was answered ${status} after ${(doneAt - sentAt).toFixed(0)} ms; failed ${failed(answers)} of ${answers.length}`,
    )
  }
}

/** Asks again while control is starting. */
async function callUntil(action: string, body: object = {}): Promise<void> {
  while ((await call(action, body)).status !== 200) await sleep(100)
}

const program = await startMillwright(PORT, GATEWAYS)
const deploy = ['deploy', 'examples/churn/models/churn_model_v3.pkl', '--name', 'churn', '--no-promote']
execFileSync(process.execPath, ['bin/millwright.js', ...deploy, '--url', `http://127.0.0.1:${PORT}`], {
  stdio: 'ignore',
})
await askFor(2_000)
await measureSwaps(Number(values.swaps))
await call('promote', { version: 1 })
await measureShadow()
await measureAborts(program)
await program.stop()
process.exit(0)
