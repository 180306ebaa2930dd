import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { openLoop } from './http/open-loop.ts'
import {
  answering,
  cpuSeconds,
  type Program,
  proportionalMemory,
  startFlask,
  startFloor,
  startMillwright,
} from './http/programs.ts'
import { type Load, load, type Shape } from './http/wrk.ts'

/**
 * npm run bench:http [-- --seconds N] [--no-flask]: churn predictions over HTTP, one row a request, the prediction log on.
 * Millwright against the floor (bare node:http with JSON) and the Flask program it replaces, all cores shared with the
 * load generator, every point measured between two runs of the floor.
 */
const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '4' }, 'no-flask': { type: 'boolean', default: false } },
})
const seconds = Number(values.seconds)
const cores = availableParallelism()
const PORTS = { floor: 7701, millwright: 7702, flask: 7703 }
const PLAIN: Shape = { path: '/predict', wrap: 'flat' }
const NATIVE: Shape = { path: '/api/v1/deployments/churn/predict', wrap: 'row' }
const CONNECTIONS = [1, 8, 32, 64]

/** CPU time over the requests answered: of the processes that answer, and of those that put the log away. */
type Micros = { readonly answering: number; readonly others: number }
type Point = {
  readonly name: string
  readonly connections: number
  readonly load: Load
  readonly floor: number
  readonly micros: Micros
  readonly floorMicros: Micros
}

/** A run of load and what it cost the program. */
async function loadCounted(program: Program, shape: Shape, run: { connections: number; seconds: number }) {
  const cpu = () => {
    const pids = program.pids()
    return { answering: cpuSeconds(answering(pids)), all: cpuSeconds(pids) }
  }
  const before = cpu()
  const result = await load(program.port, shape, run)
  const after = cpu()
  const perRequest = 1e6 / (result.perSecond * run.seconds)
  const own = (after.answering - before.answering) * perRequest
  return { ...result, micros: { answering: own, others: (after.all - before.all) * perRequest - own } }
}

async function measure(name: string, program: Program, shape: Shape, floor: Program): Promise<Point[]> {
  const points: Point[] = []
  for (const connections of CONNECTIONS) {
    const run = { connections, seconds }
    const half = { connections, seconds: Math.max(1, Math.round(seconds / 2)) }
    const before = await loadCounted(floor, PLAIN, half)
    await load(program.port, shape, { connections, seconds: 1 })
    const measured = await loadCounted(program, shape, run)
    const after = await loadCounted(floor, PLAIN, half)
    points.push({
      name,
      connections,
      load: measured,
      floor: (before.perSecond + after.perSecond) / 2,
      micros: measured.micros,
      floorMicros: mean(before.micros, after.micros),
    })
  }
  return points
}

const mean = (a: Micros, b: Micros): Micros => ({
  answering: (a.answering + b.answering) / 2,
  others: (a.others + b.others) / 2,
})

function printPoints(points: readonly Point[], flask: readonly Point[]): void {
  console.log(
    '\n| program | callers | req/s | p50 ms | p99 ms | failed | CPU µs a request | + log to Parquet | floor CPU µs | of the floor | × Flask |',
  )
  console.log('|---|---|---|---|---|---|---|---|---|---|---|')
  for (const { name, connections, load, floor, micros, floorMicros } of points) {
    const peer = flask.find((point) => point.connections === connections)
    const times = peer === undefined ? '–' : (load.perSecond / peer.load.perSecond).toFixed(1)
    console.log(
      `| ${name} | ${connections} | ${load.perSecond.toFixed(0)} | ${load.p50.toFixed(3)} | ${load.p99.toFixed(2)} | ${load.failed} | ` +
        `${micros.answering.toFixed(1)} | ${micros.others.toFixed(1)} | ${floorMicros.answering.toFixed(1)} | ${(load.perSecond / floor).toFixed(2)} | ${times} |`,
    )
  }
}

const floor = await startFloor(PORTS.floor, cores)
const millwright = await startMillwright(PORTS.millwright, cores)
console.log(`cores ${cores}, node ${process.version}, ${seconds} s a point`)
console.log(`start to first prediction: ${millwright.readySeconds.toFixed(2)} s (deploys the example first)`)
await sleep(3_000)
console.log(
  `idle memory, whole tree: ${proportionalMemory(millwright.pids()).toFixed(0)} MB PSS in ${millwright.pids().length} processes`,
)

const points = [
  ...(await measure('millwright /predict', millwright, PLAIN, floor)),
  ...(await measure('millwright native', millwright, NATIVE, floor)),
]
const rate = { perSecond: 500, seconds: Math.max(5, seconds) }
const open = {
  floor: await openLoop(PORTS.floor, PLAIN, rate),
  plain: await openLoop(PORTS.millwright, PLAIN, rate),
  native: await openLoop(PORTS.millwright, NATIVE, rate),
}
await millwright.stop()
let flask: Point[] = []
if (!values['no-flask']) {
  const program = await startFlask(PORTS.flask)
  console.log(
    `Flask: start to first prediction ${program.readySeconds.toFixed(2)} s, ${proportionalMemory(program.pids()).toFixed(0)} MB PSS`,
  )
  flask = await measure('flask × 4', program, PLAIN, floor)
  await program.stop()
}
await floor.stop()

printPoints([...points, ...flask], flask)
console.log('\n500 requests a second, open loop:')
for (const [name, { p50, p99, failed }] of Object.entries(open))
  console.log(
    `  ${name.padEnd(8)} p50 ${p50.toFixed(3)} ms (+${(p50 - open.floor.p50).toFixed(3)})  p99 ${p99.toFixed(2)} ms  failed ${failed}`,
  )
