import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { fileOf } from './grpc/h2load.ts'
import { type Program, startCommand, startMillwright } from './http/programs.ts'
import { type Load, loadRequests, type Requests } from './http/wrk.ts'
import { columnsRequests, inTurn, matrixRequests } from './peers/rows.ts'

/**
 * npm run bench:serving [-- --seconds N]: V2 REST, one row a request, 200 different rows one after the other: one model, four
 * models in turn, a cheap and a slow model with the cache and without, and the prediction log written and not. Each point
 * stands between two runs of a bare node:http that parses the body and answers the same bytes, all cores shared with the
 * load generator. Needs wrk, and bench/setup-python.sh for the slow model.
 */
const { values } = parseArgs({ options: { seconds: { type: 'string', default: '3' } } })
const seconds = Number(values.seconds)
const PORT = 7770
const FLOOR_PORT = 7771
const ROOT = new URL('..', import.meta.url).pathname
const FIXTURES = 'packages/server/test/fixtures/models'
const SLOW = 'bench/.cache/models/slow-knn.joblib'
const CONNECTIONS = [1, 8, 64]
const CACHE = { ttl: 3600, max: 100_000 }

const DEPLOYED = {
  iris: `${FIXTURES}/iris-lr.joblib`,
  petal: `${FIXTURES}/petal-reg.joblib`,
  mixed: `${FIXTURES}/mixed.joblib`,
  churn: 'examples/churn/models/churn_model_v2.pkl',
  slow: SLOW,
}
const REQUESTS = {
  iris: matrixRequests('iris', 4),
  petal: matrixRequests('petal', 3),
  mixed: columnsRequests('mixed', ['city', 'plan', 'age', 'income'], ['Oslo', 'pro', 61, 71000.5]),
  churn: matrixRequests('churn', 4),
  slow: matrixRequests('slow', 30),
}

type Scenario = {
  readonly name: string
  readonly requests: Requests
  /** Has a cache meanwhile, which holds every row before it is measured. */
  readonly cached?: keyof typeof DEPLOYED
}

const WITH_LOG: readonly Scenario[] = [
  { name: 'one model', requests: REQUESTS.iris },
  {
    name: 'four models in turn',
    requests: inTurn([REQUESTS.iris, REQUESTS.petal, REQUESTS.mixed, REQUESTS.churn]),
  },
  { name: 'one model, cache', requests: REQUESTS.iris, cached: 'iris' },
  { name: 'slow model', requests: REQUESTS.slow },
  { name: 'slow model, cache', requests: REQUESTS.slow, cached: 'slow' },
]
const WITHOUT_LOG: readonly Scenario[] = [{ name: 'one model, log not written', requests: REQUESTS.iris }]

async function open(env: Readonly<Record<string, string>>): Promise<Program> {
  const url = `http://127.0.0.1:${PORT}`
  const program = await startMillwright(PORT, availableParallelism(), [], {
    ...{ env, isReady: () => fetch(`${url}/api/v1/status`).then(({ ok }) => ok) },
  })
  for (const [name, file] of Object.entries(DEPLOYED)) millwright(['deploy', file, '--name', name])
  return program
}

const millwright = (args: readonly string[]) =>
  execFileSync(process.execPath, ['bin/millwright.js', ...args, '--url', `http://127.0.0.1:${PORT}`], {
    ...{ cwd: ROOT, stdio: ['ignore', 'ignore', 'pipe'] as const },
  })

const setCache = (deployment: string, cache: string) =>
  millwright(['configure', deployment, '--cache', cache])

/** The answer to the first of the requests. */
async function answerTo({ path, headers, bodies }: Requests) {
  const response = await fetch(`http://127.0.0.1:${PORT}${[path].flat()[0]}`, {
    ...{ method: 'POST', headers, body: bodies[0]!.toString() },
  })
  const bytes = Buffer.from(await response.arrayBuffer())
  if (!response.ok) throw new Error(`${response.status} ${bytes}`)
  return bytes
}

async function measure(scenario: Scenario): Promise<void> {
  const { name, requests, cached } = scenario
  const floorFile = fileOf('serving-answer', await answerTo(requests))
  if (cached !== undefined) setCache(cached, `ttl=${CACHE.ttl},max=${CACHE.max}`)
  const floor = await startCommand(FLOOR_PORT, [
    ...['bench/peers/floor.ts', String(FLOOR_PORT), floorFile, 'application/json'],
  ])
  const half = Math.max(1, Math.round(seconds / 2))
  for (const connections of CONNECTIONS) {
    const before = await loadRequests(FLOOR_PORT, requests, { connections, seconds: half })
    await loadRequests(PORT, requests, { connections, seconds: 1 })
    const point = await loadRequests(PORT, requests, { connections, seconds })
    const after = await loadRequests(FLOOR_PORT, requests, { connections, seconds: half })
    print(name, connections, point, (before.perSecond + after.perSecond) / 2)
  }
  await floor.stop()
  if (cached !== undefined) setCache(cached, 'none')
}

function print(name: string, connections: number, { perSecond, p50, p99, failed }: Load, floor: number) {
  const cells = [name, connections, perSecond.toFixed(0), `${p50.toFixed(2)} / ${p99.toFixed(1)}`, failed]
  console.log(`| ${[...cells, floor.toFixed(0), (perSecond / floor).toFixed(2)].join(' | ')} |`)
}

if (!existsSync(`${ROOT}${SLOW}`))
  execFileSync('bench/.cache/venv/bin/python', ['bench/http/slow_model.py', SLOW], { cwd: ROOT })
console.log(`cores ${availableParallelism()}, node ${process.version}, ${seconds} s a point\n`)
console.log('| V2 REST, one row | callers | req/s | p50 / p99 ms | failed | floor req/s | of the floor |')
console.log('|---|---|---|---|---|---|---|')
// One byte holds no record: each is made, and dropped.
for (const [scenarios, env] of [
  [WITH_LOG, {}],
  [WITHOUT_LOG, { MILLWRIGHT_LOG_BACKLOG_BYTES: '1' }],
] as const) {
  const program = await open(env)
  for (const scenario of scenarios) await measure(scenario)
  await program.stop()
}
