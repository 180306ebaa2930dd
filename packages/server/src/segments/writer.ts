import { setTimeout as sleep } from 'node:timers/promises'
import { createIdSource } from '../ids.ts'
import { Backlog } from './backlog.ts'
import { framedBytesAtMost, type Payload, RECORD_BYTES_LIMIT } from './format.ts'
import { folderBytes, type Repair, repairSegments } from './reader.ts'
import { createSegmentFile, type SegmentFile } from './segment-file.ts'

/** A group is written at this size without waiting for the timer. */
const GROUP_BYTES = 64 << 10
const SYNC_MS = 1000
const FIRST_RETRY_MS = 100
const LAST_RETRY_MS = 2000
const FOLDER_LIMIT_BYTES = 4 * 2 ** 30

export type SegmentWriterOptions = {
  /** Of this writer alone; created when missing. What a killed one before it left open there is sealed at start. */
  readonly folder: string
  /** Longest a record waits in memory while the disk keeps up. */
  readonly flushMs: number
  /** Most unwritten records held; beyond, the oldest are dropped. */
  readonly backlogBytes: number
  /** A segment is sealed at this size … */
  readonly segmentBytes: number
  /** … or this age. */
  readonly segmentMs: number
  /** No segment is begun while `folder` holds this many bytes that nobody collected; default 4 GiB. */
  readonly folderLimitBytes?: number
  readonly now?: () => number
  /** Told once when writing starts to fail, not at every attempt. */
  readonly onError?: (error: Error) => void
  /** Told what the writer before this one, killed, had left half-written. */
  readonly onRepair?: (repair: Repair) => void
}

/** Why records were not logged: the disk was too slow, it refused, or `folderLimitBytes` were reached. */
type DropReason = 'backlog' | 'disk' | 'disk-cap'

type SegmentWriterStats = {
  /** Rows taken. */
  readonly appended: number
  /** Rows whose write completed. */
  readonly written: number
  readonly dropped: Readonly<Record<DropReason, number>>
  readonly backlogBytes: number
  /** Segments begun. */
  readonly segments: number
}

export type SegmentWriter = {
  /** Takes a record of so many rows (default 1); never throws, never waits. False when it was dropped at once. */
  readonly append: (payload: Payload, rows?: number) => boolean
  readonly stats: SegmentWriterStats
  /** Writes what is held (one attempt when the disk refuses), syncs and seals. */
  readonly close: () => Promise<void>
}

/** @see GroupWriter */
export function createSegmentWriter(options: SegmentWriterOptions): SegmentWriter {
  return new GroupWriter(options)
}

/**
 * Appends records to segments in groups, one file operation at a time. Records of a group that was refused stay in
 * memory for the next attempt. Nothing is written twice: a segment that saw an error is cut behind its last whole
 * record and left.
 */
class GroupWriter implements SegmentWriter {
  readonly #options: SegmentWriterOptions
  readonly #backlog: Backlog
  readonly #ids
  readonly #dropped: Record<DropReason, number> = { backlog: 0, disk: 0, 'disk-cap': 0 }
  #appended = 0
  #written = 0
  #segments = 0

  #segment: SegmentFile | undefined
  #openedAt = 0
  #syncedAt = 0
  #unsynced = false

  /** What drops are put down to while writing fails. */
  #failure: Exclude<DropReason, 'backlog'> | undefined
  #retryMs = FIRST_RETRY_MS

  #running: Promise<void> | undefined
  #flushTimer: NodeJS.Timeout | undefined
  #upkeepTimer: NodeJS.Timeout | undefined
  readonly #closing = new AbortController()
  #closed: Promise<void> | undefined

