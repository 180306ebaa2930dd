import { mkdir, rm } from 'node:fs/promises'
import type { Server } from 'node:http'
import type { Server as TlsServer } from 'node:https'
import type { AddressInfo, ListenOptions } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openPool, type Pool } from '@millwright/runtime/pool'
import { accessPolicyOf } from '../access/policy.ts'
import type { BlobStore } from '../blobs/blob-store.ts'
import { folderBlobs } from '../blobs/folder.ts'
import {
  type Config,
  gatewayLimitsOf,
  hostLimitsOf,
  isTracing,
  loadConfig,
  threadsOf,
  tlsFilesOf,
} from '../config.ts'
import { createIdSource, type IdSource } from '../ids.ts'
import { type DataLayout, layoutOf } from '../layout.ts'
import { createLogger, type Logger } from '../logging.ts'
import { aliasServersOf } from '../metrics/aliases.ts'
import { createMetricsServer, scrapeAll } from '../metrics/scrape.ts'
import { parseHosts } from '../outgoing/receiver.ts'
import { createSegmentWriter } from '../segments/writer.ts'
import { settleMemoryWhenQuiet } from '../settle.ts'
import { answerPings, onStop, tellSupervisor } from '../supervisor/messages.ts'
import { VERSION } from '../version.ts'
import { createCaching } from './cache/caching.ts'
import { openSharedCache } from './cache/shared.ts'
import { createDataplane, type Dataplane, type DataplaneDeps } from './dataplane.ts'
import { createFollower, type Follower } from './follow.ts'
import { createJobs, type Jobs } from './jobs/runner.ts'
import { createJobStore } from './jobs/store.ts'
import { createWebhooks } from './jobs/webhook.ts'
import { loadProgram } from './load-model.ts'
import { createMetrics, type GatewayMetrics } from './metrics.ts'
import { createKeyedAnswersStore } from './precomputed/answers.ts'
import { createProxy } from './proxy.ts'
import { createRelay } from './relay.ts'
import { createGateway, type Gateway } from './server.ts'
import { withShadows } from './shadow.ts'
import { followTls, readTls } from './tls.ts'
import type { Tracing, TracingDeps } from './tracing/open.ts'
import { withSpans } from './tracing/traced-plane.ts'

/** Connections that may wait to be accepted; the system takes fewer where `somaxconn` says so. Node's 511 are lost in a rush. */
const BACKLOG = 4096

/** Entry of a gateway process: listens, follows control's routing, answers until told to stop. */
async function main(): Promise<void> {
  answerPings()
  const config = loadConfig()
  const slot = config.MILLWRIGHT_GATEWAY_SLOT
  const logger = createLogger({ role: 'gateway', slot, level: config.MILLWRIGHT_LOG, version: VERSION })
  try {
    await run(config, slot, logger)
  } catch (error) {
    logger.fatal({ error }, 'the gateway cannot start')
    await tellSupervisor({ type: 'fatal', message: messageOf(error, config) })
    process.exit(1)
  }
}

async function run(config: Config, slot: number, logger: Logger): Promise<void> {
  const layout = layoutOf(config.MILLWRIGHT_DATA)
  const ids = createIdSource()
  const metrics = createMetrics({ version: VERSION })
  const log = openLog(config, layout, { slot, logger })
  const pool = openPool({ threads: threadsOf(config), runMs: config.MILLWRIGHT_ONNX_RUN_MS })
  const blobs = folderBlobs(layout.blobs, layout.incoming)
  const load = loaderOf(config, blobs, { pool, metrics })
  const shared = await sharedCacheOf(config, logger)
  const caching = createCaching(metrics, shared)
  const keyedAnswers = createKeyedAnswersStore(blobs)
  const follower = createFollower({
    ...{ id: `gateway-${slot}`, layout, load, metrics, logger, caching, keyedAnswers },
  })
  const own = () => metrics.toJson(log)
  const aliases = aliasServersOf(config.MILLWRIGHT_METRIC_ALIASES)
  const files = tlsFilesOf(config)
  const proxy = createProxy(layout.controlSocket, metrics, blobs)
  const relay = createRelay(layout.relaySocket)
  const tracing = await openTracing(config, { slot, metrics, logger })
  const jobs = openJobs(config, layout, { slot, logger, ids })
  const gateway = createGateway({
    jobs,
    ...{ table: follower.table, isReady: follower.isReady },
    plane: openPlane({ ids, log }, { isTraced: tracing !== undefined, logger }),
    scrape: () => scrapeAll({ layout, slot, own, aliases }),
    ...{ metrics, proxy, relay, ids, logger },
    ...limitsOf(config),
    access: accessPolicyOf(config),
    tracer: tracing?.tracer,
    tls: files && (await readTls(files)),
  })

  const { following } = await startFollowing(follower)
  const metricsServer = await listenOnSocket(createMetricsServer(own), layout.gatewaySocket(slot))
  await listen(gateway.server, {
    host: config.MILLWRIGHT_HOST,
    port: config.MILLWRIGHT_PORT,
    reusePort: config.MILLWRIGHT_GATEWAYS > 1,
    backlog: BACKLOG,
  })
  const unfollowTls = files && followTls(gateway.server as TlsServer, files, logger)
  const { port } = gateway.server.address() as AddressInfo
  logger.info(`listening on ${config.MILLWRIGHT_HOST}:${port}`)
  await jobs.start(gateway.answer)
  await tellSupervisor({ type: 'ready', port })
  settleMemoryWhenQuiet()

  stopWhenTold(config, logger, {
    gateway,
    async close() {
      await jobs.stop()
      follower.stop()
      unfollowTls?.()
      await following
      metricsServer.close()
      proxy.close()
      relay.close()
      shared?.close()
      await pool.close()
      await log.close()
      await tracing?.close()
    },
  })
}

