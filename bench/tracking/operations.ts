import type { Program } from '../http/programs.ts'
import { ask, type Call } from './load.ts'

/** What is asked, the same of every server. */
export type Operation = {
  readonly name: string
  readonly call: (turn: number) => Call
  /** Numbers of callers; default: one, and several. */
  readonly callers?: readonly number[]
}

const CALLERS = 8
export const CALLER_COUNTS: readonly number[] = [1, CALLERS]
const API = '/api/2.0/mlflow'
const FILE = Buffer.alloc(50 << 20, 'millwright')
/** Runs that are searched are in this experiment, what is written goes to another. */
const FILLED = ['0']

const post = (path: string, body: object): Call => ({
  ...{ method: 'POST', path: `${API}/${path}`, body: JSON.stringify(body) },
})
const get = (path: string): Call => ({ method: 'GET', path: `${API}/${path}` })

/** Makes runs to write to. */
export async function prepare({ port }: Program): Promise<readonly Operation[]> {
  const say = async <T>(call: Call): Promise<T> => JSON.parse(`${await ask(port, call)}`) as T
  const { experiment_id: experiment } = await say<{ experiment_id: string }>(
    post('experiments/create', { name: `written-${Date.now()}` }),
  )
  const newRun = async (): Promise<string> =>
    (await say<{ run: { info: { run_id: string } } }>(post('runs/create', { experiment_id: experiment }))).run
      .info.run_id
  const runs = await Promise.all(Array.from({ length: CALLERS }, newRun))
  const read = await newRun()
  const points = Array.from({ length: 1000 }, (_, step) => ({ key: 'loss', value: step, timestamp: 1, step }))
  const few = { metrics: keys(10, 0), params: params(10) }
  await say(post('runs/log-batch', { run_id: read, ...few }))
  const long = await newRun()
  await say(post('runs/log-batch', { run_id: long, metrics: points }))
  return [...writes(experiment, runs), ...reads(read, long), ...searches(), ...files(experiment, read)]
}

const keys = (count: number, step: number) =>
  Array.from({ length: count }, (_, index) => ({ key: `m${index}`, value: index / 3, timestamp: step, step }))
const params = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ key: `p${index}`, value: `${index}` }))

function writes(experiment: string, runs: readonly string[]): Operation[] {
  const to = (turn: number): { run_id: string } => ({ run_id: runs[turn % runs.length]! })
  const steps = (turn: number) =>
    Array.from({ length: 1000 }, (_, index) => {
      const step = turn * 1000 + index
      return { key: 'loss', value: 1 / (step + 1), timestamp: step, step }
    })
  return [
    { name: 'create run', call: () => post('runs/create', { experiment_id: experiment, start_time: 1 }) },
    {
      name: 'log-metric',
      call: (turn) =>
        post('runs/log-metric', { ...to(turn), key: 'auc', value: turn, timestamp: turn, step: turn }),
    },
    {
      name: 'log-batch, 10 metrics',
      call: (turn) => post('runs/log-batch', { ...to(turn), metrics: keys(10, turn) }),
    },
    {
      name: 'log-batch, 1000 steps of a key',
      call: (turn) => post('runs/log-batch', { ...to(turn), metrics: steps(turn) }),
    },
    {
      name: 'log-batch, 1000 keys',
      call: (turn) => post('runs/log-batch', { ...to(turn), metrics: keys(1000, turn) }),
    },
  ]
}

const reads = (read: string, long: string): Operation[] => [
  { name: 'get run', call: () => get(`runs/get?run_id=${read}`) },
  {
    name: 'history, 1000 points',
    call: () => get(`metrics/get-history?run_id=${long}&metric_key=loss&max_results=25000`),
  },
]

function searches(): Operation[] {
  const search = (name: string, query: object): Operation => ({
    name: `search: ${name}`,
    call: () => post('runs/search', { experiment_ids: FILLED, max_results: 100, ...query }),
  })
  const order_by = ['metrics.m5 DESC']
  const two = "metrics.m3 > 0.5 and params.p2 = '4'"
  return [
    search('newest 100', {}),
    search('newest 1000', { max_results: 1000 }),
    search('2 filters', { filter: two }),
    search('order by metric', { order_by }),
    search('3 filters and order', { filter: `${two} and metrics.m1 < 0.9`, order_by }),
  ]
}

/** All runs, a page of 1000 after the other. @returns how many there were */
export async function walk({ port }: Program): Promise<number> {
  let count = 0
  let token: string | undefined
  do {
    const query = { experiment_ids: FILLED, max_results: 1000, page_token: token }
    const page = JSON.parse(`${await ask(port, post('runs/search', query))}`) as {
      runs?: unknown[]
      next_page_token?: string
    }
    count += page.runs?.length ?? 0
    token = page.next_page_token
  } while (token)
  return count
}

function files(experiment: string, run: string): Operation[] {
  const path = (name: string): string =>
    `/api/2.0/mlflow-artifacts/artifacts/${experiment}/${run}/artifacts/${name}`
  return [
    {
      ...{ name: 'artifact up, 50 MB', callers: [1] },
      call: () => ({ method: 'PUT', path: path('a.bin'), body: FILE }),
    },
    { name: 'artifact down, 50 MB', callers: [1], call: () => ({ method: 'GET', path: path('a.bin') }) },
    {
      name: 'artifact up, 1 KB',
      call: (turn) => ({ method: 'PUT', path: path(`${turn % 100}.bin`), body: FILE.subarray(0, 1024) }),
    },
  ]
}
