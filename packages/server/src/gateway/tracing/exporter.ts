import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../../logging.ts'
import type { Counter } from '../../metrics/families.ts'
import type { Span } from './span.ts'

export type ExporterOptions = {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** Longest one attempt takes. */
  readonly timeoutMs: number
  /** Longest a span waits before it is sent … */
  readonly delayMs: number
  /** … unless so many wait. */
  readonly batchSpans: number
  /** Most that wait; more are dropped. */
  readonly queueSpans: number
  /** Media type of what `encode` writes. */
  readonly type: string
  readonly encode: (spans: readonly Span[]) => string | Uint8Array<ArrayBuffer>
  readonly counts: { readonly exported: Counter; readonly dropped: Counter }
  readonly logger: Logger
}

export type Exporter = {
  readonly add: (span: Span) => void
  /** Sends what waits, for a short time. */
  readonly close: () => Promise<void>
}

/** A receiver that is full, or behind something that is: worth another attempt (OTLP/HTTP, "Retryable Response Codes"). */
const BUSY = new Set([429, 502, 503, 504])
const ATTEMPTS = 3
const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 10_000
const CLOSE_MS = 2_000

type Outcome = 'taken' | 'refused' | { readonly retryMs: number | undefined }

/**
 * Sends spans in batches, one at a time, beside everything else. Whatever the receiver does, nobody waits for it and memory is
 * bounded: what finds the queue full, or is not taken in three attempts, is dropped and counted.
 */
export function createExporter(options: ExporterOptions): Exporter {
  const { batchSpans, queueSpans, delayMs, counts, logger } = options
  const queue: Span[] = []
  const stopping = new AbortController()
  let timer: NodeJS.Timeout | undefined
  let sending: Promise<void> | undefined
  let isFailing = false

  const report = (taken: boolean, why: string): void => {
    if (!taken && !isFailing)
      logger.warn(`traces are not taken by ${new URL(options.url).origin}: ${why}; predictions go on`)
    if (taken && isFailing) logger.info('traces are taken again')
    isFailing = !taken
  }
  const deliver = async (batch: readonly Span[]): Promise<void> => {
    for (let attempt = 1; ; attempt++) {
      const { outcome, why } = await post(options, batch)
      report(outcome === 'taken', why)
      if (outcome === 'taken') {
        counts.exported.value += batch.length
        return
      }
      if (outcome === 'refused' || attempt === ATTEMPTS || stopping.signal.aborted) break
      const pauseMs = outcome.retryMs ?? FIRST_PAUSE_MS * 2 ** (attempt - 1)
      await sleep(Math.min(pauseMs, LONGEST_PAUSE_MS), undefined, {
        ref: false,
        signal: stopping.signal,
      }).catch(() => {})
    }
    counts.dropped.value += batch.length
  }
  const sendAll = async (): Promise<void> => {
    while (queue.length > 0) await deliver(queue.splice(0, batchSpans))
    sending = undefined
  }
  const flush = (): void => {
    clearTimeout(timer)
    timer = undefined
    sending ??= sendAll()
  }
  return {
    add(span) {
      if (queue.length >= queueSpans) {
        counts.dropped.value += 1
        return
      }
      queue.push(span)
      if (queue.length >= batchSpans) flush()
      else timer ??= setTimeout(flush, delayMs).unref()
    },
    async close() {
      stopping.abort()
      flush()
      await Promise.race([sending, sleep(CLOSE_MS, undefined, { ref: false })])
    },
  }
}

/** One attempt. Never throws. */
async function post(
  { url, headers, timeoutMs, type, encode }: ExporterOptions,
  batch: readonly Span[],
): Promise<{ readonly outcome: Outcome; readonly why: string }> {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': type },
      body: encode(batch),
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    })
    await answer.body?.cancel()
    const why = `it answers ${answer.status}`
    if (answer.ok) return { outcome: 'taken', why }
    if (!BUSY.has(answer.status)) return { outcome: 'refused', why }
    const seconds = Number(answer.headers.get('retry-after') ?? Number.NaN)
    return { outcome: { retryMs: seconds >= 0 ? seconds * 1000 : undefined }, why }
  } catch (error) {
    const { cause, message } = error as Error
    return { outcome: { retryMs: undefined }, why: cause instanceof Error ? cause.message : message }
  }
}