const limitsOf = (config: Config) => ({
  maxBodyBytes: config.MILLWRIGHT_MAX_BODY_BYTES,
  maxRows: config.MILLWRIGHT_MAX_ROWS,
  maxWaitMs: config.MILLWRIGHT_MAX_WAIT_MS,
  limits: gatewayLimitsOf(config),
})

/** So long a gateway that cannot serve all of its snapshot leaves requests to the others, in milliseconds. */
const READY_MS = 3_000

async function startFollowing(follower: Follower): Promise<{ readonly following: Promise<void> }> {
  await follower.start()
  const following = follower.follow()
  const until = performance.now() + READY_MS
  while (!follower.isReady() && performance.now() < until) await sleep(20)
  return { following }
}

type Running = { readonly gateway: Gateway; readonly close: () => Promise<void> }

/** Answers what is under way, for as long as it may take, then ends the process. */
function stopWhenTold(config: Config, logger: Logger, { gateway, close }: Running): void {
  onStop((why) => {
    logger.info(`stopping: ${why}`)
    const graceMs = why === 'SIGTERM' ? config.MILLWRIGHT_STOP_GRACE_MS : 0
    const killer = setTimeout(() => {
      logger.warn(`requests were still under way after ${config.MILLWRIGHT_DRAIN_MS} ms`)
      gateway.closeAllConnections()
    }, graceMs + config.MILLWRIGHT_DRAIN_MS)
    gateway
      .drain(graceMs)
      .finally(() => clearTimeout(killer))
      .then(close)
      .then(
        () => process.exit(0),
        (error: unknown) => {
          logger.fatal({ error }, 'stopping failed')
          process.exit(1)
        },
      )
  })
}

type LoaderParts = { readonly pool: Pool; readonly metrics: GatewayMetrics }

function loaderOf(config: Config, blobs: BlobStore, { pool, metrics }: LoaderParts) {
  return (digest: string) =>
    loadProgram(blobs, digest, {
      hostLimits: hostLimitsOf(config),
      pool,
      batchWaitMs: config.MILLWRIGHT_BATCH_WAIT_MS,
      onBatch: metrics.onBatch,
    })
}

const sharedCacheOf = ({ MILLWRIGHT_CACHE_URL: url }: Config, logger: Logger) =>
  url === '' ? undefined : openSharedCache(url, logger)

type JobParts = { readonly slot: number; readonly logger: Logger; readonly ids: IdSource }

function openJobs(config: Config, layout: DataLayout, { slot, logger, ids }: JobParts): Jobs {
  return createJobs({
    store: createJobStore({ folder: layout.jobs, slot, slots: config.MILLWRIGHT_GATEWAYS }),
    webhooks: createWebhooks({
      hosts: parseHosts(config.MILLWRIGHT_WEBHOOK_HOSTS),
      secret: config.MILLWRIGHT_WEBHOOK_SECRET,
      logger,
    }),
    ...{ ids, logger, most: config.MILLWRIGHT_MAX_JOBS, keptMs: config.MILLWRIGHT_JOB_KEPT_MS },
  })
}

function openLog(config: Config, layout: DataLayout, { slot, logger }: { slot: number; logger: Logger }) {
  return createSegmentWriter({
    folder: join(layout.segments, String(slot)),
    flushMs: config.MILLWRIGHT_LOG_FLUSH_MS,
    backlogBytes: config.MILLWRIGHT_LOG_BACKLOG_BYTES,
    segmentBytes: config.MILLWRIGHT_SEGMENT_BYTES,
    segmentMs: config.MILLWRIGHT_SEGMENT_MS,
    onError: (error) => logger.error({ error }, 'the prediction log cannot be written; predictions go on'),
  })
}

function openPlane(
  deps: DataplaneDeps,
  { isTraced, logger }: { isTraced: boolean; logger: Logger },
): Dataplane {
  const plane = createDataplane(deps)
  return withShadows(isTraced ? withSpans(plane) : plane, {
    onError: (error, { served: { routed } }) =>
      logger.warn({ error }, `the shadow of deployment "${routed.name}" fails; its answers go on`),
  })
}

/** Loads what traces need only where they are wanted. */
async function openTracing(config: Config, deps: TracingDeps): Promise<Tracing | undefined> {
  return isTracing(config) ? (await import('./tracing/open.ts')).openTracing(config, deps) : undefined
}

/** A socket that a killed gateway left behind is taken over. */
async function listenOnSocket(server: Server, path: string): Promise<Server> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await rm(path, { force: true })
  await listen(server, { path })
  return server
}

function listen(server: Server, address: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(address, resolve)
  })
}

function messageOf(error: unknown, config: Config): string {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'EADDRINUSE')
    return `port ${config.MILLWRIGHT_PORT} on ${config.MILLWRIGHT_HOST} is taken; choose another with --port`
  return message
}

await main()
