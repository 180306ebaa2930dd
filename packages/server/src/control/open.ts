import { mkdir, readdir, rm } from 'node:fs/promises'
import type { Server } from 'node:net'
import { basename, dirname, join } from 'node:path'
import type { Status } from '@millwright/contracts'
import type { FastifyInstance } from 'fastify'
import type { Asker } from '../access/credential.ts'
import type { AccessPolicy } from '../access/origin.ts'
import { type ArtifactStorage, openArtifacts } from '../artifacts/open.ts'
import type { BlobStore } from '../blobs/blob-store.ts'
import { collectBlobs, emptyIncoming, UNCLAIMED_MS } from '../blobs/collect.ts'
import { folderBlobs } from '../blobs/folder.ts'
import { collectDaily } from '../collection/daily.ts'
import { listAllBlobs } from '../collection/referenced.ts'
import type { Context } from '../context.ts'
import { readDataKey } from '../data-key.ts'
import type { DatabaseAddress } from '../db/address.ts'
import { type Db, openDatabase } from '../db/database.ts'
import { createWriter } from '../db/writer.ts'
import { isStorageFull } from '../durable.ts'
import { hasActiveKey, recogniseKey } from '../keys/recognise.ts'
import { writeUses } from '../keys/store.ts'
import type { DataLayout } from '../layout.ts'
import type { Logger } from '../logging.ts'
import { mountArtifacts } from '../mlflow/artifact-mount.ts'
import type { MlflowContext } from '../mlflow/route.ts'
import { createRunTexts } from '../mlflow/run-texts.ts'
import type { ReadModel } from '../registry/read-model.ts'
import { createVersionQueue, type VersionQueue } from '../registry/version-queue.ts'
import type { Route } from '../route.ts'
import type { RestartCount } from '../supervisor/messages.ts'
import { ensureDefaultExperiment } from '../tracking/experiments.ts'
import { createWebhookSecrets } from '../webhooks/secrets.ts'
import { startSender } from '../webhooks/sender.ts'
import { createApp } from './app.ts'
import { createGateways } from './gateways.ts'
import { createInternalApp } from './internal.ts'
import { createControlMetrics } from './metrics.ts'
import { createRelayAnswerer, registerMlflow } from './mlflow.ts'
import { createRelayServer } from './relay.ts'
import { controlRoutes } from './routes.ts'
import { assertDatabaseNotLost, openRouting } from './routing.ts'

export type ControlOptions = {
  readonly layout: DataLayout
  /** Default: the file in the data folder. */
  readonly database?: DatabaseAddress
  readonly logger: Logger
  readonly access: AccessPolicy
  readonly maxModelBytes: number
  readonly ackTimeoutMs: number
  /** How many gateways follow, when all are there. */
  readonly expectedGateways?: number
  readonly readModel: ReadModel
  /** What the supervisor counted, where there is one. */
  readonly restarts?: () => readonly RestartCount[]
  readonly readLogStatus: () => Promise<Status['log']>
  /** Routes of domains that bring their own state. */
  readonly routes: readonly Route[]
  /** Where files of runs are kept; by default with all other data. */
  readonly artifacts?: ArtifactStorage | undefined
  /** Hosts that webhooks may be at although they are inside. */
  readonly webhookHosts?: readonly string[]
  /** What was deleted is removed for good after so many days; 0: never. */
  readonly deletedDays?: number
  readonly now?: () => number
}

/** Of runs that are remembered, in characters: a run with ten metrics and params has 1300. */
const RUN_TEXTS = 16 << 20

/** Everything of the control process but its sockets. */
export type Control = {
  /** The public API, reached through gateways. */
  readonly app: FastifyInstance
  /** The channel of gateways. */
  readonly internal: FastifyInstance
  /** Where gateways relay small requests to. */
  readonly relay: Server
  readonly context: Context
  /** Whether anybody could call where a key is asked for. */
  hasActiveKey(): Promise<boolean>
  /** Ends requests, then what is being read, then the database. */
  close(): Promise<void>
}

/**
 * Opens the data folder and puts it in order: half-received uploads and unclaimed blobs go, the routing snapshot
 * follows the database, versions that were being read are read again.
 * @throws Error when the database was lost or was written by a newer program, or the folder cannot be used
 */
