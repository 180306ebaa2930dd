import { readFileSync } from 'node:fs'
import { DEFAULT_LIMITS } from '../packages/engine/src/bytes/limits.ts'
import { boundaryRows } from '../packages/engine/src/check/boundary.ts'
import { RowError } from '../packages/engine/src/errors.ts'
import { compileProgram } from '../packages/engine/src/exec/compiled.ts'
import { allOutputs, interpret } from '../packages/engine/src/exec/reference.ts'
import { decodeProgram, encodeProgram } from '../packages/engine/src/ir/codec.ts'
import { isHosted, splitHosted } from '../packages/engine/src/ir/hosted.ts'
import { compileBytes } from '../packages/engine/src/sandbox/compile.ts'
import { HOSTILE_FILES } from '../packages/engine/test/hostile.ts'
import { createRandom, mutate, openUp } from '../packages/engine/test/mutate.ts'

/**
 * One file to try. `hostile`: of the corpus, by name. `cut`: the first `length` bytes of a file. `broken`: a file broken
 * by `seed`.
 */
export type Trial =
  | { readonly kind: 'hostile'; readonly name: string }
  | { readonly kind: 'cut'; readonly path: string; readonly length: number }
  | { readonly kind: 'broken'; readonly path: string; readonly seed: number }

/** What came of it. `fault`: what must not happen, in words. */
export type Outcome = {
  readonly end: 'refused' | 'served' | 'raised'
  readonly fault?: string
  /** Processor time, and how far memory rose. */
  readonly millis: number
  readonly bytes: number
}

const LONGEST_MS = 2_000
const MOST_BYTES = 256 * 2 ** 20
/** Compiling to WebAssembly costs more than all the rest: done for one in so many programs. */
const COMPILE_EACH = 10
/** Garbage is collected before a trial when memory is that far above what was left the last time. */
const SLACK_BYTES = 64 * 2 ** 20

const prototypes = (): string =>
  [Object.prototype, Array.prototype, Map.prototype]
    .map((p) => Reflect.ownKeys(p).map(String).join())
    .join('|')
const untouched = prototypes()
let floor = process.memoryUsage.rss()

function bytesOf(trial: Trial): Uint8Array {
  if (trial.kind === 'hostile') return HOSTILE_FILES.find(({ name }) => name === trial.name)!.bytes()
  const packed = new Uint8Array(readFileSync(trial.path))
  if (trial.kind === 'cut') return packed.subarray(0, trial.length)
  const random = createRandom(trial.seed)
  // Inside a compressed file, where breaking the outside only breaks a checksum.
  const unpacked = random(4) === 0 ? undefined : openUp(packed, DEFAULT_LIMITS)
  return mutate(unpacked ?? packed, random)
}

/** Read → lower → encode → decode → validate → one row. A file is refused or a model; a row is answered or a RowError. */
function take(bytes: Uint8Array, seed: number): Outcome['end'] {
  const outcome = compileBytes(bytes, {})
  if ('refusal' in outcome) return 'refused'
  const { program: encoded } = outcome.compiled
  const whole = decodeProgram(encoded)
  if (!Buffer.from(encodeProgram(whole)).equals(encoded)) throw new Error('is not spelt the same twice')
  const program = isHosted(whole) ? splitHosted(whole).before : whole
  const executable = seed % COMPILE_EACH === 0 ? compileProgram(program) : interpret(program)
  try {
    executable.run(boundaryRows(program, 1, seed), allOutputs(program))
    return 'served'
  } catch (error) {
    if (error instanceof RowError) return 'raised'
    throw error
  }
}

function attempt(trial: Trial): Outcome {
  const bytes = bytesOf(trial)
  if (process.memoryUsage.rss() > floor + SLACK_BYTES) {
    globalThis.gc?.()
    floor = process.memoryUsage.rss()
  }
  const before = process.memoryUsage.rss()
  const peakBefore = process.resourceUsage().maxRSS
  const start = process.cpuUsage()
  let end: Outcome['end'] = 'refused'
  let fault: string | undefined
  try {
    end = take(bytes, trial.kind === 'broken' ? trial.seed : 1)
    if (trial.kind === 'hostile' && end !== 'refused') fault = `was ${end}`
  } catch (error) {
    fault = `threw ${(error as Error).stack?.split('\n').slice(0, 4).join(' ')}`
  }
  const { user, system } = process.cpuUsage(start)
  const millis = (user + system) / 1000
  const peak = process.resourceUsage().maxRSS
  const rose = peak > peakBefore ? peak * 1024 - before : 0
  if (millis > LONGEST_MS) fault ??= `took ${millis.toFixed(0)} ms of processor time`
  if (rose > MOST_BYTES) fault ??= `took ${(rose / 2 ** 20).toFixed(0)} MiB`
  if (prototypes() !== untouched) fault ??= 'changed a prototype'
  return { end, millis, bytes: rose, ...(fault && { fault }) }
}

process.on('message', (trial: Trial) => process.send?.(attempt(trial)))
