import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { SecureContextOptions } from 'node:tls'
import { fileURLToPath } from 'node:url'
import type { ModelSchema } from '@millwright/contracts'
import { compileFile, decodeProgram, inputSchema } from '@millwright/engine'
import { openPool } from '@millwright/runtime/pool'
import type { AccessPolicy } from '../src/access/origin.ts'
import { folderBlobs } from '../src/blobs/folder.ts'
import { type Config, type GatewayLimits, gatewayLimitsOf, loadConfig } from '../src/config.ts'
import { createCaching } from '../src/gateway/cache/caching.ts'
import type { SharedCache } from '../src/gateway/cache/shared.ts'
import { createDataplane } from '../src/gateway/dataplane.ts'
import { createFollower } from '../src/gateway/follow.ts'
import { createJobs } from '../src/gateway/jobs/runner.ts'
import { createJobStore } from '../src/gateway/jobs/store.ts'
import { createWebhooks } from '../src/gateway/jobs/webhook.ts'
import { loadProgram } from '../src/gateway/load-model.ts'
import { createMetrics } from '../src/gateway/metrics.ts'
import { createKeyedAnswersStore } from '../src/gateway/precomputed/answers.ts'
import { createProxy } from '../src/gateway/proxy.ts'
import { createRelay } from '../src/gateway/relay.ts'
import { createGateway } from '../src/gateway/server.ts'
import { withShadows } from '../src/gateway/shadow.ts'
import { openTracing } from '../src/gateway/tracing/open.ts'
import { withSpans } from '../src/gateway/tracing/traced-plane.ts'
import { createIdSource } from '../src/ids.ts'
import { type DataLayout, layoutOf } from '../src/layout.ts'
import { createLogger } from '../src/logging.ts'
import type { AliasServer } from '../src/metrics/aliases.ts'
import { scrapeAll } from '../src/metrics/scrape.ts'
import type { RoutedDeployment, RoutedKey } from '../src/routing/snapshot.ts'
import { decodeRows } from '../src/segments/block.ts'
import { readSegment } from '../src/segments/reader.ts'
import type { LoggedRow } from '../src/segments/record.ts'
import { createSegmentWriter } from '../src/segments/writer.ts'

/** What control does for gateways, as far as they can see it: a data folder with programs and a routing snapshot. */

const EXAMPLE = fileURLToPath(new URL('../../../examples/churn/', import.meta.url))

export type ChurnVersion = 'v2' | 'v3' | 'bad'

export async function createDataFolder(): Promise<DataLayout> {
  const layout = layoutOf(await mkdtemp(join(tmpdir(), 'millwright-gateway-')))
  for (const folder of [layout.blobs, layout.incoming, layout.segments, dirname(layout.internalSocket)])
    await mkdir(folder, { recursive: true })
  return layout
}

export const removeDataFolder = (layout: DataLayout): Promise<void> =>
  rm(layout.root, { recursive: true, force: true })

const COMPILED = new Map<ChurnVersion, Promise<{ file: Buffer; bytes: Uint8Array }>>()

function compiled(label: ChurnVersion): Promise<{ file: Buffer; bytes: Uint8Array }> {
  const found = COMPILED.get(label) ?? compile(label)
  COMPILED.set(label, found)
  return found
}

async function compile(label: ChurnVersion) {
  const file = await readFile(join(EXAMPLE, `models/churn_model_${label}.pkl`))
  return { file, bytes: (await compileFile(file)).program }
}

/** Compiles a churn model and stores its program. Returns what a deployment of it routes to. */
export async function storeChurn(
  layout: DataLayout,
  label: ChurnVersion,
): Promise<RoutedDeployment['version']> {
  const number = { v2: 2, v3: 3, bad: 4 }[label]
  return { ...(await storeCompiled(layout, await compiled(label))), number, label }
}

