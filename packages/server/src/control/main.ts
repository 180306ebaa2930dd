import { mkdir, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { accessPolicyOf } from '../access/policy.ts'
import { artifactStorageOf, databaseOf, hostLimitsOf, loadConfig } from '../config.ts'
import { layoutOf } from '../layout.ts'
import { createLogger } from '../logging.ts'
import { parseHosts } from '../outgoing/receiver.ts'
import { openPredictionLog, type PredictionLog } from '../predictions/prediction-log.ts'
import { predictionRoutes } from '../predictions/routes.ts'
import { engineReader } from '../registry/engine-reader.ts'
import { settleMemoryWhenQuiet } from '../settle.ts'
import { answerPings, followRestarts, onStop, tellSupervisor } from '../supervisor/messages.ts'
import { VERSION } from '../version.ts'
import { readDropped } from './dropped.ts'
import { type Control, explainStart, openControl } from './open.ts'
import { listenForRelays } from './relay.ts'

/** Entry of the control process. */

/** What a stopping process may take to answer what was asked, in milliseconds; the supervisor waits a little longer. */
const STOP_MS = 4_000

const config = loadConfig()
const layout = layoutOf(config.MILLWRIGHT_DATA)
const logger = createLogger({ role: 'control', level: config.MILLWRIGHT_LOG, version: VERSION })

answerPings()
const restarts = followRestarts()
process.on('uncaughtException', (error) => void fail(error))
process.on('unhandledRejection', (error) => void fail(error))
try {
  await start()
} catch (error) {
  await fail(error)
}

async function start(): Promise<void> {
  const log = await openPredictionLog({
    layout,
    gateways: config.MILLWRIGHT_GATEWAYS,
    retentionDays: config.MILLWRIGHT_RETENTION_DAYS,
    retentionBytes: config.MILLWRIGHT_RETENTION_BYTES,
    log: logger,
  })
  const control = await openControl({
    ...{ layout, database: databaseOf(config, layout), logger },
    access: accessPolicyOf(config),
    maxModelBytes: config.MILLWRIGHT_MAX_MODEL_BYTES,
    ackTimeoutMs: config.MILLWRIGHT_ACK_TIMEOUT_MS,
    expectedGateways: config.MILLWRIGHT_GATEWAYS,
    readModel: engineReader({
      maxHeapMib: config.MILLWRIGHT_READER_MEMORY_MIB,
      deadlineMs: config.MILLWRIGHT_READER_TIMEOUT_MS,
      maxBytes: config.MILLWRIGHT_MAX_MODEL_BYTES,
      host: hostLimitsOf(config),
    }),
    restarts,
    deletedDays: config.MILLWRIGHT_DELETED_RETENTION_DAYS,
    artifacts: artifactStorageOf(config),
    webhookHosts: parseHosts(config.MILLWRIGHT_WEBHOOK_HOSTS),
    readLogStatus: async () => ({ ...(await log.status()), dropped: await readDropped(layout) }),
    routes: predictionRoutes(log),
  })
  onStop((why) => void stop(control, log, why))
  await listen(control.internal, layout.internalSocket)
  await listenForRelays(control.relay, layout.relaySocket)
  await listen(control.app, layout.controlSocket)
  await tellSupervisor({ type: 'ready', hasKeys: await control.hasActiveKey() })
  settleMemoryWhenQuiet()
  logger.info('control is ready')
}

/** A socket file outlives the process that made it. */
async function listen(app: FastifyInstance, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await rm(path, { force: true })
  await app.listen({ path })
}

async function stop(control: Control, log: PredictionLog, why: string): Promise<void> {
  logger.info(`control is stopping (${why})`)
  setTimeout(() => process.exit(1), STOP_MS).unref()
  await control.close()
  await log.close()
  process.exit(0)
}

async function fail(error: unknown): Promise<never> {
  logger.error({ error }, 'control cannot go on')
  await tellSupervisor({ type: 'fatal', message: explainStart(error, layout) })
  process.exit(1)
}