export async function openControl(options: ControlOptions): Promise<Control> {
  const { layout, logger, now = Date.now } = options
  const { db, blobs } = await openStorage(options, now)
  const gateways = createGateways({
    ackTimeoutMs: options.ackTimeoutMs,
    now: () => performance.now(),
    expected: options.expectedGateways,
  })
  const routing = await openRouting({ db, path: layout.routing, gateways, log: logger })
  const context: Context = {
    db,
    blobs,
    readModel: options.readModel,
    routing,
    now,
    log: logger,
    limits: { maxModelBytes: options.maxModelBytes },
  }
  const queue = createVersionQueue(context)
  const metrics = createControlMetrics(routing.epoch, options.restarts)
  const { readLogStatus } = options
  const status = { context, routing, gateways, startedAt: now(), readLogStatus }
  const { mlflow, sender } = await openTracking(options, context, queue)
  const routes = [...controlRoutes({ context, queue, status, mlflow }), ...options.routes]
  const gate = {
    access: options.access,
    recognise: (asker: Asker) => recogniseKey(db, asker, now()),
    onAnswer: metrics.onAnswer,
  }
  const relay = createRelayServer(createRelayAnswerer({ ...gate, context: mlflow, logger }))
  const app = createApp({
    routes,
    mounts: [
      (to) => registerMlflow(to, mlflow, logger),
      (to) => mountArtifacts(to, mlflow.artifacts, logger),
    ],
    logger,
    ...gate,
  })
  const internal = createInternalApp({
    ...{ routing, gateways, metrics: metrics.registry, logger },
    noteUses: (uses) => writeUses(db, uses),
  })
  await queue.resume()
  const collecting = collectDaily(mlflow, { days: options.deletedDays ?? 0, log: logger })
  return {
    app,
    internal,
    relay,
    context,
    hasActiveKey: () => hasActiveKey(db, now()),
    async close() {
      await collecting.stop()
      relay.close()
      await app.close()
      await sender.stop()
      await queue.idle()
      await internal.close()
      routing.stop()
      await db.destroy()
    },
  }
}

/** What MLflow's clients ask for. */
async function openTracking(options: ControlOptions, core: Context, queue: VersionQueue) {
  const { layout, logger: log, webhookHosts = [], artifacts: storage } = options
  const { db, blobs, now } = core
  const writer = createWriter(db)
  const dataKey = await readDataKey(layout.signingKey)
  const webhooks = { hosts: webhookHosts, secrets: createWebhookSecrets(dataKey) }
  const artifacts = await openArtifacts({ layout, dataKey, db, writer, blobs, now, storage })
  await ensureDefaultExperiment(db, artifacts.root, now())
  const mlflow: MlflowContext = {
    ...{ db, writer, artifactRoot: artifacts.root, now, core, artifacts, queue },
    ...{ runTexts: createRunTexts(RUN_TEXTS), webhooks },
  }
  return { mlflow, sender: startSender({ db, writer, ...webhooks, now, log }) }
}

async function openStorage(
  { layout, database = layout.database }: ControlOptions,
  now: () => number,
): Promise<{ db: Db; blobs: BlobStore }> {
  await mkdir(layout.blobs, { recursive: true })
  await emptyIncoming(layout.incoming)
  await removeTemporaries(layout.routing)
  await assertDatabaseNotLost(database, layout)
  const db = await openDatabase(database)
  const blobs = folderBlobs(layout.blobs, layout.incoming)
  await collectBlobs(blobs, await listAllBlobs(db), { before: now() - UNCLAIMED_MS })
  return { db, blobs }
}

/** What a crash left of replacing a file. */
async function removeTemporaries(path: string): Promise<void> {
  const folder = dirname(path)
  for (const name of await readdir(folder))
    if (name.startsWith(`${basename(path)}.`) && name.endsWith('.tmp')) await rm(join(folder, name))
}

/** What a person is told when control cannot start. */
export function explainStart(error: unknown, layout: DataLayout): string {
  const { message } = error as Error
  return isStorageFull(error)
    ? `the data folder ${layout.root} cannot be written (${message}); free some space or make it writable`
    : message
}
