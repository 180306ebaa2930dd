import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { interpreterOf } from '../test/mlflow/clients.ts'
import { findPostgres } from '../test/support/postgres.ts'
import { cpuSeconds, type Program, proportionalMemory } from './http/programs.ts'
import { type Load, load } from './tracking/load.ts'
import { CALLER_COUNTS, prepare, walk } from './tracking/operations.ts'
import { startOnPostgres, startOurs, startTheirs } from './tracking/servers.ts'

/**
 * npm run bench:tracking [-- --seconds N --runs N,N --operations REGEX --servers NAME,NAME --json]: Millwright on SQLite and on
 * PostgreSQL (skipped where it is not installed), and MLflow's newest server on SQLite, with as many runs (10 metrics and 10
 * params each, put into the databases before the start), asked the same by the same load generator, one server after the
 * other, all cores shared with it. MLflow has its default workers and does not run jobs; its start and memory are also given as
 * it comes, with jobs. Processor time is that of all processes of a server, PostgreSQL's with it. 100 000 runs: --runs 100000
 * (MLflow's order by metric takes minutes then). Installs MLflow with the first run.
 */
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '2' },
    runs: { type: 'string', default: '10000' },
    json: { type: 'boolean', default: false },
    operations: { type: 'string', default: '' },
    servers: { type: 'string', default: 'sqlite,postgres,mlflow' },
  },
})
const seconds = Number(values.seconds)
const wanted = new RegExp(values.operations)
/** Until what starting took is given back, in milliseconds. */
const IDLE_MS = 10_000
const WALK = 'search: walk all, 1000 a page'

type Point = { readonly operation: string; readonly callers: number } & Load
type Measured = {
  readonly points: readonly Point[]
  readonly startSeconds: number
  readonly megabytes: number
  readonly processes: number
}

async function measure(server: Program, runs: number): Promise<Measured> {
  await sleep(IDLE_MS)
  const pids = server.pids()
  const megabytes = proportionalMemory(pids)
  const points: Point[] = []
  const operations = (await prepare(server)).filter(({ name }) => wanted.test(name))
  for (const { name: operation, call, callers = CALLER_COUNTS } of operations)
    for (const count of callers) {
      if (count === 1) await load(server, call, { callers: count, seconds: seconds / 2 })
      points.push({ operation, callers: count, ...(await load(server, call, { callers: count, seconds })) })
      progress(points.at(-1)!)
    }
  if (wanted.test(WALK)) points.push(await walkAll(server, runs))
  await server.stop()
  return { points, startSeconds: server.readySeconds, megabytes, processes: pids.length }
}

/** The whole walk is one request. @throws Error when a run is missing */
async function walkAll(server: Program, runs: number): Promise<Point> {
  const pids = server.pids()
  const before = cpuSeconds(pids)
  const startedAt = performance.now()
  const found = await walk(server)
  if (found !== runs) throw new Error(`the walk found ${found} of ${runs} runs`)
  const elapsed = performance.now() - startedAt
  const cpu = (cpuSeconds(pids) - before) * 1000
  return {
    operation: WALK,
    callers: 1,
    requests: 1,
    perSecond: 1000 / elapsed,
    p50: elapsed,
    p99: elapsed,
    cpu,
  }
}

const progress = ({ operation, callers, requests, cpu, p50 }: Point): void =>
  console.error(
    `${operation}, ${callers}: ${requests} requests, ${cpu.toFixed(2)} ms CPU, p50 ${p50.toFixed(1)} ms`,
  )

const short = (value: number): string => (value < 10 ? value.toFixed(2) : value.toFixed(value < 100 ? 1 : 0))
const row = (cells: readonly (string | number)[]): void => console.log(`| ${cells.join(' | ')} |`)

/** A line for each operation and number of callers; ratios are of MLflow to Millwright on SQLite. */
function print(measured: Readonly<Record<string, Measured>>): void {
  const names = Object.keys(measured)
  const head = ['ms CPU', 'p50 ms', 'p99 ms', 'per s']
  const { sqlite, mlflow } = measured
  const ratios = sqlite !== undefined && mlflow !== undefined
  row([
    ...['operation', 'callers', ...names.flatMap((name) => head.map((column) => `${name}: ${column}`))],
    ...(ratios ? ['× per s', '× CPU'] : []),
  ])
  row(Array(2 + names.length * head.length + (ratios ? 2 : 0)).fill('---'))
  for (const { operation, callers } of Object.values(measured)[0]!.points) {
    const pointOf = (one: Measured | undefined): Load | undefined =>
      one?.points.find((point) => point.operation === operation && point.callers === callers)
    const cells = names.flatMap((name) => {
      const load = pointOf(measured[name])
      return load === undefined
        ? head.map(() => '–')
        : [load.cpu, load.p50, load.p99, load.perSecond].map(short)
    })
    const [ours, theirs] = [pointOf(sqlite), pointOf(mlflow)]
    const ratio =
      ours === undefined || theirs === undefined
        ? []
        : [short(ours.perSecond / theirs.perSecond), short(theirs.cpu / Math.max(ours.cpu, 0.001))]
    row([operation, callers, ...cells, ...ratio])
  }
}

const said = (name: string, { startSeconds, megabytes, processes }: Omit<Measured, 'points'>): string =>
  `${name}: ready after ${startSeconds.toFixed(1)} s, idle ${megabytes.toFixed(0)} MB PSS in ${processes} processes`

/** Start and memory alone. */
async function idle(server: Program): Promise<Omit<Measured, 'points'>> {
  await sleep(IDLE_MS)
  const pids = server.pids()
  const megabytes = proportionalMemory(pids)
  await server.stop()
  return { startSeconds: server.readySeconds, megabytes, processes: pids.length }
}

const asked = values.servers.split(',')
const postgres = findPostgres()
const python = asked.includes('mlflow') ? await interpreterOf('mlflow3') : undefined
const STARTS: Readonly<Record<string, ((runs: number) => Promise<Program>) | undefined>> = {
  sqlite: startOurs,
  postgres: postgres === undefined ? undefined : (runs) => startOnPostgres(postgres, runs),
  mlflow: (runs) => startTheirs(python!, runs),
}
for (const runs of values.runs.split(',').map(Number)) {
  const measured: Record<string, Measured> = {}
  for (const name of asked) {
    const open = STARTS[name]
    if (open === undefined) console.error(`${name} is not installed: skipped`)
    else measured[name] = await measure(await open(runs), runs)
  }
  const asItComes = python === undefined ? undefined : await idle(await startTheirs(python, 0, true))
  if (values.json) {
    console.log(JSON.stringify({ runs, cores: availableParallelism(), seconds, ...measured, asItComes }))
    continue
  }
  console.log(
    `\n${runs} runs, cores ${availableParallelism()}, node ${process.version}, ${seconds} s a point\n`,
  )
  print(measured)
  console.log('')
  for (const [name, one] of Object.entries(measured)) console.log(said(name, one))
  if (asItComes !== undefined) console.log(said('mlflow as it comes, with jobs', asItComes))
}
