import type { Answer } from '@millwright/engine'
import type { BatchedHost } from '@millwright/runtime/batching'
import type { RoutedDeployment } from '../../routing/snapshot.ts'
import type { CacheMetrics, GatewayMetrics } from '../metrics.ts'
import type { Engine, LoadedProgram } from '../served.ts'
import { type AnswerCache, createAnswerCache } from './answers.ts'
import { cacheKey } from './key.ts'
import type { SharedCache } from './shared.ts'
import { countCacheResult } from './status.ts'

/** A program as a deployment serves it: with a cache before it, where the deployment says so. */
export type Caching = (routed: RoutedDeployment, loaded: LoadedProgram) => LoadedProgram

/** What an engine remembers its answers with. */
type Memory = {
  /** Who answers: no other version is called the same. */
  readonly version: string
  readonly ttlMs: number
  readonly answers: AnswerCache
  readonly shared: SharedCache | undefined
  readonly metrics: CacheMetrics
}

type Kept = { readonly answers: AnswerCache; readonly ttl: number; readonly max: number }

/**
 * Caches of one gateway. One lives as long as its program is loaded, so that a new revision of a deployment, a promotion
 * and a rollback find it full.
 */
export function createCaching(metrics: GatewayMetrics, shared?: SharedCache): Caching {
  const kept = new WeakMap<LoadedProgram, Map<string, Kept>>()
  const answersOf = ({ name, cache, version }: RoutedDeployment, loaded: LoadedProgram): AnswerCache => {
    const { ttl, max } = cache!
    const own = kept.get(loaded) ?? new Map<string, Kept>()
    kept.set(loaded, own)
    const who = `${name}/${version.number}`
    const found = own.get(who)
    if (found?.ttl === ttl && found.max === max) return found.answers
    const answers = createAnswerCache({ ttl, max })
    own.set(who, { answers, ttl, max })
    return answers
  }
  return (routed, loaded) => {
    if (routed.cache === undefined) return loaded
    const { name, model, version, cache } = routed
    const memory: Memory = {
      version: `${model}/${version.number}/${version.digest}/${version.program}`,
      ttlMs: Math.ceil(cache.ttl * 1000),
      answers: answersOf(routed, loaded),
      shared,
      metrics: metrics.ofCache(name),
    }
    return { ...loaded, engine: cachedEngine(loaded.engine, memory) }
  }
}

/**
 * An engine that computes what it has not computed lately. Refused rows are no answers and are not kept. What is computed
 * on the spot is there sooner than another server could give it, so only what is waited for anyway is looked for there.
 */
function cachedEngine(engine: Engine, memory: Memory): Engine {
  if (engine.kind === 'hosted')
    return { ...engine, host: { ...engine.host, run: cachedRun(engine.host, memory) } }
  const { executable, pooled } = engine
  return {
    kind: 'inline',
    executable: {
      program: executable.program,
      run(frame, methods) {
        const key = cacheKey(memory.version, frame, methods)
        const found = memory.answers.find(key)
        countCacheResult(memory.metrics, found === undefined ? 'miss' : 'hit')
        if (found !== undefined) return [...found]
        const computed = executable.run(frame, methods)
        memory.answers.add(key, computed, frame.rows)
        return computed
      },
    },
    ...(pooled && { pooled: { ...pooled, run: cachedRun(pooled, memory) } }),
  }
}

type Run = BatchedHost['run']
type Question = Parameters<Run>

/** A computation under way, and who waits for it. */
type Flight = { readonly answer: Promise<readonly Answer[]>; readonly stop: AbortController; waiting: number }

/** Equal questions at the same time are one: it ends when nobody waits for it any more. */
function cachedRun({ run }: { readonly run: Run }, memory: Memory): Run {
  const { version, ttlMs, answers, shared, metrics } = memory
  const flights = new Map<string, Flight>()

  const compute = async (key: string, question: Question): Promise<readonly Answer[]> => {
    const elsewhere = await shared?.find(key)
    countCacheResult(metrics, elsewhere === undefined ? 'miss' : 'shared')
    const computed = elsewhere ?? (await run(...question))
    answers.add(key, computed, question[0].rows)
    if (elsewhere === undefined) shared?.add(key, computed, ttlMs)
    return computed
  }
  const takeOff = (key: string, [frame, methods, , onComputed]: Question): Flight => {
    const stop = new AbortController()
    const flight = { answer: compute(key, [frame, methods, stop.signal, onComputed]), stop, waiting: 0 }
    flights.set(key, flight)
    return flight
  }
  return async (...question) => {
    const [frame, methods, signal] = question
    const key = cacheKey(version, frame, methods)
    const found = answers.find(key)
    if (found !== undefined) countCacheResult(metrics, 'hit')
    if (found !== undefined) return [...found]
    const underWay = flights.get(key)
    if (underWay !== undefined) countCacheResult(metrics, 'collapsed')
    const flight = underWay ?? takeOff(key, question)
    flight.waiting += 1
    try {
      return [...(await (signal === undefined ? flight.answer : unlessAborted(flight.answer, signal)))]
    } finally {
      flight.waiting -= 1
      if (flight.waiting === 0 && flights.get(key) === flight) {
        flights.delete(key)
        flight.stop.abort()
      }
    }
  }
}

/** @throws the signal's reason when it fires before */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const abort = (): void => reject(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