/** Compiles a model file and stores its program as version 1. */
export async function storeModel(layout: DataLayout, path: string): Promise<RoutedDeployment['version']> {
  const file = await readFile(path)
  const { program: bytes } = await compileFile(file)
  return { ...(await storeCompiled(layout, { file, bytes })), number: 1, label: 'v1' }
}

async function storeCompiled(layout: DataLayout, { file, bytes }: { file: Buffer; bytes: Uint8Array }) {
  const digest = createHash('sha256').update(bytes).digest('hex')
  const path = join(layout.blobs, 'sha256', digest.slice(0, 2), digest.slice(2))
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, bytes)
  const program = decodeProgram(bytes)
  const schema = {
    inputs: inputSchema(program),
    outputs: program.outputs.map(({ name, dtype, shape }) => ({ name, dtype, shape })),
    classes: program.classes,
  } as unknown as ModelSchema
  return { digest: createHash('sha256').update(file).digest('hex'), program: digest, schema }
}

/** A row of the example, and where rows of it are predicted. */
export const CHURN_ROW = {
  days_since_last_order: 45,
  total_orders: 12,
  lifetime_value: 567.89,
  email_open_rate: 0.35,
}
export const CHURN_PREDICT = '/api/v1/deployments/churn/predict'

/** A data folder that serves the example, or a part of it, alone. */
export async function createChurnFolder(changes: Partial<RoutedDeployment> = {}): Promise<DataLayout> {
  const layout = await createDataFolder()
  await writeSnapshot(layout, 1, [await churnDeployment(await storeChurn(layout, 'v2'), changes)])
  return layout
}

/** The example's configuration, or a part of it. */
export async function churnDeployment(
  version: RoutedDeployment['version'],
  changes: Partial<RoutedDeployment> = {},
): Promise<RoutedDeployment> {
  const { name, decision, respond } = JSON.parse(await readFile(join(EXAMPLE, 'deployment.json'), 'utf8'))
  return {
    ...{ name, model: 'churn', revision: 1, default: true, version, decision, respond, limits: null },
    ...changes,
  }
}

export async function writeSnapshot(
  layout: DataLayout,
  epoch: number,
  deployments: readonly RoutedDeployment[],
  keys: readonly RoutedKey[] = [],
): Promise<void> {
  const text = JSON.stringify({ format: 1, epoch, written_at: new Date(0).toISOString(), deployments, keys })
  await writeFile(`${layout.routing}.new`, text)
  await rename(`${layout.routing}.new`, layout.routing)
}

export const HOST_LIMITS = { memoryMib: 512, loadMs: 20_000, runMs: 2_000 }

/** Only this machine calls, without a key. */
export const OPEN: AccessPolicy = { boundToLoopback: true, loginRequired: false, allowedHosts: [] }

export type Limits = {
  readonly host?: typeof HOST_LIMITS
  readonly batchWaitMs?: number
  readonly maxBodyBytes?: number
  readonly maxRows?: number
  readonly maxWaitMs?: number
  readonly maxJobs?: number
  readonly webhookHosts?: readonly string[]
  readonly access?: AccessPolicy
  readonly gateway?: Partial<GatewayLimits>
  readonly usesMs?: number
  readonly sharedCache?: SharedCache
  readonly tls?: SecureContextOptions
  readonly aliases?: readonly AliasServer[]
  /** Variables of OpenTelemetry. */
  readonly tracing?: Partial<Config>
  readonly logTo?: NodeJS.WritableStream
}

