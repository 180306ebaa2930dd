import { join } from 'node:path'
import type { Logger } from 'pino'
import { createIdSource } from '../ids.ts'
import type { DataLayout } from '../layout.ts'
import { listSegments, repairSegments } from '../segments/reader.ts'
import { createAccess } from './access.ts'
import { createAnalytics } from './analytics.ts'
import { recoverCommits } from './commit.ts'
import { type CompactionLimits, createCompaction } from './compact.ts'
import { type Found, findRows } from './find.ts'
import { mergeFiles } from './merge.ts'
import { expireFiles, type Retention } from './retention.ts'
import type { RowQuery } from './row-query.ts'
import { stagingFolder, type Upkeep, withSizes } from './upkeep.ts'

const COMPACT_BYTES = 4 << 20
const COMPACT_MS = 5 * 60_000
const LOOK_MS = 5_000
const TIDY_MS = 3_600_000

export type PredictionLogOptions = Retention &
  Partial<CompactionLimits> & {
    readonly layout: DataLayout
    /** Slots from this one on have no gateway that would repair what was left in them. */
    readonly gateways: number
    readonly log: Pick<Logger, 'info' | 'warn'>
    readonly now?: () => number
    /** How often sealed segments are looked for, in milliseconds. */
    readonly lookMs?: number
    readonly analyticsIdleMs?: number
  }

/** Control's side of the prediction log. */
export type PredictionLog = {
  readonly find: (query: RowQuery) => Promise<Found>
  /** `segments` are not in Parquet yet; `bytes` are of both, those of Parquet as of the last hourly tidying. */
  readonly status: () => Promise<{ readonly segments: number; readonly bytes: number }>
  /** Turns sealed segments into Parquet if enough wait. */
  readonly compact: () => Promise<number>
  /** Retention and merging. */
  readonly tidy: () => Promise<void>
  /** Process id of the analytics process while it runs. */
  readonly analyticsPid: () => number | undefined
  /** Stops upkeep; what was under way is undone or finished at the next start. */
  readonly close: () => Promise<void>
}

/** Finishes what a crash interrupted, then keeps the log compact in the background. */
export async function openPredictionLog(options: PredictionLogOptions): Promise<PredictionLog> {
  const { layout, log } = options
  const upkeep = upkeepOf(options)
  const { analytics, access } = upkeep
  const sources = {
    segmentsFolder: layout.segments,
    predictionsFolder: layout.predictions,
    analytics,
    access,
    log,
  }
  const { compactBytes = COMPACT_BYTES, compactMs = COMPACT_MS } = options
  const inTurn = createTurns()
  const compactNow = createCompaction(upkeep, { compactBytes, compactMs })
  const compact = () => inTurn(compactNow)
  let parquetBytes = 0
  const tidy = () =>
    inTurn(async () => {
      parquetBytes = (await expireFiles(upkeep, options)).keptBytes
      await mergeFiles(upkeep)
    })

  await recoverCommits(layout.root, stagingFolder(layout))
  await repairOrphans(options)
  const stop = repeat(options.lookMs ?? LOOK_MS, TIDY_MS, { compact, tidy, log })

  return {
    find: (query) => findRows(sources, query),
    async status() {
      const segments = await withSizes(await listSegments(layout.segments))
      const segmentBytes = segments.reduce((sum, { bytes }) => sum + bytes, 0)
      return { segments: segments.length, bytes: segmentBytes + parquetBytes }
    },
    compact,
    tidy,
    analyticsPid: analytics.pid,
    async close() {
      const stopped = stop()
      analytics.close()
      await stopped
      analytics.close()
    },
  }
}

function upkeepOf({ layout, log, now = Date.now, analyticsIdleMs }: PredictionLogOptions): Upkeep {
  const analytics = createAnalytics({
    spillFolder: join(layout.predictions, '.spill'),
    folders: [layout.segments, layout.predictions],
    ...(analyticsIdleMs === undefined ? {} : { idleMs: analyticsIdleMs }),
  })
  return { layout, analytics, access: createAccess(), ids: createIdSource(now), now, log }
}

/** Folders of slots that no gateway serves any more. */
async function repairOrphans({ layout, gateways, log }: PredictionLogOptions): Promise<void> {
  const folders = new Set((await listSegments(layout.segments)).map(({ folder }) => folder))
  for (const folder of folders) {
    const slot = Number(folder.slice(layout.segments.length + 1))
    if (slot < gateways) continue
    const { lostBytes } = await repairSegments(folder)
    if (lostBytes > 0) log.warn({ 'millwright.segments.lost_bytes': lostBytes }, `${folder} had a torn end`)
  }
}

/** Whatever moves files does so one after the other: two at once would take up the same segments. */
function createTurns() {
  let last: Promise<unknown> = Promise.resolve()
  return <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(work)
    last = result.catch(() => undefined)
    return result
  }
}

type Chores = {
  readonly compact: () => Promise<number>
  readonly tidy: () => Promise<void>
  readonly log: PredictionLogOptions['log']
}

/** Looks for work every `lookMs` and tidies every `tidyMs`, both soon after the start. @returns stops it */
function repeat(lookMs: number, tidyMs: number, { compact, tidy, log }: Chores): () => Promise<void> {
  let stopped = false
  let tidyAt = 0
  let timer: NodeJS.Timeout | undefined
  const chores = async () => {
    let turned = await compact()
    while (turned > 0 && !stopped) turned = await compact()
    if (stopped || performance.now() < tidyAt) return
    tidyAt = performance.now() + tidyMs
    await tidy()
  }
  const look = () =>
    chores().catch((error: unknown) => {
      if (!stopped) log.warn({ error }, 'upkeep of the prediction log failed; it is tried again')
    })
  let running: Promise<unknown> = Promise.resolve()
  const plan = (delayMs: number) => {
    timer = setTimeout(() => {
      running = look().then(() => {
        if (!stopped) plan(lookMs)
      })
    }, delayMs).unref()
  }
  plan(lookMs)
  return async () => {
    stopped = true
    clearTimeout(timer)
    await running
  }
}
