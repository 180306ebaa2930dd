import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { request } from '../http.ts'
import type { DataLayout } from '../layout.ts'
import type { Logger } from '../logging.ts'
import { parseSnapshot } from '../routing/parse-snapshot.ts'
import type { RoutedDeployment, RoutingSnapshot } from '../routing/snapshot.ts'
import type { GatewayMetrics } from './metrics.ts'
import { buildServed, type LoadedProgram, type Served } from './served.ts'
import { createServingTable, EMPTY_TABLE, type ServingTable } from './serving-table.ts'

export type FollowerDeps = {
  readonly id: string
  readonly layout: DataLayout
  readonly load: (digest: string) => Promise<LoadedProgram>
  readonly metrics: GatewayMetrics
  readonly logger: Logger
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

/** Longest silence of a long poll, in milliseconds; control answers within 25 s. */
const POLL_TIMEOUT_MS = 30_000
/** Control forgets a gateway it has not heard of for 3 s. */
const BEAT_MS = 1_000
const FIRST_RETRY_MS = 100
const LAST_RETRY_MS = 2_000
/** Loaded programs kept warm per deployment, the serving one included. */
const KEPT_PROGRAMS = 3

export function createFollower(deps: FollowerDeps): Follower {
  const { id, layout, logger } = deps
  const stopping = new AbortController()
  const { signal } = stopping
  const taker = createTaker(deps)
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
  /** Loading a large model takes long; control hears of this gateway meanwhile, so that it goes on waiting. */
  const updateAloud = async (): Promise<void> => {
    const beat = setInterval(() => acknowledge('loading').catch(() => {}), BEAT_MS)
    await taker.update().finally(() => clearInterval(beat))
  }
  const poll = async (): Promise<void> => {
    const before = taker.state().table
    const path = `/routing?after=${before.epoch}&gateway=${encodeURIComponent(id)}&pid=${process.pid}`
    const status = await askControl(layout, { method: 'GET', path, signal })
    if (status !== 200 && status !== 204) throw new Error(`control answered ${status} to GET /routing`)
    await updateAloud()
    if (taker.state().table !== before) await acknowledge()
    else if (status === 200) await pause(FIRST_RETRY_MS)
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
        await pause(retryMs)
        retryMs = Math.min(retryMs * 2, LAST_RETRY_MS)
      }
    }
  }
  return {
    table: () => taker.state().table,
    isReady: () => taker.state().isReady,
    start: () =>
      taker.update().catch((error: Error) => logger.error({ error }, 'the routing snapshot cannot be read')),
    follow,
    stop() {
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

/** Turns snapshots into serving tables. What cannot be loaded stays as it was, and is tried again at every update. */
function createTaker(deps: FollowerDeps) {
  const { layout, metrics, logger } = deps
  const programs = createProgramCache(deps)
  let state: Taken = { table: EMPTY_TABLE, isReady: false, failure: undefined }

  const serve = async (routed: RoutedDeployment, current: Served | undefined): Promise<Served> =>
    current !== undefined && isDeepStrictEqual(current.routed, routed)
      ? current
      : buildServed(routed, await programs.get(routed.version.program), metrics)

  const takeUp = async (snapshot: RoutingSnapshot): Promise<Taken> => {
    const failures: string[] = []
    const deployments: Served[] = []
    for (const routed of snapshot.deployments) {
      const current = state.table.byName.get(routed.name)
      const served = await serve(routed, current).catch((error: Error) => {
        failures.push(`deployment "${routed.name}": ${error.message}`)
        metrics.loadErrors.value += 1
        logger.error({ error }, `deployment "${routed.name}" cannot be taken up; it stays as it was`)
        return current
      })
      if (served !== undefined) deployments.push(served)
    }
    programs.keep(snapshot.deployments)
    return {
      table: createServingTable(snapshot.epoch, deployments),
      isReady: deployments.length === snapshot.deployments.length,
      failure: failures.length === 0 ? undefined : failures.join('; '),
    }
  }
  return {
    state: () => state,
    close: () => programs.close(),
    async update(): Promise<void> {
      const snapshot = await readSnapshot(layout)
      if (snapshot === undefined) {
        state = { ...state, isReady: true }
        return
      }
      const { epoch } = state.table
      const isNews = snapshot.epoch > epoch || !state.isReady
      if (snapshot.epoch < epoch || !(isNews || state.failure !== undefined)) return
      state = await takeUp(snapshot)
      metrics.state.epoch = snapshot.epoch
      logger.info(`serving routing epoch ${snapshot.epoch}`)
    },
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

/** Loaded programs by digest. Those a deployment served lately stay warm, so that rolling back loads nothing. */
function createProgramCache({ load, metrics }: FollowerDeps) {
  const programs = new Map<string, Promise<LoadedProgram>>()
  const recent = new Map<string, string[]>()
  const drop = (digest: string): void => {
    const loaded = programs.get(digest)
    programs.delete(digest)
    loaded
      ?.then(({ engine }) => (engine.kind === 'hosted' ? engine.host.close() : engine.pooled?.close()))
      .catch(() => {})
  }
  return {
    get(digest: string): Promise<LoadedProgram> {
      const found = programs.get(digest)
      if (found !== undefined) return found
      const startedAt = performance.now()
      const loading = load(digest).then((program) => {
        metrics.loads.observe((performance.now() - startedAt) / 1000)
        return program
      })
      loading.catch(() => programs.delete(digest))
      programs.set(digest, loading)
      return loading
    },
    keep(deployments: readonly RoutedDeployment[]): void {
      for (const { name, version } of deployments) {
        const others = (recent.get(name) ?? []).filter((digest) => digest !== version.program)
        recent.set(name, [version.program, ...others].slice(0, KEPT_PROGRAMS))
      }
      const names = new Set(deployments.map(({ name }) => name))
      for (const name of recent.keys()) if (!names.has(name)) recent.delete(name)
      const kept = new Set([...recent.values()].flat())
      for (const digest of programs.keys()) if (!kept.has(digest)) drop(digest)
    },
    close(): void {
      for (const digest of programs.keys()) drop(digest)
    },
  }
}

type Question = {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body?: object
  readonly signal: AbortSignal
}

/** One request on control's internal channel. Returns the status; what is said beyond it lies in the snapshot. */
function askControl(layout: DataLayout, { method, path, body, signal }: Question): Promise<number> {
  const payload = body === undefined ? undefined : JSON.stringify(body)
  const headers = payload === undefined ? {} : { 'content-type': 'application/json' }
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        socketPath: layout.internalSocket,
        method,
        path,
        headers,
        agent: false,
        signal,
        timeout: POLL_TIMEOUT_MS,
      },
      (answer) => {
        answer.resume()
        answer.on('end', () => resolve(answer.statusCode ?? 0))
        answer.on('error', reject)
      },
    )
    asked.on('timeout', () => asked.destroy(new Error(`control was silent for ${POLL_TIMEOUT_MS} ms`)))
    asked.on('error', reject)
    asked.end(payload)
  })
}
