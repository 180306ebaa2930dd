import { type ChildProcess, fork } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { HOSTILE_FILES, SMALL_FILES } from '../packages/engine/test/hostile.ts'
import type { Outcome, Trial } from './fuzz-worker.ts'

/**
 * npm run fuzz -- [--seconds N] [--seed S] [--file NAME] [--trials N] [--jobs N]: gives the engine files that are made to
 * do harm, small files cut off at every byte, and then model files broken in seeded ways until the time is over. Each is
 * refused or served within 2 s of processor time and 256 MB; nothing else is thrown, no process dies. Exit code 1 and a
 * line to repeat it for each that does not hold.
 */
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: '20261121' },
    file: { type: 'string' },
    trials: { type: 'string', default: 'Infinity' },
    jobs: { type: 'string', default: String(Math.min(4, availableParallelism())) },
  },
})
const SHARED = new URL('../../shared/fixtures/models/', import.meta.url).pathname
const CARRIED = new URL('../packages/engine/test/fixtures/', import.meta.url).pathname
const ROOT = existsSync(SHARED) ? SHARED : CARRIED
const LARGEST_BYTES = 2 ** 20
/** Wall clock of one trial, on a machine that does other things besides. */
const PATIENCE_MS = 30_000
const PROGRESS_MS = 10_000
const MOST_FAULTS = 20

const modelFiles = (root: string): string[] =>
  readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\/(model\.[^/]+|booster\.txt)$/.test(name) && !name.endsWith('.onnx'))
    .filter((name) => statSync(join(root, name)).size <= LARGEST_BYTES)
    .sort()

/** The corpus and the cuts once, then broken files without end. */
function* trials(): Generator<Trial> {
  const seed = Number(values.seed)
  const files = values.file === undefined ? modelFiles(ROOT) : [values.file]
  if (values.file === undefined) {
    for (const { name } of HOSTILE_FILES) yield { kind: 'hostile', name }
    for (const name of SMALL_FILES)
      for (let length = 0; length < statSync(join(CARRIED, name)).size; length++)
        yield { kind: 'cut', path: join(CARRIED, name), length }
  }
  for (let i = 0; ; i++) yield { kind: 'broken', path: join(ROOT, files[i % files.length]!), seed: seed + i }
}

const tally = {
  tried: 0,
  refused: 0,
  served: 0,
  raised: 0,
  slowestMs: 0,
  slowest: '',
  largestMiB: 0,
  largest: '',
}
const faults: string[] = []

const nameOf = (trial: Trial): string => {
  if (trial.kind === 'hostile') return trial.name
  const path = trial.path.replace(ROOT, '').replace(CARRIED, '')
  return trial.kind === 'cut' ? `${path} cut to ${trial.length} bytes` : `${path} seed ${trial.seed}`
}
const repeatOf = (trial: Trial): string =>
  trial.kind === 'broken'
    ? `; again: npm run fuzz -- --file ${trial.path.replace(ROOT, '')} --seed ${trial.seed} --trials 1`
    : ''

function note(trial: Trial, { end, millis, bytes, fault }: Outcome): void {
  tally.tried++
  tally[end]++
  if (millis > tally.slowestMs)
    Object.assign(tally, { slowestMs: Math.round(millis), slowest: nameOf(trial) })
  const mebibytes = Math.round(bytes / 2 ** 20)
  if (mebibytes > tally.largestMiB) Object.assign(tally, { largestMiB: mebibytes, largest: nameOf(trial) })
  if (fault === undefined) return
  faults.push(nameOf(trial))
  console.error(`FAULT ${nameOf(trial)}: ${fault}${repeatOf(trial)}`)
}

const startWorker = (): ChildProcess =>
  fork(new URL('./fuzz-worker.ts', import.meta.url), [], {
    execArgv: ['--expose-gc', '--max-old-space-size=1024'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })

/** The worker's answer; undefined when it died or did not come back. */
function ask(worker: ChildProcess, trial: Trial): Promise<Outcome | undefined> {
  return new Promise((resolve) => {
    const settle = (outcome: Outcome | undefined): void => {
      clearTimeout(timer)
      worker.removeAllListeners()
      resolve(outcome)
    }
    const timer = setTimeout(settle, PATIENCE_MS, undefined)
    worker.once('message', settle)
    worker.once('exit', () => settle(undefined))
    worker.send(trial)
  })
}

async function work(queue: Iterator<Trial>, isOver: () => boolean): Promise<void> {
  let worker = startWorker()
  for (let next = queue.next(); !isOver() && next.done !== true; next = queue.next()) {
    const outcome = await ask(worker, next.value)
    if (outcome !== undefined) {
      note(next.value, outcome)
      continue
    }
    note(next.value, {
      end: 'refused',
      millis: 0,
      bytes: 0,
      fault: `the process died, or did not end within ${PATIENCE_MS} ms`,
    })
    worker.kill('SIGKILL')
    worker = startWorker()
  }
  worker.kill('SIGKILL')
}

const endsAt = Date.now() + Number(values.seconds) * 1000
const isOver = (): boolean =>
  Date.now() > endsAt || tally.tried >= Number(values.trials) || faults.length >= MOST_FAULTS
const progress = setInterval(
  () =>
    console.error(
      `${tally.tried} tried, ${faults.length} faults, ${Math.max(0, Math.round((endsAt - Date.now()) / 1000))} s left`,
    ),
  PROGRESS_MS,
)
const queue = trials()
const jobs = Math.min(Number(values.jobs), Number(values.trials))
await Promise.all(Array.from({ length: jobs }, () => work(queue, isOver)))
clearInterval(progress)
console.log(JSON.stringify({ seed: Number(values.seed), faults: faults.length, ...tally }, null, 2))
process.exitCode = faults.length === 0 ? 0 : 1
