import { execFile, execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { startMillwright } from './http/programs.ts'

/**
 * npm run bench:overload: one gateway, a model of some milliseconds a request, and 1, 3 and 10 times as many requests as it
 * can answer. Goodput is what is answered beside what could be; whoever is not answered should hear of it at once.
 */
const PORT = 7704
const SECONDS = 8
const MODEL = new URL('.cache/models/slow-knn.joblib', import.meta.url).pathname
const PATH = '/api/v1/deployments/slow/predict'

type Outcome = Readonly<Record<'status' | 'count' | 'p50' | 'p90' | 'p99', number>>
/** `late`: p99 of the time by which requests were sent later than they should. */
type Sent = { readonly outcomes: readonly Outcome[]; readonly late: number }

const run = promisify(execFile)

async function load(perSecond: number, seconds: number): Promise<Sent> {
  const script = new URL('http/overload-load.ts', import.meta.url).pathname
  const args = [script, String(PORT), PATH, String(perSecond), String(seconds)]
  return JSON.parse((await run(process.execPath, args)).stdout) as Sent
}

const of = (outcomes: readonly Outcome[], status: number): Outcome | undefined =>
  outcomes.find((outcome) => outcome.status === status)

/** Most requests a second that are answered without anyone being refused: more are sent until some are. */
async function findCapacity(): Promise<number> {
  const answered = async (perSecond: number): Promise<number> => {
    const { outcomes } = await load(perSecond, 5)
    return (of(outcomes, 200)?.count ?? 0) / 5
  }
  const rough = await answered(400)
  return answered(Math.ceil(rough * 1.5))
}

if (!existsSync(MODEL))
  execFileSync('bench/.cache/venv/bin/python', ['bench/http/slow_model.py', MODEL], { stdio: 'inherit' })
const program = await startMillwright(PORT, 1)
execFileSync(process.execPath, ['bin/millwright.js', 'deploy', MODEL, '--name', 'slow'], {
  env: { ...process.env, MILLWRIGHT_URL: `http://127.0.0.1:${PORT}` },
})
await load(50, 2)
const capacity = await findCapacity()
console.log(`capacity ${capacity.toFixed(0)} requests a second\n`)
console.log(
  '| load | answered/s | goodput | p50 ms | p99 ms | refused | p50 ms | p90 ms | p99 ms | failed | sent late by |',
)
console.log('|---|---|---|---|---|---|---|---|---|---|---|')
for (const times of [0.7, 3, 10]) {
  const { outcomes, late } = await load(Math.round(capacity * times), SECONDS)
  const [good, refused] = [of(outcomes, 200), of(outcomes, 503)]
  const perSecond = (good?.count ?? 0) / SECONDS
  const failed = outcomes.filter(({ status }) => status !== 200 && status !== 503)
  console.log(
    `| ${times} × | ${perSecond.toFixed(0)} | ${(perSecond / Math.min(capacity, capacity * times)).toFixed(2)} | ${[
      good?.p50.toFixed(1),
      good?.p99.toFixed(1),
      refused?.count ?? 0,
      refused?.p50.toFixed(1) ?? '–',
      refused?.p90.toFixed(1) ?? '–',
      refused?.p99.toFixed(1) ?? '–',
      failed.map(({ status, count }) => `${count} × ${status}`).join(', ') || 0,
      `${late.toFixed(1)} ms`,
    ].join(' | ')} |`,
  )
}
const { outcomes: after } = await load(Math.round(capacity * 0.5), 2)
console.log(`\nright after, at half the capacity: ${JSON.stringify(after)}`)
await program.stop()
process.exit(0)
