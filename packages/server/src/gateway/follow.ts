import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { createKeyRing, type KeyUses } from '../access/key-ring.ts'
import type { DataLayout } from '../layout.ts'
import type { Logger } from '../logging.ts'
import { parseSnapshot } from '../routing/parse-snapshot.ts'
import type { RoutedDeployment, RoutingSnapshot } from '../routing/snapshot.ts'
import { askControl } from './ask-control.ts'
import type { Caching } from './cache/caching.ts'
import { reportKeyUses } from './key-uses.ts'
import type { GatewayMetrics } from './metrics.ts'
import type { KeyedAnswersStore } from './precomputed/answers.ts'
import { createProgramCache } from './program-cache.ts'
import { type BuildDeps, buildDeployment } from './release.ts'
import type { LoadedProgram, Served } from './served.ts'
import { createServingTable, EMPTY_TABLE, type ServingTable } from './serving-table.ts'

export type FollowerDeps = {
  readonly id: string
  readonly layout: DataLayout
  readonly load: (digest: string) => Promise<LoadedProgram>
  readonly metrics: GatewayMetrics
  readonly logger: Logger
  readonly caching: Caching
  readonly keyedAnswers: KeyedAnswersStore
  /** How often control is told which keys were used, in milliseconds. */
  readonly usesMs?: number
}

/** Keeps the serving table of one gateway at the newest routing snapshot that could be loaded. */
export type Follower = {
  readonly table: () => ServingTable
  /** A snapshot was read, or there is none yet, and every model in it is warm. */
  readonly isReady: () => boolean
  /** Takes up the snapshot on disk. Works with control dead; never throws. */
  readonly start: () => Promise<void>
  /** Follows control until `stop`. Never throws. */
  readonly follow: () => Promise<void>
  readonly stop: () => void
}

/** Of a last use, a minute is exact enough. */
const USES_MS = 60_000
const FIRST_RETRY_MS = 100
const LAST_RETRY_MS = 500

export function createFollower(deps: FollowerDeps): Follower {
  const { id, layout, logger } = deps
  const stopping = new AbortController()
  const { signal } = stopping
  const uses: KeyUses = new Map()
  const taker = createTaker(deps, uses)
  const pause = (ms: number): Promise<void> => sleep(ms, undefined, { signal }).catch(() => {})

  const acknowledge = async (state: 'serving' | 'loading' = 'serving'): Promise<void> => {
    const { table, failure } = taker.state()
    const body = {
      gateway: id,
      pid: process.pid,
      epoch: table.epoch,
      state,
      ...(failure !== undefined && { error: failure }),
    }
    const status = await askControl(layout, { method: 'POST', path: '/ack', body, signal })
    if (status >= 300) throw new Error(`control answered ${status} to POST /ack`)
  }
  /** The next poll is open while models load: nothing that is loaded already waits for them. */
  const poll = async (): Promise<void> => {
    const before = taker.seenEpoch()
    const path = `/routing?after=${before}&gateway=${encodeURIComponent(id)}&pid=${process.pid}`
    const status = await askControl(layout, { method: 'GET', path, signal })
    if (status !== 200 && status !== 204) throw new Error(`control answered ${status} to GET /routing`)
    const { loading } = await taker.update()
    if (loading !== undefined) loading.then(() => acknowledge()).catch(() => {})
    await acknowledge(loading === undefined ? 'serving' : 'loading')
    if (status === 200 && taker.seenEpoch() === before) await pause(FIRST_RETRY_MS)
  }
  const follow = async (): Promise<void> => {
    let retryMs = FIRST_RETRY_MS
    let connected = false
    while (!signal.aborted) {
      try {
        if (!connected) await acknowledge()
        if (!connected) logger.info('following control')
        connected = true
        retryMs = FIRST_RETRY_MS
        await poll()
      } catch (error) {
        if (signal.aborted) return
        if (connected) logger.warn({ error }, 'control does not answer; serving the last routing snapshot')
        connected = false
        // What control had written when it died counts.
        await taker.update().catch(() => {})
        await pause(retryMs)
        retryMs = Math.min(retryMs * 2, LAST_RETRY_MS)
      }
    }
  }
  const stopReporting = reportKeyUses(uses, { layout, signal, everyMs: deps.usesMs ?? USES_MS })
  return {
    table: () => taker.state().table,
    isReady: () => taker.state().isReady,
    start: () =>
      taker
        .update()
        .then(({ loading }) => loading)
        .catch((error: Error) => logger.error({ error }, 'the routing snapshot cannot be read')),
    follow,
    stop() {
      stopReporting()
      stopping.abort()
      taker.close()
    },
  }
}

type Taken = {
  readonly table: ServingTable
  readonly isReady: boolean
  /** Why a part of the snapshot is not served. */
  readonly failure: string | undefined
}

type TakenUp = { readonly served: Served | undefined; readonly failure?: string }

