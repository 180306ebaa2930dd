import { spawn } from 'node:child_process'
import type { Config } from '../config.ts'
import { type DataLayout, layoutOf } from '../layout.ts'
import { type Child, superviseChild } from './child.ts'
import { checkPort, holdDataFolder, prepareDataFolder, StartError } from './preflight.ts'

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
  await prepareDataFolder(layout)
  const lock = await holdDataFolder(layout)
  await checkPort(config.MILLWRIGHT_HOST, config.MILLWRIGHT_PORT)

  const tree = startTree(options, layout)
  const stopped = stopOnSignal(tree, options)
  const port = await Promise.race([tree.ready, stopped.then(() => undefined)])
  if (port !== undefined) {
    const url = urlOf(config.MILLWRIGHT_HOST, port)
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    say(`Millwright ${options.version} ready in ${seconds}s`)
    say(`├─ Open     ${url}/   docs: /docs   metrics: /metrics`)
    say(`├─ Data     ${layout.root}`)
    say(
      `└─ Running  1 control, ${config.MILLWRIGHT_GATEWAYS} gateway${config.MILLWRIGHT_GATEWAYS > 1 ? 's' : ''}; Ctrl-C stops`,
    )
    if (options.deploy === undefined) say('Next:  millwright deploy MODEL_FILE   or   millwright demo')
    else deployExample(options, url)
  }
  await stopped
  lock.close()
}

type Tree = { readonly control: Child; readonly gateways: Child[]; readonly ready: Promise<number> }

function startTree(options: UpOptions, layout: DataLayout): Tree {
  const { config, env, entry, say } = options
  const gateways: Child[] = []
  const ready = Promise.withResolvers<number>()
  const waiting = new Set<string>(['control'])
  let port = config.MILLWRIGHT_PORT
  const common = {
    entry,
    onFatal: (message: string) => ready.reject(new StartError(message, 'see the log lines above')),
    onRestart: ({
      name,
      code,
      signal,
      delayMs,
    }: {
      name: string
      code: number | null
      signal: string | null
      delayMs: number
    }) => say(`! ${name} ended (${signal ?? `exit ${code}`}); starting it again in ${delayMs} ms`),
  }
  const baseEnv = {
    ...env,
    MILLWRIGHT_DATA: layout.root,
    MILLWRIGHT_HOST: config.MILLWRIGHT_HOST,
    MILLWRIGHT_GATEWAYS: String(config.MILLWRIGHT_GATEWAYS),
  }
  const isReady = (name: string): void => {
    waiting.delete(name)
    if (waiting.size === 0) ready.resolve(port)
  }
  const startGateway = (slot: number): void => {
    const name = `gateway ${slot}`
    waiting.add(name)
    gateways.push(
      superviseChild({
        ...common,
        name,
        args: ['gateway'],
        // A restarted gateway must come back on the port the first one got.
        get env() {
          return { ...baseEnv, MILLWRIGHT_PORT: String(port), MILLWRIGHT_GATEWAY_SLOT: String(slot) }
        },
        onReady: (message) => {
          if (slot === 0 && port === 0) {
            port = message.port ?? 0
            startOthers()
          }
          isReady(name)
        },
      }),
    )
  }
  const startOthers = (): void => {
    for (let slot = 1; slot < config.MILLWRIGHT_GATEWAYS; slot++) startGateway(slot)
  }
  const control = superviseChild({
    ...common,
    name: 'control',
    args: ['control'],
    env: { ...baseEnv, MILLWRIGHT_PORT: String(port) },
    onReady: () => isReady('control'),
  })
  startGateway(0)
  if (port !== 0) startOthers()
  return { control, gateways, ready: ready.promise }
}

/** Resolves when a signal came and the whole tree has ended; rejects when the tree could not start. */
function stopOnSignal(tree: Tree, { config, say }: UpOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    let signals = 0
    const all = [...tree.gateways, tree.control]
    const stop = async (): Promise<void> => {
      const drainMs = config.MILLWRIGHT_DRAIN_MS + CONTROL_STOP_MS
      await Promise.all(tree.gateways.map((gateway) => gateway.stop(drainMs)))
      await tree.control.stop(CONTROL_STOP_MS)
    }
    const onSignal = (): void => {
      if (++signals > 1) {
        for (const child of all) child.kill()
        process.exit(130)
      }
      say('Stopping: finishing requests in flight (again to stop at once)')
      stop().then(resolve, reject)
    }
    process.on('SIGINT', onSignal)
    process.on('SIGTERM', onSignal)
    tree.ready.catch((error: unknown) => stop().then(() => reject(error), reject))
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
export function urlOf(host: string, port: number): string {
  const reachable =
    host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host.includes(':') ? `[${host}]` : host
  return `http://${reachable}:${port}`
}
