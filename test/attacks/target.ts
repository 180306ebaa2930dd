import { readdirSync, readFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { createServer, type Socket } from 'node:net'
import { homedir } from 'node:os'
import { ERRORS } from '@millwright/contracts/errors'
import { expect } from 'vitest'
import { connect as connectGrpc } from '../../packages/server/test/grpc-client.ts'
import {
  CHURN_ROW,
  cli,
  eventually,
  ROOT,
  type Running,
  removeFolder,
  startMillwright,
  temporaryFolder,
} from '../support/millwright.ts'
import { type RawAnswer, sendRaw } from '../support/raw.ts'

export const PREDICT = '/api/v1/deployments/churn/predict'
export const ROW = JSON.stringify(CHURN_ROW)
export const BODY = `{"row":${ROW}}`

/** Short, so that those who dawdle are met within the suite's time. */
export const SHORT = { headerMs: 1_500, bodyMs: 2_000, keepAliveMs: 5_000, connections: 100 }
export const MOST_WRONG_KEYS = 50
export const WEBHOOK_SECRET = 'whsec_bWlsbHdyaWdodC1hdHRhY2tz'
const HOST_SECRET = 'only-the-host-knows-this'

export type Asked = { readonly headers?: Readonly<Record<string, string>>; readonly body?: string | Buffer }
type Answered = { readonly status: number; readonly headers: Headers; readonly body: string }

/** A server under attack. Every answer it gives is looked at for what nobody should be told. */
export type Target = {
  readonly url: string
  readonly port: number
  readonly running: Running
  /** Bytes over a connection of their own; all that comes back. */
  readonly send: (
    bytes: string | Buffer | readonly (string | Buffer)[],
    options?: SendOptions,
  ) => Promise<RawAnswer[]>
  /** A request by node:http, the path as it is. */
  readonly ask: (method: string, path: string, asked?: Asked) => Promise<Answered>
  readonly grpc: () => ReturnType<typeof connectGrpc>
  readonly see: (text: string) => void
  /** What was told that should not have been, and how many answers were looked at. */
  readonly leaks: Set<string>
  readonly seen: () => number
}
type SendOptions = NonNullable<Parameters<typeof sendRaw>[2]>

/** The server under attack, one that asks for keys, and an address that the server has no business with. */
export type Targets = Target & {
  readonly guarded: Target & { readonly secrets: Readonly<Record<'admin' | 'predict', string>> }
  readonly trap: Trap
  /** Where webhooks may be posted to. */
  readonly hookPort: number
}
type Trap = { readonly port: number; readonly received: string[] }

const STACK = /\bat (?:\S+ )?\(?(?:file:|node:|\/)\S+:\d+:\d+/

function createSight(running: Running, secrets: readonly string[]) {
  const leaks = new Set<string>()
  const never = [ROOT, running.data, homedir() === '/' ? ROOT : `${homedir()}/`, 'node_modules', '/proc/self']
  const hidden = [...never, 'control.sock', 'internal.sock', WEBHOOK_SECRET, HOST_SECRET, ...secrets]
  let seen = 0
  const see = (text: string): void => {
    seen += 1
    for (const word of hidden) if (text.includes(word)) leaks.add(`${word} in ${text.slice(0, 500)}`)
    if (STACK.test(text)) leaks.add(`a stack trace in ${text.slice(0, 500)}`)
  }
  return { leaks, see, seen: () => seen }
}

function openTarget(running: Running, secrets: readonly string[]): Target {
  const { url } = running
  const sight = createSight(running, secrets)
  const port = Number(new URL(url).port)
  const ask = (method: string, path: string, { headers = {}, body }: Asked = {}): Promise<Answered> =>
    new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port, method, path, headers, agent: false }
      const asked = httpRequest(options, (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk: Buffer) => chunks.push(chunk))
        answer.on('end', () => {
          const text = Buffer.concat(chunks).toString('latin1')
          sight.see(text)
          resolve({ status: answer.statusCode!, headers: new Headers(answer.headers as never), body: text })
        })
      })
      asked.on('error', reject)
      asked.setTimeout(20_000, () => asked.destroy(new Error(`no answer to ${method} ${path} within 20 s`)))
      asked.end(body)
    })
  return {
    ...{ url, port, running, ask, ...sight },
    async send(bytes, options) {
      const answers = await sendRaw(url, [bytes].flat(), { quietMs: 5_000, ...options })
      for (const { head, body } of answers) sight.see(`${head}\n${body}`)
      return answers
    },
    grpc() {
      const client = connectGrpc(port)
      return {
        ...client,
        callBytes(...asked) {
          const call = client.callBytes(...asked)
          call.answer.then((answer) =>
            sight.see(Buffer.isBuffer(answer) ? answer.toString('latin1') : answer.details),
          )
          return call
        },
      }
    },
  }
}

