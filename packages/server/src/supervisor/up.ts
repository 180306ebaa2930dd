import { spawn } from 'node:child_process'
import { accessPolicyOf } from '../access/policy.ts'

import { artifactStorageOf, type Config, tlsFilesOf } from '../config.ts'
import { shownAddress } from '../db/address.ts'

import { type DataLayout, layoutOf } from '../layout.ts'
import { settleMemoryWhenQuiet } from '../settle.ts'
import { type Child, type Ended, superviseChild } from './child.ts'
import type { ChildMessage, RestartCount, StopSignal } from './messages.ts'
import { checkPort, holdDataFolder, prepareDataFolder, StartError } from './preflight.ts'
import { createRestarts } from './restarts.ts'

export type UpOptions = {
  readonly config: Config
  readonly env: NodeJS.ProcessEnv
  /** The launcher: children are the same program in another role. */
  readonly entry: string
  readonly version: string
  /** Folder of an example or a model file to deploy once everything is up. */
  readonly deploy: string | undefined
  /** Narration for the person at the terminal. */
  readonly say: (line: string) => void
}

/** Control needs a moment after the last gateway to write what they handed over. */
const CONTROL_STOP_MS = 5_000

/**
 * Runs one control and the gateways on one port until told to stop.
 * @throws StartError when it cannot start
 */
export async function runUp(options: UpOptions): Promise<void> {
  const startedAt = performance.now()
  const { config, say } = options
  const layout = layoutOf(config.MILLWRIGHT_DATA)
  tlsFilesOf(config)
  artifactStorageOf(config)
  await prepareDataFolder(layout)
  const lock = await holdDataFolder(layout)
  await checkPort(config.MILLWRIGHT_HOST, config.MILLWRIGHT_PORT)

  const tree = startTree(options, layout)
  const stopped = stopOnSignal(tree, options)
  const port = await Promise.race([tree.ready.catch(() => undefined), stopped.then(() => undefined)])
  if (port !== undefined) {
    settleMemoryWhenQuiet()
    const url = urlOf(config, port)
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    say(`Millwright ${options.version} ready in ${seconds}s`)
    say(`├─ Open     ${url}/   docs: /docs   metrics: /metrics`)
    say(`├─ Data     ${layout.root}${databaseIn(config)}`)
    say(`├─ Callers  ${callersOf(config)}`)
    say(
      `└─ Running  1 control, ${config.MILLWRIGHT_GATEWAYS} gateway${config.MILLWRIGHT_GATEWAYS > 1 ? 's' : ''}; Ctrl-C stops`,
    )
    if (options.deploy === undefined) say('Next:  millwright deploy MODEL_FILE   or   millwright demo')
    else deployExample(options, url)
  }
  await stopped
  lock.close()
}

type Ready = ChildMessage & { readonly type: 'ready' }

type Tree = {
  /** The port, once everything answers. @throws StartError when something cannot run */
  readonly ready: Promise<number>
  /** Gateways drain first, so that control takes over what they logged. */
  stop(signal: StopSignal): Promise<void>
  kill(): void
}

type Role = {
  readonly name: string
  readonly process: RestartCount['process']
  readonly env?: Readonly<Record<string, string>>
}

/** glibc's arenas, one a thread, grow while modules load and are not given back: few threads here need one. */
const FEW_ARENAS = { MALLOC_ARENA_MAX: '1' }

const CONTROL: Role = {
  name: 'control',
  process: 'control',
  env: FEW_ARENAS,
}

const gatewayIn = (slot: number): Role => ({
  name: `gateway ${slot}`,
  process: 'gateway',
  env: { ...FEW_ARENAS, MILLWRIGHT_GATEWAY_SLOT: String(slot) },
})

