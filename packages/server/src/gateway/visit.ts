import type { MillwrightError } from '@millwright/contracts/errors'
import type { Cost, Lane, Task } from './admission.ts'
import { withCacheStatus } from './cache/status.ts'
import { Deadline } from './deadline.ts'
import type { Answerer, DoorDeps, DoorManner } from './door.ts'
import { readEncoding, uncompress } from './encodings.ts'
import type { Exchange } from './exchange.ts'
import { isAsync } from './jobs/job.ts'
import { pending } from './jobs/routes.ts'
import { assertBodyBytes, assertConcurrency, assertRate } from './limits.ts'
import type { RequestOutcome } from './metrics.ts'
import { outcomeOf, outcomeOfFault } from './outcome.ts'
import type { Reply } from './replies.ts'
import type { Params } from './router.ts'
import type { Served } from './served.ts'
import { findServed, selectServed } from './serving-table.ts'
import { chooseServed } from './split.ts'
import { describeServed } from './tracing/request-span.ts'

export type PredictDoor = DoorDeps & DoorManner<unknown> & { readonly answer: Answerer }

/** A request costs as much as one of so many bytes at least, so that tiny ones do not make a byte look dear. */
const LEAST_BYTES = 256
const NO_BODY = Buffer.alloc(0)
/** A body that may hold more rows than are answered on the spot. */
const LARGE_BYTES = 16 << 10

/** One request for a prediction on its way through a door: opened when its body is there, run in its turn, answered. */
export class Visit implements Task {
  lane!: Lane
  cost!: Cost
  bytes = 0
  waitMs = 0
  expectedMs = 0
  startedAt = 0
  readonly #door: PredictDoor
  readonly #exchange: Exchange
  readonly #params: Params
  /** What was read of the body before it came here. */
  readonly #given: unknown
  #served: Served | undefined
  #chosen: Served | undefined
  #deadline: Deadline | undefined
  #cacheStatus: (() => string) | undefined
  #body: Buffer = NO_BODY
  #openedAt = 0
  #isLong = false

  constructor(door: PredictDoor, exchange: Exchange, params: Params, given: unknown) {
    this.#door = door
    this.#exchange = exchange
    this.#params = params
    this.#given = given
  }