/** Turns snapshots into serving tables. What cannot be loaded stays as it was, and is tried again at every update. */
function createTaker(deps: FollowerDeps, uses: KeyUses) {
  const { layout, metrics, logger, caching, keyedAnswers } = deps
  const programs = createProgramCache(deps)
  const build = { programOf: programs.get, metrics, caching, keyedAnswers }
  let state: Taken = { table: EMPTY_TABLE, isReady: false, failure: undefined }
  let newest: RoutingSnapshot | undefined

  const takeUp = (routed: RoutedDeployment): TakenUp =>
    takeUpOne(routed, state.table.byName.get(routed.name), { ...deps, build })
  /** Those whose programs are all there; the others stay as they are. */
  const takeUpLoaded = ({ deployments }: RoutingSnapshot): Taken => {
    const { loaded, unloaded } = divide(deployments)
    const served = loaded.flatMap((routed) =>
      programs.missing([routed]).length > 0
        ? (state.table.byName.get(routed.name) ?? [])
        : (takeUp(routed).served ?? []),
    )
    return {
      ...state,
      table: createServingTable(state.table, served, { unloaded, unready: without(loaded, served) }),
    }
  }
  const takeUpAll = (snapshot: RoutingSnapshot): Taken => {
    const { loaded, unloaded } = divide(snapshot.deployments)
    const taken = loaded.map(takeUp)
    const served = taken.flatMap((one) => one.served ?? [])
    const failures = taken.flatMap(({ failure }) => failure ?? [])
    programs.keep(snapshot.deployments)
    keyedAnswers.keep(snapshot.deployments)
    const { epoch } = snapshot
    metrics.state.epoch = epoch
    logger.info(`serving routing epoch ${epoch}`)
    return {
      table: createServingTable({ ...state.table, epoch }, served, {
        unloaded,
        unready: without(loaded, served),
      }),
      isReady: served.length === loaded.length,
      failure: failures.length === 0 ? undefined : failures.join('; '),
    }
  }
  return {
    state: () => state,
    /** Of the newest snapshot that was read. */
    seenEpoch: () => newest?.epoch ?? 0,
    close: () => programs.close(),
    /** Takes up what is loaded already; `loading` resolves when the rest is, and never rejects. */
    async update(): Promise<{ readonly loading: Promise<void> | undefined }> {
      const snapshot = await readSnapshot(layout)
      if (snapshot === undefined) {
        state = { ...state, isReady: true }
        return { loading: undefined }
      }
      const isNews = snapshot.epoch > state.table.epoch || !state.isReady || state.failure !== undefined
      if (snapshot.epoch < (newest?.epoch ?? 0) || !isNews) return { loading: undefined }
      newest = snapshot
      // Before any model is loaded: a revoked key does not go on while one takes its time.
      state = { ...state, table: { ...state.table, keys: createKeyRing(snapshot.keys, uses) } }
      const missing = programs.missing(snapshot.deployments)
      if (missing.length === 0) {
        state = takeUpAll(snapshot)
        return { loading: undefined }
      }
      state = takeUpLoaded(snapshot)
      const loading = programs.load(missing).then(() => {
        // A newer snapshot is taken up on its own.
        if (newest === snapshot) state = takeUpAll(snapshot)
      })
      return { loading }
    },
  }
}

function divide(deployments: readonly RoutedDeployment[]) {
  const { loaded = [], unloaded = [] } = Object.groupBy(deployments, (routed) =>
    routed.unloaded ? 'unloaded' : 'loaded',
  )
  return { loaded, unloaded }
}

function without(loaded: readonly RoutedDeployment[], served: readonly Served[]): RoutedDeployment[] {
  const names = new Set(served.map(({ routed }) => routed.name))
  return loaded.filter(({ name }) => !names.has(name))
}

type TakeUpDeps = Pick<FollowerDeps, 'metrics' | 'logger'> & { readonly build: BuildDeps }

/** Takes up a deployment; what is wrong with it, and what is served instead, when it cannot be. */
function takeUpOne(
  routed: RoutedDeployment,
  current: Served | undefined,
  { metrics, logger, build }: TakeUpDeps,
): TakenUp {
  if (current !== undefined && isDeepStrictEqual(current.routed, routed)) return { served: current }
  try {
    return { served: buildDeployment(routed, build) }
  } catch (error) {
    metrics.loadErrors.value += 1
    logger.error({ error }, `deployment "${routed.name}" cannot be taken up; it stays as it was`)
    const failure = `deployment "${routed.name}": ${(error as Error).message}`
    return { served: current ?? buildAlone(routed, build), failure }
  }
}

/** What is beside the stable version cannot keep it from serving, where nothing serves yet. */
function buildAlone(routed: RoutedDeployment, deps: BuildDeps): Served | undefined {
  const { rollout: _rollout, pins: _pins, ...alone } = routed
  try {
    return buildDeployment(alone, deps)
  } catch {
    return undefined
  }
}

/** @throws Error when the file is there and is not a snapshot */
async function readSnapshot(layout: DataLayout): Promise<RoutingSnapshot | undefined> {
  try {
    return parseSnapshot(await readFile(layout.routing, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
