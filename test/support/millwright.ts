import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hasPostgres, postgresFor } from '../../packages/server/src/db/testing.ts'

export const ROOT = new URL('../..', import.meta.url).pathname
const LAUNCHER = join(ROOT, 'bin/millwright.js')
/** The Node the repository carries, or the one that runs the tests. */
const NODE = process.execPath

export type Running = {
  readonly url: string
  readonly data: string
  readonly child: ChildProcess
  /** All that was written to stdout and stderr so far. */
  readonly output: () => string
  /** Process ids of the supervisor's children by role. */
  readonly pids: () => { control: number[]; gateways: number[] }
  /** Resolves with the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

export type StartOptions = {
  readonly data?: string
  readonly gateways?: number
  readonly args?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
}

/** Runs `millwright up` on a free port, and waits until it says that it is ready. */
export async function startMillwright(options: StartOptions = {}): Promise<Running> {
  const data = options.data ?? temporaryFolder()
  const args = [
    'up',
    '--port',
    '0',
    '--data',
    data,
    '--gateways',
    String(options.gateways ?? 2),
    ...(options.args ?? []),
  ]
  // The test's death must not leave servers behind; setpriv is part of every Linux.
  const command = process.platform === 'linux' ? ['setpriv', '--pdeathsig', 'TERM', NODE] : [NODE]
  const child = spawn(command[0]!, [...command.slice(1), LAUNCHER, ...args], {
    env: { ...process.env, ...(await databaseOf(data)), ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const chunks: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  const output = (): string => Buffer.concat(chunks).toString()
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const url = await new Promise<string>((resolve, reject) => {
    const look = (): void => {
      const match = /Open\s+(https?:\S+?)\/ /.exec(output())
      if (match !== null) resolve(match[1]!)
    }
    child.stderr.on('data', look)
    void exited.then((code) => reject(new Error(`millwright up ended with ${code}\n${output()}`)))
  })
  return {
    url,
    data,
    child,
    output,
    pids: () => childrenOf(child.pid!),
    stop: (signal = 'SIGTERM') => {
      child.kill(signal)
      return exited
    },
  }
}

/** With `npm run test:postgres`, servers keep what they know there. */
const databaseOf = async (data: string): Promise<NodeJS.ProcessEnv> =>
  hasPostgres ? { MILLWRIGHT_DATABASE: await postgresFor(data) } : {}

export const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), 'millwright-test-'))

export const removeFolder = (folder: string): void => rmSync(folder, { recursive: true, force: true })

function childrenOf(parent: number): { control: number[]; gateways: number[] } {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
        const role = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').at(-2) ?? ''
        return Number(/\) \w (\d+)/.exec(stat)![1]) === parent ? [{ pid: Number(pid), role }] : []
      } catch {
        return []
      }
    })
  const having = (role: string): number[] =>
    children.filter((child) => child.role === role).map(({ pid }) => pid)
  return { control: having('control'), gateways: having('gateway') }
}

export type CliResult = { readonly code: number; readonly stdout: string; readonly stderr: string }

/** Runs the command line as a user does. */
export async function cli(
  args: readonly string[],
  options: { url?: string; cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<CliResult> {
  const data = args.indexOf('--data')
  const env = {
    ...process.env,
    NO_COLOR: '1',
    MILLWRIGHT_USER: 'tester',
    ...(data >= 0 && (await databaseOf(args[data + 1]!))),
    ...(options.url === undefined ? {} : { MILLWRIGHT_URL: options.url }),
    ...options.env,
  }
  return new Promise((resolve) => {
    execFile(
      NODE,
      [LAUNCHER, ...args],
      { env, cwd: options.cwd ?? ROOT, maxBuffer: 1 << 28 },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr })
      },
    )
  })
}

export const CHURN_ROW = {
  days_since_last_order: 45,
  total_orders: 12,
  lifetime_value: 567.89,
  email_open_rate: 0.35,
}

export async function postJson(
  url: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ status: number; headers: Headers; json: never }> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  return { status: response.status, headers: response.headers, json: (await response.json()) as never }
}

/** Asks the deployment `churn` all the time; `failures`: what the answers said that were not 200. */
export function keepAsking(url: string): { stop(): Promise<{ asked: number; failures: string[] }> } {
  let running = true
  let asked = 0
  const failures: string[] = []
  const loop = async (): Promise<void> => {
    while (running) {
      asked++
      await postJson(`${url}/api/v1/deployments/churn/predict`, { row: CHURN_ROW }).then(
        ({ status, json }) => {
          if (status !== 200) failures.push(`${status} ${JSON.stringify(json)}`)
        },
        (error: Error) => failures.push(`${error.message} ${String(error.cause)}`),
      )
    }
  }
  const loops = [loop(), loop()]
  return {
    async stop() {
      running = false
      await Promise.all(loops)
      return { asked, failures }
    },
  }
}

/** Asks again until it holds. @throws Error after `deadlineMs` */
export async function eventually<T>(
  check: () => Promise<T | undefined | false>,
  deadlineMs = 15_000,
): Promise<T> {
  const until = Date.now() + deadlineMs
  for (;;) {
    const value = await check()
    if (value !== undefined && value !== false) return value
    if (Date.now() > until) throw new Error(`did not hold within ${deadlineMs} ms: ${check}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** A port that nobody listens on now. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

/** Control answers, and every gateway follows it. */
export async function settled({ url }: Pick<Running, 'url'>, gateways = 2): Promise<void> {
  await eventually(async () => {
    const answer = await fetch(`${url}/api/v1/status`, { headers: { connection: 'close' } }).catch(
      () => undefined,
    )
    if (answer?.status !== 200) return false
    const status = (await answer.json()) as { epoch: number; gateways: { epoch: number; state: string }[] }
    const following = status.gateways.filter(
      ({ epoch, state }) => state === 'serving' && epoch === status.epoch,
    )
    return following.length === gateways
  }, 30_000)
}
