import { setTimeout as sleep } from 'node:timers/promises'
import { type Caller, type Outcome, ROWS } from './callers.ts'

/** Of one way to ask, since the beginning; `compared`: the answers whose row had been answered before. */
export type Count = { asked: number; failed: number; compared: number; wrong: number }
/** Milliseconds; of the requests answered since the last time it was asked for. */
export type Latency = { readonly answered: number; readonly p50: number; readonly p99: number }

export type Traffic = {
  readonly counts: ReadonlyMap<string, Readonly<Count>>
  /** The first faults, in words. */
  readonly faults: readonly string[]
  takeLatency(): Latency
  /** Resolves when what was asked is answered. */
  stop(): Promise<void>
}

const FAULTS_KEPT = 20
/** They are slow on purpose. */
const NOT_TIMED = new Set(['async', 'hostile'])

/** Spread evenly: 20 of 100 is every fifth. */
function turnsOf(callers: readonly Caller[]): Caller[] {
  const places = callers.flatMap((caller) =>
    Array.from({ length: caller.share }, (_, i) => ({ caller, at: (i + 0.5) / caller.share })),
  )
  return places.sort((a, b) => a.at - b.at).map(({ caller }) => caller)
}

/**
 * Asks so many times a second, whatever the answers do. An answer is wrong when it is not the one that the same row got
 * from the same version the first time: that of another request, or of no model.
 */
export function startTraffic(callers: readonly Caller[], perSecond: number): Traffic {
  const counts = new Map(callers.map(({ name }) => [name, { asked: 0, failed: 0, compared: 0, wrong: 0 }]))
  const faults: string[] = []
  const known = new Map<string, string>()
  const underWay = new Set<Promise<void>>()
  let took: number[] = []
  let running = true

  const note = (name: string, row: number, { fault, version, answer }: Outcome): void => {
    const count = counts.get(name)!
    const key = `${name} row ${row} version ${version}`
    const isWrong = answer !== undefined && (known.get(key) ?? answer) !== answer
    if (answer !== undefined && known.has(key)) count.compared += 1
    if (answer !== undefined && !isWrong) known.set(key, answer)
    if (fault !== undefined) count.failed += 1
    if (isWrong) count.wrong += 1
    const told = fault ?? (isWrong ? `${key}: ${answer} is not ${known.get(key)}` : undefined)
    if (told !== undefined && faults.length < FAULTS_KEPT)
      faults.push(`${new Date().toISOString()} ${name}: ${told}`)
  }
  const ask = async (caller: Caller, row: number): Promise<void> => {
    counts.get(caller.name)!.asked += 1
    const sentAt = performance.now()
    note(caller.name, row, await caller.ask(row).catch((error: Error) => ({ fault: error.message })))
    if (!NOT_TIMED.has(caller.name)) took.push(performance.now() - sentAt)
  }
  const sending = (async () => {
    const turns = turnsOf(callers)
    const startedAt = performance.now()
    for (let i = 0; running; i++) {
      while (running && performance.now() < startedAt + (i * 1000) / perSecond) await sleep(1)
      // Another step for rows than for turns, so that every caller comes to every row.
      const asked = ask(turns[i % turns.length]!, Math.floor(i / turns.length + i) % ROWS)
      underWay.add(asked)
      void asked.finally(() => underWay.delete(asked))
    }
  })()
  return {
    counts,
    faults,
    takeLatency() {
      const sorted = took.sort((a, b) => a - b)
      took = []
      const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? Number.NaN
      return { answered: sorted.length, p50: at(0.5), p99: at(0.99) }
    },
    async stop() {
      running = false
      await sending
      await Promise.all(underWay)
    },
  }
}