/** Listens where nobody should call, and keeps what it is told. */
async function openTrap(): Promise<Trap & { close(): void }> {
  const received: string[] = []
  const server = createServer((socket: Socket) => {
    socket.on('error', () => {})
    socket.on('data', (chunk) => received.push(chunk.toString('latin1')))
    socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { port: (server.address() as { port: number }).port, received, close: () => server.close() }
}

async function freePort(): Promise<number> {
  const { port, close } = await openTrap()
  close()
  return port
}

export async function openTargets(): Promise<Targets & { close(): Promise<void> }> {
  const trap = await openTrap()
  const hookPort = await freePort()
  const env = {
    MILLWRIGHT_HEADER_TIMEOUT_MS: `${SHORT.headerMs}`,
    MILLWRIGHT_BODY_TIMEOUT_MS: `${SHORT.bodyMs}`,
    MILLWRIGHT_KEEP_ALIVE_MS: `${SHORT.keepAliveMs}`,
    MILLWRIGHT_MAX_CONNECTIONS_PER_ADDRESS: `${SHORT.connections}`,
    MILLWRIGHT_ACK_TIMEOUT_MS: '3000',
    MILLWRIGHT_READER_TIMEOUT_MS: '20000',
    MILLWRIGHT_ONNX_MEMORY_MIB: '512',
    MILLWRIGHT_ONNX_RUN_MS: '1000',
    MILLWRIGHT_WEBHOOK_HOSTS: `hooks.example,localhost:${hookPort}`,
    MILLWRIGHT_WEBHOOK_SECRET: WEBHOOK_SECRET,
    ANY_SECRET: HOST_SECRET,
  }
  const open = await startMillwright({ args: ['--deploy', 'examples/churn'], env })
  const keyed = await openGuarded()
  await eventually(async () => (await openTarget(open, []).ask('POST', PREDICT, JSON_BODY)).status === 200)
  return {
    ...openTarget(open, []),
    guarded: keyed,
    trap,
    hookPort,
    async close() {
      trap.close()
      await Promise.all([open.stop(), keyed.running.stop()])
      for (const { data } of [open, keyed.running]) removeFolder(data)
    },
  }
}

async function openGuarded(): Promise<Targets['guarded']> {
  const data = temporaryFolder()
  const newKey = async (args: readonly string[], options: Parameters<typeof cli>[1] = {}): Promise<string> =>
    (await cli(['keys', 'create', ...args], options)).stdout.trim()
  const admin = await newKey(['root', '--scope', 'admin', '--data', data])
  const env = { MILLWRIGHT_AUTH: 'required', MILLWRIGHT_MAX_WRONG_KEYS: `${MOST_WRONG_KEYS}` }
  const running = await startMillwright({ gateways: 1, data, env })
  const asAdmin = { url: running.url, env: { MILLWRIGHT_API_KEY: admin } }
  const predict = await newKey(['shop', '--scope', 'predict'], asAdmin)
  const deployed = await cli(['deploy', 'examples/churn'], asAdmin)
  expect(deployed.code, deployed.stderr).toBe(0)
  return { ...openTarget(running, [admin, predict]), secrets: { admin, predict } }
}

export const JSON_TYPE = { 'content-type': 'application/json' }
export const JSON_BODY: Asked = { headers: JSON_TYPE, body: `{"row":${ROW},"id":"normal"}` }

/** Every code there is, so that an answer without one is known. */
export const CODES: ReadonlySet<string> = new Set(Object.keys(ERRORS))

/** Process ids of a tree of processes, its root first. */
export function treeOf(root: number): number[] {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const stat = readProc(`${pid}/stat`)
      return stat === undefined ? [] : [[Number(pid), Number(/\) \w (\d+)/.exec(stat)![1])] as const]
    })
  const below = (pid: number): number[] => [
    pid,
    ...parents.flatMap(([child, parent]) => (parent === pid ? below(child) : [])),
  ]
  return below(root)
}

/** Resident memory of the server's own processes in MiB, and their open descriptors. */
export function readUsage({ child, pids: pidsOf }: Running): { mib: number; descriptors: number } {
  const { control, gateways } = pidsOf()
  const pids = [child.pid!, ...control, ...gateways]
  const rss = pids.map((pid) => Number(/VmRSS:\s+(\d+)/.exec(readProc(`${pid}/status`) ?? '')?.[1] ?? 0))
  const open = pids.map((pid) => {
    try {
      return readdirSync(`/proc/${pid}/fd`).length
    } catch {
      return 0
    }
  })
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)
  return { mib: Math.round(sum(rss) / 1024), descriptors: sum(open) }
}

/** A file of /proc; undefined when the process ended meanwhile. */
export function readProc(path: string): string | undefined {
  try {
    return readFileSync(`/proc/${path}`, 'utf8')
  } catch {
    return undefined
  }
}
