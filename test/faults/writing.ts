import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

/** What many training programs write at once, what of it was acknowledged, and whether all of that is there. */

const MLFLOW = '/api/2.0/mlflow'
const ARTIFACTS = '/api/2.0/mlflow-artifacts/artifacts'
/** After an answer that is none a client waits so long, in milliseconds. */
const PAUSE_MS = 50

type Reply = { readonly status: number; readonly text: string }
type Sent = { readonly method: string; readonly path: string; readonly body?: object | string }

function send(agent: Agent, port: number, { method, path, body }: Sent): Promise<Reply> {
  const text = typeof body === 'string' ? body : JSON.stringify(body ?? {})
  const type = typeof body === 'string' ? 'application/octet-stream' : 'application/json'
  const headers = method === 'GET' ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(text) }
  return new Promise((resolve) => {
    const lost = (error: Error): void => resolve({ status: 0, text: error.message })
    const call = request({ agent, host: '127.0.0.1', port, path, method, headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', lost)
      response.on('end', () =>
        resolve({ status: response.statusCode!, text: Buffer.concat(chunks).toString() }),
      )
    })
    call.on('error', lost)
    call.end(method === 'GET' ? undefined : text)
  })
}

const KINDS = ['metric', 'batch', 'tag', 'run', 'artifact'] as const
type Kind = (typeof KINDS)[number]
/** `n`: of the client's writes the how many-th. */
type Write = { readonly kind: Kind; readonly run: string; readonly n: number }

function requestOf({ kind, run, n }: Write): Sent {
  const post = (path: string, body: object): Sent => ({ method: 'POST', path: `${MLFLOW}/${path}`, body })
  const metric = (key: string) => ({ key, value: n, timestamp: n, step: n })
  switch (kind) {
    case 'metric':
      return post('runs/log-metric', { run_id: run, ...metric('loss') })
    case 'batch':
      return post('runs/log-batch', {
        run_id: run,
        metrics: [metric(`a${n}`), metric(`b${n}`)],
        params: [{ key: `p${n}`, value: String(n) }],
        tags: [{ key: `t${n}`, value: String(n) }],
      })
    case 'tag':
      return post('runs/set-tag', { run_id: run, key: `s${n}`, value: String(n) })
    case 'run':
      return post('runs/create', {
        ...{ experiment_id: '0', run_name: `${run} ${n}` },
        tags: [{ key: 'parent', value: run }],
      })
    case 'artifact':
      return { method: 'PUT', path: `${ARTIFACTS}/0/${run}/artifacts/f${n}`, body: `${run} ${n}` }
  }
}

export type Written = {
  /** Acknowledged. */
  readonly writes: readonly Write[]
  /** Answers that were not 200, how often each. */
  readonly others: ReadonlyMap<string, number>
  /** What is acknowledged and not there, or there in part. */
  readonly check: () => Promise<string[]>
}

type Asked = {
  readonly port: number
  readonly clients: number
  /** Acknowledged writes to be made. */
  readonly total: number
  /** Told of every acknowledged write. */
  readonly onWritten?: (count: number) => void
}

export async function writeMuch({ port, clients, total, onWritten = () => {} }: Asked): Promise<Written> {
  const agent = new Agent({ keepAlive: true, maxSockets: clients })
  const writes: Write[] = []
  const others = new Map<string, number>()
  const makeRun = async (): Promise<string> => {
    const { text } = await send(agent, port, requestOf({ kind: 'run', run: 'client', n: 0 }))
    return JSON.parse(text).run.info.run_id
  }
  const runs = await Promise.all(Array.from({ length: clients }, makeRun))
  const client = async (run: string, first: number): Promise<void> => {
    for (let n = 1; writes.length < total; n++) {
      const write = { kind: KINDS[(first + n) % KINDS.length]!, run, n }
      const { status, text } = await send(agent, port, requestOf(write))
      if (status === 200) onWritten(writes.push(write))
      else {
        const said = `${status} ${text.slice(0, 120)}`
        others.set(said, (others.get(said) ?? 0) + 1)
        await sleep(PAUSE_MS)
      }
    }
  }
  await Promise.all(runs.map(client))
  const check = async (): Promise<string[]> => {
    const lost = await Promise.all(
      runs.map((run) =>
        missingOf(
          (sent) => send(agent, port, sent),
          run,
          writes.filter((write) => write.run === run),
        ),
      ),
    )
    agent.destroy()
    return lost.flat()
  }
  return { writes, others, check }
}

type Ask = (sent: Sent) => Promise<Reply>
type RunAnswer = {
  readonly run: {
    readonly data: Readonly<
      Record<'metrics' | 'params' | 'tags', readonly { key: string; value: unknown }[] | undefined>
    >
  }
}

async function missingOf(ask: Ask, run: string, writes: readonly Write[]): Promise<string[]> {
  const json = async <T>(sent: Sent): Promise<T> => JSON.parse((await ask(sent)).text) as T
  const get = (path: string): Sent => ({ method: 'GET', path: `${MLFLOW}/${path}` })
  const { data } = (await json<RunAnswer>(get(`runs/get?run_id=${run}`))).run
  const { metrics = [] } = await json<{ metrics?: { step: number }[] }>(
    get(`metrics/get-history?run_id=${run}&metric_key=loss`),
  )
  const children = await json<{ runs?: { info: { run_name: string } }[] }>({
    ...{ method: 'POST', path: `${MLFLOW}/runs/search` },
    body: { experiment_ids: ['0'], filter: `tags.parent = '${run}'`, max_results: 5000 },
  })
  const steps = new Set(metrics.map(({ step }) => Number(step)))
  const names = new Set((children.runs ?? []).map(({ info }) => info.run_name))
  const has = (part: 'metrics' | 'params' | 'tags', key: string): boolean =>
    data[part]?.some((one) => one.key === key) === true
  const batch = (n: number): boolean[] => [
    ...[has('metrics', `a${n}`), has('metrics', `b${n}`), has('params', `p${n}`), has('tags', `t${n}`)],
  ]
  const isThere: Readonly<Record<Kind, (n: number) => boolean | Promise<boolean>>> = {
    metric: (n) => steps.has(n),
    batch: (n) => batch(n).every(Boolean),
    tag: (n) => has('tags', `s${n}`),
    run: (n) => names.has(`${run} ${n}`),
    artifact: async (n) =>
      (await ask({ method: 'GET', path: `${ARTIFACTS}/0/${run}/artifacts/f${n}` })).text === `${run} ${n}`,
  }
  const lost: string[] = []
  for (const { kind, n } of writes) if (!(await isThere[kind](n))) lost.push(`${kind} ${n} of ${run} is lost`)
  const last = Math.max(0, ...writes.map(({ n }) => n)) + 1
  for (let n = 1; n <= last; n++)
    if (batch(n).some(Boolean) && !batch(n).every(Boolean)) lost.push(`batch ${n} of ${run} is there in part`)
  return lost
}

/** In one line: `promises.md` quotes it. */
export const inWordsOf = ({ writes, others }: Written): string =>
  `${writes.length} writes acknowledged, ${[...others.values()].reduce((a, b) => a + b, 0)} others (${[...new Set([...others.keys()].map((said) => said.slice(0, 3)))].join(', ')})`
