import { setTimeout as sleep } from 'node:timers/promises'
import { MillwrightError, problemOf } from '@millwright/contracts/errors'
import { isStorageFull } from '../../durable.ts'
import type { IdSource } from '../../ids.ts'
import type { Logger } from '../../logging.ts'
import type { Answer, Exchange } from '../exchange.ts'
import type { Span } from '../tracing/span.ts'
import { headersOf, readTraceContext } from '../tracing/trace-context.ts'
import { type Job, type JobResult, jobOf } from './job.ts'
import { JobExchange } from './job-exchange.ts'
import type { JobStore } from './store.ts'
import type { Receiver, Webhooks } from './webhook.ts'

export type JobsOptions = {
  readonly store: JobStore
  readonly webhooks: Webhooks
  readonly ids: IdSource
  readonly logger: Logger
  /** Jobs that may wait in this gateway. */
  readonly most: number
  /** How long answers are kept, in milliseconds. */
  readonly keptMs: number
}

export type Jobs = {
  /** Resolves when the job is on the disk. @throws MillwrightError JOB_QUEUE_FULL, WEBHOOK_REFUSED, STORAGE_FULL */
  accept(exchange: Exchange, deployment: string, body: Buffer): Promise<Job>
  readonly find: JobStore['find']
  /** Takes up what was accepted before this process began, and goes on until `stop`. */
  start(answer: (exchange: Exchange) => void): Promise<void>
  /** Resolves when what is under way is answered; the rest waits for the next start. */
  stop(): Promise<void>
  readonly waiting: () => number
}

/** Jobs answered at once: one computes while another is read from the disk. */
const AT_ONCE = 2
/** A job that ends its process this often is answered with an error. */
const MOST_ATTEMPTS = 3
const BUSY_PAUSE_MS = 500
const SWEEP_MS = 60_000
const BUSY = new Set([429, 503])

/**
 * Answers accepted requests through the same doors as all others, one after the other. A job is begun again when its
 * process died; it has one answer, the first.
 */
export function createJobs({ store, webhooks, ids, logger, most, keptMs }: JobsOptions): Jobs {
  const waiting: string[] = []
  const running = new Set<Promise<void>>()
  let answerWith: ((exchange: Exchange) => void) | undefined
  let isStopped = false
  let sweeping: NodeJS.Timeout | undefined

  const answerOf = async (job: Job, body: Buffer, attempts: number): Promise<Answered> => {
    if (attempts > MOST_ATTEMPTS) return { answer: failure(job), span: undefined }
    for (;;) {
      const exchange = new JobExchange(job, body)
      answerWith!(exchange)
      const answer = await exchange.answer
      if (!BUSY.has(answer.status) || isStopped) return { answer, span: exchange.span }
      await sleep(BUSY_PAUSE_MS)
    }
  }
  const run = async (id: string): Promise<void> => {
    const begun = await store.begin(id)
    if (begun === undefined) return
    const { job, body, attempts } = begun
    const { answer, span } = await answerOf(job, body, attempts)
    if (BUSY.has(answer.status) && isStopped) return
    const result = resultOf(job, answer, attempts)
    const isFirst = await store.finish(result, Buffer.from(answer.body))
    const to = isFirst ? receiverOf(job, span) : undefined
    if (to !== undefined) await webhooks.deliver(to, result, answer.body)
  }
  const runNext = (): void => {
    while (!isStopped && answerWith !== undefined && running.size < AT_ONCE && waiting.length > 0) {
      const id = waiting.shift()!
      const done: Promise<void> = run(id)
        .catch((error: unknown) => logger.error({ error }, `job ${id} could not be answered`))
        .finally(() => {
          running.delete(done)
          runNext()
        })
      running.add(done)
    }
  }
  const sweep = (): void =>
    void store
      .sweep(keptMs)
      .catch((error: unknown) => logger.warn({ error }, 'old answers cannot be removed'))

  return {
    async accept(exchange, deployment, body) {
      if (waiting.length >= most) throw new MillwrightError('JOB_QUEUE_FULL', { most })
      const job = jobOf(exchange, deployment, ids.next('job_'))
      if (job.webhook !== undefined) webhooks.assertAllowed(job.webhook)
      await store.accept(job, body).catch((error: unknown) => {
        if (isStorageFull(error)) throw new MillwrightError('STORAGE_FULL', {}, { cause: error })
        throw error
      })
      waiting.push(job.id)
      runNext()
      return job
    },
    find: (id) => store.find(id),
    async start(answer) {
      answerWith = answer
      waiting.unshift(...(await store.recover()).filter((id) => !waiting.includes(id)))
      sweeping = setInterval(sweep, SWEEP_MS).unref()
      runNext()
    },
    async stop() {
      isStopped = true
      clearInterval(sweeping)
      await Promise.all(running)
    },
    waiting: () => waiting.length + running.size,
  }
}

type Answered = { readonly answer: Answer; readonly span: Span | undefined }

/** Who is told of an answer; the trace is the job's, or as the caller sent it. */
function receiverOf({ webhook: url, headers }: Job, span: Span | undefined): Receiver | undefined {
  if (url === undefined) return undefined
  const context = readTraceContext({ header: (name) => headers[name] })
  return { url, trace: span?.headers ?? (context === undefined ? {} : headersOf(context)) }
}

const resultOf = (job: Job, { status, type, headers = {} }: Answer, attempts: number): JobResult => ({
  ...{ id: job.id, deployment: job.deployment, acceptedAt: job.acceptedAt, doneAt: Date.now() },
  ...{ status, type, headers, attempts },
})

/** Whoever takes a job up for the fourth time finds that three processes died of it. */
function failure({ id }: Job): Answer {
  const error = new MillwrightError('JOB_FAILED', { attempts: MOST_ATTEMPTS })
  const body = JSON.stringify(problemOf(error, id))
  return { status: error.status, type: 'application/problem+json', body }
}
