import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { INFERENCE } from '../packages/server/src/gateway/doors/v2-grpc/services.ts'
import { connect } from '../packages/server/test/grpc-client.ts'
import { fileOf, load as loadGrpc } from './grpc/h2load.ts'
import { proportionalMemory, startCommand } from './http/programs.ts'
import { loadRequests, type Requests } from './http/wrk.ts'
import { DIALECTS, grpcMessage } from './peers/dialects.ts'
import { type Peer, startIris, startMlflow, startMlserver, startTriton } from './peers/programs.ts'

/**
 * npm run bench:peers [-- --seconds N]: iris flowers, a logistic regression of scikit-learn, asked of Millwright and of
 * the servers whose dialects it speaks, all cores shared with the load generator: MLServer, Triton (NVIDIA's wheel),
 * mlflow models serve. Each point stands beside a bare node:http or grpc-js server that answers the same bytes. Installs
 * the peers into bench/.cache with the first run (1.7 GB); needs wrk and h2load.
 */
const { values } = parseArgs({ options: { seconds: { type: 'string', default: '3' } } })
const seconds = Number(values.seconds)
const cores = availableParallelism()
const FLOOR_PORT = 7790
const { path: grpcPath } = INFERENCE.ModelInfer
const ROWS = [1, 32, 1000]
const CONNECTIONS = [1, 8, 64]

type Point = {
  readonly dialect: string
  readonly rows: number
  readonly connections: number
  readonly peer: Pick<Peer, 'name' | 'of'>
  readonly perSecond: number
  readonly milliseconds: string
  readonly failed: number
}

/** One kind of request as it is sent to any server; undefined: the server does not speak it. */
type Question = {
  readonly dialect: string
  readonly rows: number
  readonly ask: (
    peer: Peer,
    connections: number,
    seconds: number,
  ) => Promise<Pick<Point, 'perSecond' | 'milliseconds' | 'failed'>> | undefined
  /** What Millwright answers, for the floor to answer the same. */
  readonly answer: (peer: Peer) => Promise<{ readonly type: string; readonly bytes: Buffer }>
}

const httpQuestions: readonly Question[] = DIALECTS.flatMap(({ name, at, requests }) =>
  ROWS.map((rows): Question => {
    const made = new Map<string, Requests>()
    const of = (path: string): Requests => {
      const found = made.get(path) ?? requests(path, rows)
      made.set(path, found)
      return found
    }
    return {
      ...{ dialect: name, rows },
      ask(peer, connections, seconds) {
        const path = peer.paths[at]
        if (path === undefined) return undefined
        return loadRequests(peer.port, of(path), { connections, seconds }).then((load) => ({
          ...{ perSecond: load.perSecond, failed: load.failed },
          milliseconds: `${load.p50.toFixed(2)} / ${load.p99.toFixed(1)}`,
        }))
      },
      async answer({ port, paths }) {
        const { path, headers, bodies } = of(paths[at]!)
        const response = await fetch(`http://127.0.0.1:${port}${path}`, {
          ...{ method: 'POST', headers, body: new Uint8Array(Buffer.from(bodies[0]!)) },
        })
        if (!response.ok) throw new Error(`${name}: ${response.status} ${await response.text()}`)
        const type = response.headers.get('content-type')!
        return { type, bytes: Buffer.from(await response.arrayBuffer()) }
      },
    }
  }),
)

const grpcQuestions: readonly Question[] = ROWS.map((rows): Question => {
  const message = grpcMessage(rows)
  return {
    ...{ dialect: 'V2 gRPC', rows },
    ask({ grpcPort: port }, connections, seconds) {
      if (port === undefined) return undefined
      return loadGrpc({ port, path: grpcPath, message }, { connections, seconds }).then((load) => ({
        ...{ perSecond: load.perSecond, failed: load.failed },
        milliseconds: `mean ${load.mean.toFixed(2)}`,
      }))
    },
    async answer({ port }) {
      const client = connect(port)
      const bytes = await client.callBytes(grpcPath, message).answer
      client.close()
      if (!Buffer.isBuffer(bytes)) throw new Error(`gRPC: ${bytes.details}`)
      return { type: 'application/grpc', bytes }
    },
  }
})