function startTree(options: UpOptions, layout: DataLayout): Tree {
  const { config, env, entry, say } = options
  const ready = Promise.withResolvers<number>()
  const waiting = new Set<string>()
  const children: Child[] = []
  let port = config.MILLWRIGHT_PORT
  let stopping = false
  const restarts = createRestarts()
  const tellRestarts = (): void => children[0]?.tell({ type: 'restarts', counts: restarts.counts() })
  const start = (role: Role, onReady?: (message: Ready) => void): void => {
    if (stopping) return
    const { name, process, env: own } = role
    waiting.add(name)
    const child = superviseChild({
      entry,
      args: [process],
      // Read at every start: a restarted gateway must come back on the port the first one got.
      env: () => ({
        ...env,
        MILLWRIGHT_DATA: layout.root,
        MILLWRIGHT_HOST: config.MILLWRIGHT_HOST,
        MILLWRIGHT_GATEWAYS: String(config.MILLWRIGHT_GATEWAYS),
        MILLWRIGHT_PORT: String(port),
        ...own,
      }),
      onReady: (message) => {
        onReady?.(message)
        waiting.delete(name)
        if (waiting.size === 0) ready.resolve(port)
      },
      onFatal: (message) => ready.reject(new StartError(message, 'see the log lines above')),
      standstillMs: config.MILLWRIGHT_STANDSTILL_MS,
      onRestart: ({ delayMs, ...ended }) => {
        say(`! ${name} ${describeEnd(ended, config)}; starting it again in ${delayMs} ms`)
        restarts.add({ process, reason: ended.reason })
        tellRestarts()
      },
    })
    children.push(child)
  }
  const startGateways = (from: number): void => {
    for (let slot = from; slot < config.MILLWRIGHT_GATEWAYS; slot++) start(gatewayIn(slot))
  }
  start(CONTROL, ({ hasKeys }) => {
    if (accessPolicyOf(config).loginRequired && hasKeys === false)
      ready.reject(nobodyMayCall(options, layout))
    tellRestarts()
  })
  if (port !== 0) startGateways(0)
  else
    start(gatewayIn(0), (message) => {
      if (port !== 0) return
      port = message.port ?? 0
      startGateways(1)
    })
  return {
    ready: ready.promise,
    async stop(signal) {
      stopping = true
      const [control, ...gateways] = children
      control!.retire()
      const deadlineMs = config.MILLWRIGHT_STOP_GRACE_MS + config.MILLWRIGHT_DRAIN_MS + CONTROL_STOP_MS
      await Promise.all(gateways.map((gateway) => gateway.stop(signal, deadlineMs)))
      await control!.stop(signal, CONTROL_STOP_MS)
    },
    kill() {
      for (const child of children) child.kill()
    },
  }
}

const databaseIn = ({ MILLWRIGHT_DATABASE: address }: Config): string =>
  address === '' ? '' : ` and ${shownAddress(address)}`

const describeEnd = ({ reason, code, signal }: Ended, config: Config): string =>
  reason === 'ended'
    ? `ended (${signal ?? `exit ${code}`})`
    : `stood still for ${config.MILLWRIGHT_STANDSTILL_MS} ms and was ended`

const nobodyMayCall = ({ config: { MILLWRIGHT_HOST: host } }: UpOptions, { root }: DataLayout): StartError =>
  new StartError(
    `callers of ${host} must send an API key, and there is no active one`,
    `make one:  millwright keys create admin --scope admin --data ${root}\n` +
      '  or:    --open (MILLWRIGHT_AUTH=off) lets everyone who reaches the port do everything',
  )

/** Resolves when a signal came and the whole tree has ended; rejects when the tree could not start. */
function stopOnSignal(tree: Tree, { say }: UpOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    let signals = 0
    const onSignal = (signal: StopSignal): void => {
      if (++signals > 1) {
        tree.kill()
        process.exit(130)
      }
      say('Stopping: finishing requests in flight (again to stop at once)')
      tree.stop(signal).then(resolve, reject)
    }
    process.on('SIGINT', () => onSignal('SIGINT'))
    process.on('SIGTERM', () => onSignal('SIGTERM'))
    tree.ready.catch((error: unknown) => tree.stop('SIGINT').then(() => reject(error), reject))
  })
}

function deployExample({ entry, env, deploy, say }: UpOptions, url: string): void {
  const child = spawn(process.execPath, [entry, 'deploy', deploy!, '--keep', '--url', url], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  child.on('error', (error) => say(`! cannot deploy ${deploy}: ${error.message}`))
}

/** `http://host:port`, with what a browser on this machine can open when listening everywhere. */
function urlOf(config: Config, port: number): string {
  const host = config.MILLWRIGHT_HOST
  const scheme = tlsFilesOf(config) === undefined ? 'http' : 'https'
  const reachable =
    host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host.includes(':') ? `[${host}]` : host
  return `${scheme}://${reachable}:${port}`
}

function callersOf(config: Config): string {
  const { loginRequired, boundToLoopback } = accessPolicyOf(config)
  if (loginRequired) return 'need an API key'
  return boundToLoopback ? 'this machine only, without a key' : 'EVERYONE who reaches the port, without a key'
}
