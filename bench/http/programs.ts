import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const ROOT = new URL('../..', import.meta.url).pathname
const CACHE = join(ROOT, 'bench/.cache')

/** Nobody outlives this process. */
const started = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of started) child.kill()
})

/** A program under test: its processes, and how long it took to answer its first prediction. */
export type Program = {
  readonly port: number
  readonly readySeconds: number
  readonly pids: () => number[]
  stop(): Promise<void>
}

export async function startMillwright(
  port: number,
  gateways: number,
  args: readonly string[] = ['--deploy', 'examples/churn'],
  options: StartOptions = {},
): Promise<Program & { data: string }> {
  const data = mkdtempSync(join(tmpdir(), 'millwright-bench-data-'))
  const up = ['up', '--port', String(port), '--data', data, '--gateways', String(gateways)]
  const program = await start(port, [[process.execPath, 'bin/millwright.js', ...up, ...args]], options)
  return { ...program, data }
}

export const startFloor = (port: number, processes: number): Promise<Program> =>
  start(
    port,
    Array.from({ length: processes }, () => [process.execPath, 'bench/http/floor.ts', String(port)]),
  )

/** A script that listens on a port; ready when it takes connections. */
export async function startCommand(port: number, args: readonly string[]): Promise<Program> {
  const startedAt = performance.now()
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] })
  started.add(child)
  while (!(await takesConnections(port))) await sleep(20)
  return {
    port,
    readySeconds: (performance.now() - startedAt) / 1000,
    pids: () => treeOf(child.pid!),
    stop: () => stopChild(child),
  }
}

const takesConnections = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1')
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })

export function startFlask(port: number): Promise<Program> {
  const python = installPython('http', join(ROOT, 'bench/http/requirements.txt'))
  const env = { MODEL: join(ROOT, 'examples/churn/models/churn_model_v2.pkl') }
  const bind = `127.0.0.1:${port}`
  const command = [
    python,
    '-m',
    'gunicorn',
    '--bind',
    bind,
    '--workers',
    '4',
    '--chdir',
    'bench/http',
    '--log-level',
    'warning',
    'flask_app:app',
  ]
  return start(port, [command], { env })
}

/** A virtual environment in the scratch folder, made once. @returns its interpreter */
export function installPython(name: string, requirements: string): string {
  const folder = join(CACHE, name)
  const python = join(folder, 'bin/python')
  if (!existsSync(join(folder, 'ready'))) {
    console.error(`installing ${requirements} into ${folder} …`)
    execFileSync('python3', ['-m', 'venv', folder])
    execFileSync(
      python,
      ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements],
      { stdio: 'inherit' },
    )
    execFileSync('touch', [join(folder, 'ready')])
  }
  return python
}

export type StartOptions = {
  readonly env?: Readonly<Record<string, string>>
  /** Default: it predicts churn. */
  readonly isReady?: () => Promise<boolean>
}

/** Programs on one port; ready when one of them answers. */
export async function start(
  port: number,
  commands: readonly (readonly string[])[],
  { env = {}, isReady = () => predictsChurn(port) }: StartOptions = {},
): Promise<Program> {
  const startedAt = performance.now()
  const children = commands.map(([command, ...args]) =>
    spawn(command!, args, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'ignore'],
    }),
  )
  for (const child of children) started.add(child)
  for (let attempt = 0; !(await isReady().catch(() => false)); attempt++) {
    if (attempt === 12_000) throw new Error(`nothing predicts on port ${port}`)
    await sleep(10)
  }
  return {
    port,
    readySeconds: (performance.now() - startedAt) / 1000,
    pids: () => children.flatMap((child) => treeOf(child.pid!)),
    stop: async () => {
      await Promise.all(children.map(stopChild))
    },
  }
}

async function predictsChurn(port: number): Promise<boolean> {
  const row = {
    customer_id: 'a',
    days_since_last_order: 45,
    total_orders: 12,
    lifetime_value: 567.89,
    email_open_rate: 0.35,
  }
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify(row)
  const response = await fetch(`http://127.0.0.1:${port}/predict`, { method: 'POST', headers, body })
  await response.arrayBuffer()
  return response.ok
}

/** Longest a program that was told to stop goes on: some never end. */
const STOP_MS = 10_000

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const family = treeOf(child.pid!)
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGTERM')
  const killer = setTimeout(() => {
    for (const pid of family)
      try {
        process.kill(pid, 'SIGKILL')
      } catch {}
  }, STOP_MS)
  await exited
  clearTimeout(killer)
}

/** A process and all its descendants. */
export function treeOf(root: number): number[] {
  const parents = new Map<number, number>()
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
    try {
      parents.set(Number(pid), Number(/\) \w (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))![1]))
    } catch {}
  const descends = (pid: number): boolean => pid === root || (parents.has(pid) && descends(parents.get(pid)!))
  return [...parents.keys()].filter(descends)
}

/** Proportional memory of all processes, in MB: what they would give back. */
export function proportionalMemory(pids: readonly number[]): number {
  const kilobytes = pids.map((pid) =>
    Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))![1]),
  )
  return kilobytes.reduce((sum, value) => sum + value, 0) / 1000
}

/** User and system seconds of all processes so far, and of their children that have ended: one of these is its parent's then. */
export function cpuSeconds(pids: readonly number[]): number {
  const ticks = pids
    .filter((pid) => existsSync(`/proc/${pid}`))
    .map((pid) => {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
      return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
    })
  return ticks.reduce((sum, value) => sum + value, 0) / 100
}

/** Of a program's processes, those that answer requests. */
export function answering(pids: readonly number[]): number[] {
  const gateways = pids.filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('\0gateway\0'))
  return gateways.length === 0 ? [...pids] : gateways
}