async function measure(peer: Peer, questions: readonly Question[]): Promise<Point[]> {
  const points: Point[] = []
  for (const { dialect, rows, ask } of questions)
    for (const connections of CONNECTIONS) {
      if ((await ask(peer, connections, 1)) === undefined) continue
      const load = (await ask(peer, connections, seconds))!
      points.push({ dialect, rows, connections, peer, ...load })
    }
  return points
}

/** The floor of each question, by the answers that Millwright gives. */
async function measureFloors(millwright: Peer): Promise<Point[]> {
  const points: Point[] = []
  for (const question of [...httpQuestions, ...grpcQuestions]) {
    const { type, bytes } = await question.answer(millwright)
    const file = fileOf(`answer-${question.rows}`, bytes)
    const isGrpc = question.dialect === 'V2 gRPC'
    const script = isGrpc ? 'bench/grpc/floor.ts' : 'bench/peers/floor.ts'
    const program = await startCommand(FLOOR_PORT, [
      ...[script, String(FLOOR_PORT), file],
      ...(isGrpc ? [] : [type]),
    ])
    const path = { v2: '/', invocations: '/' }
    const floor: Peer = { ...program, name: 'floor', of: 'floor', grpcPort: FLOOR_PORT, paths: path }
    points.push(...(await measure(floor, [question])))
    await program.stop()
  }
  return points
}

const start: readonly (() => Promise<Peer>)[] = [
  () => startMlserver(7720, 0),
  () => startMlserver(7730, 2),
  () => startTriton(7740),
  () => startMlflow(7750, 1),
  () => startMlflow(7760, 2),
]

console.log(`cores ${cores}, node ${process.version}, ${seconds} s a point`)
const millwright = await startIris(7710, cores)
const own = await measure(millwright, [...httpQuestions, ...grpcQuestions])
console.log(`millwright: ${proportionalMemory(millwright.pids()).toFixed(0)} MB PSS after the load`)
const floors = await measureFloors(millwright)
await millwright.stop()
const theirs: Point[] = []
for (const startPeer of start) {
  const peer = await startPeer()
  console.log(`${peer.name}: ready after ${peer.readySeconds.toFixed(1)} s`)
  theirs.push(...(await measure(peer, [...httpQuestions, ...grpcQuestions])))
  console.log(`${peer.name}: ${proportionalMemory(peer.pids()).toFixed(0)} MB PSS after the load`)
  await peer.stop()
}

const isSame = (a: Point) => (b: Point) =>
  a.dialect === b.dialect && a.rows === b.rows && a.connections === b.connections
const rate = (point: Point | undefined): string => (point === undefined ? '–' : point.perSecond.toFixed(0))

console.log(
  '\n| dialect | rows | callers | req/s | p50 / p99 ms | failed | of the floor | MLServer | × | Triton | × | mlflow | × |',
)
console.log('|---|---|---|---|---|---|---|---|---|---|---|---|---|')
for (const point of own) {
  const floor = floors.find(isSame(point))
  const peers = ['MLServer', 'Triton', 'mlflow'].flatMap((name) => {
    const best = theirs
      .filter((other) => other.peer.of === name && isSame(point)(other) && other.failed === 0)
      .sort((a, b) => b.perSecond - a.perSecond)[0]
    return [rate(best), best === undefined ? '–' : (point.perSecond / best.perSecond).toFixed(1)]
  })
  console.log(
    `| ${point.dialect} | ${point.rows} | ${point.connections} | ${rate(point)} | ${point.milliseconds} | ${point.failed} | ` +
      `${floor === undefined ? '–' : (point.perSecond / floor.perSecond).toFixed(2)} | ${peers.join(' | ')} |`,
  )
}