/** A gateway in this process over a data folder, as gateway/main.ts puts one together. Not listening yet. */
export async function openGateway(layout: DataLayout, limits: Limits = {}) {
  const ids = createIdSource()
  const metrics = createMetrics({ version: 'test' })
  const destination = { write: (text: string) => void lines.push(text) }
  const lines: string[] = []
  const logger = createLogger({ role: 'gateway', slot: 0, level: 'info', version: 'test', destination })
  const log = createSegmentWriter({
    ...{ folder: join(layout.segments, '0'), flushMs: 5, backlogBytes: 1 << 26 },
    ...{ segmentBytes: 1 << 24, segmentMs: 60_000 },
  })
  const blobs = folderBlobs(layout.blobs, layout.incoming)
  const pool = openPool({ threads: 2, runMs: limits.host?.runMs ?? HOST_LIMITS.runMs })
  const load = (digest: string) =>
    loadProgram(blobs, digest, {
      pool,
      hostLimits: limits.host ?? HOST_LIMITS,
      batchWaitMs: limits.batchWaitMs ?? 0,
      onBatch: metrics.onBatch,
    })
  const follower = createFollower({
    ...{ id: 'gateway-0', layout, load, metrics, logger },
    keyedAnswers: createKeyedAnswersStore(blobs),
    caching: createCaching(metrics, limits.sharedCache),
    ...(limits.usesMs && { usesMs: limits.usesMs }),
  })
  await follower.start()
  const tracing =
    limits.tracing && openTracing({ ...loadConfig({}), ...limits.tracing }, { slot: 0, metrics, logger })
  const dataplane = createDataplane({ ids, log })
  const plane = withShadows(tracing ? withSpans(dataplane) : dataplane, {
    onError: (error) => logger.warn({ error }, 'the shadow fails'),
  })
  const proxy = createProxy(layout.controlSocket, metrics, blobs)
  const relay = createRelay(layout.relaySocket)
  const jobs = createJobs({
    store: createJobStore({ folder: layout.jobs, slot: 0, slots: 1 }),
    webhooks: createWebhooks({ hosts: limits.webhookHosts ?? [], secret: 'whsec_c2VjcmV0', logger }),
    ...{ ids, logger, most: limits.maxJobs ?? 1_000, keptMs: 60_000 },
  })
  const gateway = createGateway({
    jobs,
    ...{ table: follower.table, isReady: follower.isReady, plane },
    ...{ metrics, proxy, relay, ids, logger },
    scrape: () =>
      scrapeAll({ layout, slot: 0, own: () => metrics.toJson(log), aliases: limits.aliases ?? [] }),
    maxBodyBytes: limits.maxBodyBytes ?? 16 << 20,
    maxRows: limits.maxRows ?? 10_000,
    maxWaitMs: limits.maxWaitMs ?? 1_000,
    limits: {
      ...gatewayLimitsOf(loadConfig({})),
      ...(limits.maxBodyBytes && {
        inflatedBytes: limits.maxBodyBytes,
        grpcMessageBytes: limits.maxBodyBytes,
      }),
      ...limits.gateway,
    },
    access: limits.access ?? OPEN,
    tracer: tracing?.tracer,
    tls: limits.tls,
  })
  const { server } = gateway
  const listen = async (): Promise<number> => {
    if (!server.listening) await once(server.listen(0, '127.0.0.1'), 'listening')
    return (server.address() as AddressInfo).port
  }
  return {
    ...{ server, jobs, answer: gateway.answer, drain: gateway.drain, follower, log, lines, metrics, listen },
    /** Asks over a connection of its own, like anyone. */
    async ask(path: string, asked: RequestInit = {}) {
      const answer = await fetch(`http://127.0.0.1:${await listen()}${path}`, asked)
      const text = await answer.text()
      return { status: answer.status, headers: answer.headers, text, json: () => JSON.parse(text) }
    },
    async close(): Promise<void> {
      await jobs.stop()
      follower.stop()
      gateway.closeAllConnections()
      await gateway.drain(0)
      proxy.close()
      relay.close()
      await pool.close()
      await log.close()
      await tracing?.close()
    },
  }
}

/** Closes the log and reads every row in it. */
export async function readLog(layout: DataLayout, log: { close(): Promise<void> }): Promise<LoggedRow[]> {
  await log.close()
  const folder = join(layout.segments, '0')
  const rows: LoggedRow[] = []
  for (const name of await readdir(folder).catch((): string[] => []))
    for (const payload of (await readSegment(join(folder, name))).payloads) rows.push(...decodeRows(payload)!)
  return rows
}