  constructor(options: SegmentWriterOptions) {
    this.#options = options
    this.#backlog = new Backlog(options.backlogBytes)
    this.#ids = createIdSource(options.now)
    this.#running = this.#repair().finally(() => {
      this.#running = undefined
      if (this.#backlog.waiting > 0) this.#flushSoon(0)
    })
  }

  get stats(): SegmentWriterStats {
    return {
      appended: this.#appended,
      written: this.#written,
      dropped: { ...this.#dropped },
      backlogBytes: this.#backlog.bytes,
      segments: this.#segments,
    }
  }

  append(payload: Payload, rows = 1): boolean {
    const tooLarge = framedBytesAtMost(payload) > RECORD_BYTES_LIMIT || this.#backlog.exceeds(payload)
    if (tooLarge || this.#closed !== undefined) {
      this.#dropped[this.#failure ?? 'backlog'] += rows
      return false
    }
    this.#appended += rows
    const dropped = this.#backlog.push(payload, rows)
    if (dropped > 0) this.#dropped[this.#failure ?? 'backlog'] += dropped
    if (this.#running === undefined) {
      if (this.#backlog.bytes >= GROUP_BYTES) this.#flushSoon(0)
      else if (this.#flushTimer === undefined) this.#flushSoon(this.#options.flushMs)
    }
    return true
  }

  close(): Promise<void> {
    this.#closed ??= this.#finish()
    return this.#closed
  }

  async #finish(): Promise<void> {
    this.#closing.abort()
    await this.#running
    await this.#run()
    clearTimeout(this.#upkeepTimer)
    this.#dropped[this.#failure ?? 'backlog'] += this.#backlog.clear()
    await this.#sealSegment()
  }

  #flushSoon(delayMs: number): void {
    clearTimeout(this.#flushTimer)
    this.#flushTimer = setTimeout(() => void this.#run(), delayMs)
  }

  #run(): Promise<void> {
    clearTimeout(this.#flushTimer)
    clearTimeout(this.#upkeepTimer)
    this.#flushTimer = undefined
    this.#running ??= this.#work().finally(() => {
      this.#running = undefined
      this.#planUpkeep()
    })
    return this.#running
  }

  async #repair(): Promise<void> {
    try {
      const repair = await repairSegments(this.#options.folder)
      if (repair.segments > 0) this.#options.onRepair?.(repair)
    } catch (error) {
      this.#options.onError?.(error as Error)
    }
  }

  /** Does what is due, one thing after the other, until nothing is. */
  async #work(): Promise<void> {
    for (;;) {
      if (this.#isSealDue()) await this.#sealSegment()
      else if (this.#isSyncDue()) await this.#sync()
      else if (this.#backlog.waiting === 0) return
      else if (!(await this.#writeGroup())) {
        if (this.#closing.signal.aborted) return
        await this.#waitForRetry()
      }
    }
  }

  /** @returns false when the disk refused */
  async #writeGroup(): Promise<boolean> {
    try {
      this.#segment ??= await this.#beginSegment()
    } catch (error) {
      this.#fail(error as Error)
      return false
    }
    const { records, error } = await this.#segment.write(this.#backlog.take())
    this.#written += this.#backlog.settle(records)
    if (records > 0) this.#unsynced = true
    if (error !== undefined) {
      this.#fail(error)
      await this.#sealSegment()
      return false
    }
    this.#failure = undefined
    this.#retryMs = FIRST_RETRY_MS
    return true
  }

  async #beginSegment(): Promise<SegmentFile> {
    const { folder, folderLimitBytes = FOLDER_LIMIT_BYTES } = this.#options
    const used = await folderBytes(folder)
    if (used >= folderLimitBytes) throw new FolderFullError(folder, used)
    const segment = await createSegmentFile(folder, this.#ids.next(''))
    this.#segments += 1
    this.#openedAt = performance.now()
    this.#syncedAt = this.#openedAt
    return segment
  }

  /** The segment is left even when sealing fails: control repairs what a dead gateway leaves. */
  async #sealSegment(): Promise<void> {
    const segment = this.#segment
    this.#segment = undefined
    this.#unsynced = false
    await segment?.seal().catch((error: Error) => this.#fail(error))
  }

  async #sync(): Promise<void> {
    this.#syncedAt = performance.now()
    this.#unsynced = false
    try {
      await this.#segment?.sync()
    } catch (error) {
      this.#fail(error as Error)
      await this.#sealSegment()
    }
  }

  #fail(error: Error): void {
    if (this.#failure === undefined) this.#options.onError?.(error)
    this.#failure = error instanceof FolderFullError ? 'disk-cap' : 'disk'
  }

  async #waitForRetry(): Promise<void> {
    const { signal } = this.#closing
    await sleep(this.#retryMs, undefined, { signal, ref: false }).catch(() => undefined)
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS)
  }

  #isSealDue(): boolean {
    if (this.#segment === undefined) return false
    return this.#segment.size() >= this.#options.segmentBytes || performance.now() >= this.#sealAt()
  }

  #isSyncDue(): boolean {
    return this.#unsynced && performance.now() >= this.#syncedAt + SYNC_MS
  }

  #sealAt(): number {
    return this.#openedAt + this.#options.segmentMs
  }

  #planUpkeep(): void {
    if (this.#segment === undefined || this.#closed !== undefined) return
    const due = Math.min(this.#sealAt(), this.#unsynced ? this.#syncedAt + SYNC_MS : Number.POSITIVE_INFINITY)
    const delayMs = Math.max(0, Math.ceil(due - performance.now()))
    this.#upkeepTimer = setTimeout(() => void this.#run(), delayMs).unref()
  }
}

class FolderFullError extends Error {
  constructor(folder: string, bytes: number) {
    super(`${folder} holds ${bytes} bytes of segments that were not collected; is control running?`)
  }
}
