import { readFile, stat } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Log } from '../context.ts'
import { type DatabaseAddress, isPostgres, shownAddress } from '../db/address.ts'
import { type Db, isNewDatabase } from '../db/database.ts'
import { inTransaction } from '../db/transaction.ts'
import { routeDeployment } from '../deployments/model.ts'
import { listDeployments, readEpoch, writeEpoch } from '../deployments/store.ts'
import { replaceFile } from '../durable.ts'
import { routeKey } from '../keys/model.ts'
import { listUnrevokedKeys } from '../keys/store.ts'
import type { DataLayout } from '../layout.ts'
import { RoutingSnapshot } from '../routing/snapshot.ts'
import type { Gateways } from './gateways.ts'

/** A snapshot that could not be written (disk full) is tried again after this long, in milliseconds. */
const RETRY_MS = 1_000

export type Routing = {
  /** Epoch of the snapshot on disk. */
  epoch(): number
  /** Brings the snapshot on disk to the database's state and waits until live gateways follow. */
  publish(): Promise<void>
  /**
   * Resolves true as soon as the snapshot is newer than `after`; false when `signal` is aborted before. Who asks is about
   * to read the file: when it is not the one that was written, it is put in order first.
   */
  newerThan(after: number, signal: AbortSignal): Promise<boolean>
  stop(): void
}

export type RoutingDeps = {
  readonly db: Db
  readonly path: string
  readonly gateways: Gateways
  readonly log: Log
}

/**
 * A database made anew would take from gateways what they serve, and from the blob store what they load.
 * @throws Error when there is a snapshot that serves something, and no database
 */
export async function assertDatabaseNotLost(
  database: DatabaseAddress,
  { routing }: Pick<DataLayout, 'routing'>,
): Promise<void> {
  const isNew = isPostgres(database) ? await isNewDatabase(database) : (await sizeOf(database)) === 0
  const file = isNew ? await readSnapshot(routing) : undefined
  if (file === undefined || file.deployments.length === 0) return
  const names = file.deployments.map(({ name }) => `"${name}"`).join(', ')
  throw new Error(
    `${shownAddress(database)} is missing or empty, but ${routing} serves ${names}: the database was lost, and gateways go on with what ` +
      'they serve. Put it back from a backup; to begin anew, remove routing.json',
  )
}

const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  )

/** Opens the routing snapshot and writes it from the database: what a crash left unwritten is written now. */
export async function openRouting(deps: RoutingDeps): Promise<Routing> {
  const { db, path, gateways, log } = deps
  const waiting = new Set<() => void>()
  let written = await reconcile(db, path)
  let mark = await markOf(path)
  let retry: NodeJS.Timeout | undefined
  let last: Promise<unknown> = Promise.resolve()

  const write = async (): Promise<void> => {
    const snapshot = await buildSnapshot(db)
    if (snapshot.epoch <= written) return
    await replaceFile(path, `${JSON.stringify(snapshot)}\n`)
    await noteWritten(snapshot.epoch)
  }
  const noteWritten = async (epoch: number): Promise<void> => {
    written = epoch
    mark = await markOf(path)
    for (const wake of waiting) wake()
  }
  const mend = async (): Promise<void> => {
    if ((await markOf(path)) === mark) return
    log.warn({ path }, 'the routing snapshot is not as it was written; it is written again')
    await noteWritten(await reconcile(db, path))
  }
  /** One after the other; whoever comes late finds its change written. */
  const inTurn = (act: () => Promise<void>): Promise<void> => {
    const turn = last.then(act)
    last = turn.catch(() => {})
    return turn
  }
  const writeInTurn = (): Promise<void> => inTurn(write)
  const writeAgainLater = (): void => {
    clearTimeout(retry)
    retry = setTimeout(() => writeInTurn().catch(writeAgainLater), RETRY_MS)
    retry.unref()
  }

  return {
    epoch: () => written,
    async publish() {
      const epoch = await readEpoch(db)
      try {
        await writeInTurn()
      } catch (error) {
        log.error({ error }, `routing epoch ${epoch} is recorded but cannot be written; trying again`)
        writeAgainLater()
        throw error
      }
      await gateways.waitForAcks(epoch)
    },
    async newerThan(after, signal) {
      await inTurn(mend).catch((error) => log.error({ error }, 'the routing snapshot cannot be put in order'))
      if (written > after) return true
      return new Promise((resolve) => {
        const end = (isNewer: boolean): void => {
          waiting.delete(wake)
          signal.removeEventListener('abort', abort)
          resolve(isNewer)
        }
        const wake = (): void => {
          if (written > after) end(true)
        }
        const abort = (): void => end(false)
        waiting.add(wake)
        signal.addEventListener('abort', abort)
        if (signal.aborted) abort()
      })
    },
    stop: () => clearTimeout(retry),
  }
}

/** In one transaction, so that its parts belong together. */
async function buildSnapshot(db: Db): Promise<RoutingSnapshot> {
  return inTransaction(db, async (tx) => ({
    format: 1,
    epoch: await readEpoch(tx),
    written_at: new Date().toISOString(),
    deployments: (await listDeployments(tx)).items.map(routeDeployment),
    keys: (await listUnrevokedKeys(tx)).map(routeKey),
  }))
}

/**
 * Makes file and database agree at start. A gateway never takes an older epoch, so a database that was put back from a
 * backup, behind the file or beside it, goes on above the file's epoch. @returns the epoch on disk
 */
async function reconcile(db: Db, path: string): Promise<number> {
  const file = await readSnapshot(path)
  let snapshot = await buildSnapshot(db)
  const isSame =
    isDeepStrictEqual(file?.deployments, snapshot.deployments) && isDeepStrictEqual(file?.keys, snapshot.keys)
  if (file !== undefined && file.epoch === snapshot.epoch && isSame) return file.epoch
  if (file !== undefined && file.epoch >= snapshot.epoch) {
    await writeEpoch(db, file.epoch + 1)
    snapshot = await buildSnapshot(db)
  }
  await replaceFile(path, `${JSON.stringify(snapshot)}\n`)
  return snapshot.epoch
}

/** Tells one state of a file from another without reading it; `undefined` when it is not there. */
const markOf = (path: string): Promise<string | undefined> =>
  stat(path).then(
    ({ ino, size, mtimeMs }) => `${ino} ${size} ${mtimeMs}`,
    () => undefined,
  )

/** An unreadable file is written anew. */
async function readSnapshot(path: string): Promise<RoutingSnapshot | undefined> {
  try {
    return RoutingSnapshot.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch {
    return undefined
  }
}