  /** The body is there, or never will be. */
  open(error: MillwrightError | undefined, body: Buffer): void {
    const encoding = readEncoding(this.#exchange.header('content-encoding'))
    if (error !== undefined || encoding === undefined) this.#enter(error, body)
    else uncompress(encoding, body, this.#door.limits, (fault, plain) => this.#enter(fault, plain))
  }

  #enter(error: MillwrightError | undefined, body: Buffer): void {
    try {
      if (error !== undefined) throw error
      this.#admit(body)
    } catch (fault) {
      this.#fail(fault)
    }
  }

  #admit(body: Buffer): void {
    const { table, target, assertHead, admission, maxWaitMs, jobs, metrics } = this.#door
    this.#openedAt = performance.now()
    const meant = target?.(this.#exchange, this.#params) ?? this.#params
    const served = selectServed(table(), meant)
    this.#served = served
    assertRate(this.#door, served, this.#exchange)
    assertHead?.(this.#exchange)
    assertBodyBytes(body, served)
    if (this.#door.door !== 'grpc' && isAsync(this.#exchange)) {
      const { name } = served.routed
      jobs.accept(this.#exchange, name, body).then((job) => this.#send(pending(job)), this.#fail)
      return
    }
    assertConcurrency(served)
    this.#deadline = Deadline.of(this.#exchange)
    const longest = served.routed.limits?.waitMs ?? maxWaitMs
    this.waitMs = this.#deadline === undefined ? longest : Math.min(longest, this.#deadline.leftMs)
    // So many rows take as many bytes at least.
    const size = body.length > Math.min(LARGE_BYTES, served.threadRows) ? 'large' : 'small'
    this.#isLong = served.engine.kind === 'hosted' || size === 'large'
    this.lane = served.engine.kind === 'hosted' ? served.engine.lane : admission[size]
    this.cost = served.usage[size]
    this.bytes = Math.max(LEAST_BYTES, body.length)
    this.#body = body
    served.usage.inFlight += 1
    metrics.state.queued += 1
    try {
      admission.admit(this)
    } catch (fault) {
      served.usage.inFlight -= 1
      metrics.state.queued -= 1
      throw fault
    }
  }

  /** Its turn. */
  run(): void {
    const [exchange, deadline] = [this.#exchange, this.#deadline]
    const { read, answer, metrics } = this.#door
    metrics.state.queued -= 1
    exchange.span?.child('queue', this.#openedAt).end(this.startedAt)
    this.#served!.metrics.queueSeconds.observe((this.startedAt - this.#openedAt) / 1000)
    try {
      if (exchange.isGone) throw new Gone()
      deadline?.assertLeft()
      const content = read === undefined ? this.#given : read(this.#body, this.#served!, exchange)
      const served = this.#choose(content)
      this.#chosen = served
      const request = { exchange, params: this.#params, body: this.#body, startedAt: this.#openedAt }
      const signal =
        this.#isLong || served.engine.kind === 'hosted' ? signalOf(exchange, deadline) : undefined
      const reply = this.#remember(served, () => answer(served, { ...request, signal }, content))
      if (reply instanceof Promise) reply.then(this.#succeed, this.#giveUp)
      else this.#succeed(reply)
    } catch (fault) {
      this.#giveUp(fault)
    }
  }

  /** The version that answers, where a rollout is under way. */
  #choose(content: unknown): Served {
    const { unitOf } = this.#door
    const split = this.#served!.release?.split
    if (split === undefined) return this.#served!
    return chooseServed(split, this.#exchange, (column) => unitOf?.(content, column))
  }

  /** Keeps what the cache of a deployment that has one says of the answer. */
  #remember<T>({ routed }: Served, ask: () => T): T {
    if (routed.cache === undefined) return ask()
    const { answer, status } = withCacheStatus(ask)
    this.#cacheStatus = status
    return answer
  }

  #end(): void {
    this.#door.admission.end(this)
    this.#served!.usage.inFlight -= 1
    this.#deadline?.clear()
  }

  readonly #succeed = (reply: Reply): void => {
    this.#end()
    const told = this.#chosen?.replyHeaders
    const status = this.#cacheStatus?.()
    if (told === undefined && status === undefined) this.#send(reply)
    else
      this.#send({
        ...reply,
        headers: { ...reply.headers, ...told, ...(status && { 'cache-status': status }) },
      })
  }

  #send(reply: Reply): void {
    this.#count(outcomeOf(reply.status ?? 200))
    this.#door.replies.send(this.#door.door, this.#exchange, reply)
  }

  readonly #giveUp = (fault: unknown): void => {
    this.#end()
    if (this.#exchange.isGone) {
      this.#count('cancelled')
      this.#exchange.span?.end()
      this.#door.metrics.cancelled.value += 1
    } else this.#fail(fault)
  }

  #count(outcome: RequestOutcome): void {
    const { door, metrics } = this.#door
    const served = this.#chosen ?? this.#served
    const { span } = this.#exchange
    if (span !== undefined && served !== undefined) describeServed(span, served)
    const requests = served === undefined ? metrics.unrouted : served.metrics.requests
    requests.of(door, outcome).observe((performance.now() - this.#exchange.startedAt) / 1000)
    metrics.state.inFlight -= 1
  }

  readonly #fail = (fault: unknown): void => {
    const { replies, door, word, table } = this.#door
    this.#count(outcomeOfFault(fault))
    replies.sendError(door, this.#exchange, fault, {
      deployment: this.#served?.routed.name,
      // A deployment that is not there has no words of its own.
      word: word && ((error) => word(error, findServed(table(), this.#params), this.#given)),
    })
  }
}

/** Nobody waits for the answer. */
class Gone extends Error {}

const signalOf = (exchange: Exchange, deadline: Deadline | undefined): AbortSignal =>
  deadline === undefined ? exchange.gone() : AbortSignal.any([exchange.gone(), deadline.signal()])
