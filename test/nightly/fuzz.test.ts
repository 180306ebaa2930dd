import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { DEFAULT_LIMITS } from '../../packages/engine/src/bytes/limits.ts'
import { boundaryRows } from '../../packages/engine/src/check/boundary.ts'
import { RowError } from '../../packages/engine/src/errors.ts'
import { compileProgram } from '../../packages/engine/src/exec/compiled.ts'
import { allOutputs, interpret } from '../../packages/engine/src/exec/reference.ts'
import { decodeProgram, encodeProgram } from '../../packages/engine/src/ir/codec.ts'
import { isHosted, splitHosted } from '../../packages/engine/src/ir/hosted.ts'
import { validateProgram } from '../../packages/engine/src/ir/validate.ts'
import { compileBytes } from '../../packages/engine/src/sandbox/compile.ts'
import { createRandom, mutate, openUp } from './mutations.ts'

/**
 * Every carried model file, broken in seeded ways and taken the whole way: read → lower → encode → decode → validate →
 * one row. A broken file is a refusal or a model; a row of it is an answer or a RowError. Nothing else is thrown, no
 * file takes long, and nothing is left behind.
 */
const FIXTURES = new URL('../../packages/engine/test/fixtures/', import.meta.url)
const MUTATIONS = 200_000
const SEED = 20_261_121
const LIMITS = { maxDecompressedBytes: 2 ** 24, maxElements: 500_000, maxMemoEntries: 200_000 }
/** A file of some kilobytes takes a few milliseconds; this is the most one may take on a busy machine. */
const LONGEST_MS = 5_000
const MOST_RESIDENT_BYTES = 1536 * 2 ** 20
/** Compiling to WebAssembly costs more than all the rest: done for one in so many programs. */
const COMPILE_EACH = 10

const files = readdirSync(FIXTURES, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\/(model\.[^/]+|booster\.txt)$/.test(name))
  .sort()
const rounds = Math.ceil(MUTATIONS / files.length)
const tally = { tried: 0, refused: 0, served: 0, rowErrors: 0, longestMs: 0, longest: '' }
const prototypes = () => [Object.prototype, Array.prototype, Map.prototype].map((p) => Reflect.ownKeys(p))
const untouched = prototypes()

test.each(files.map((name, index) => ({ name, index })))('$name', ({ name, index }) => {
  const packed = new Uint8Array(readFileSync(new URL(name, FIXTURES)))
  const unpacked = openUp(packed, { ...DEFAULT_LIMITS, ...LIMITS })
  const random = createRandom(SEED + index)
  const faults: string[] = []

  for (let round = 0; round < rounds; round++) {
    const original = unpacked === undefined || round % 4 === 0 ? packed : unpacked
    const bytes = mutate(original, random)
    const start = performance.now()
    try {
      serve(bytes, round)
    } catch (error) {
      faults.push(`round ${round}: ${(error as Error).stack?.split('\n').slice(0, 4).join(' ')}`)
    }
    const took = performance.now() - start
    if (took > LONGEST_MS) faults.push(`round ${round}: took ${took.toFixed(0)} ms`)
    if (took > tally.longestMs) Object.assign(tally, { longestMs: took, longest: `${name} round ${round}` })
    tally.tried++
  }

  expect(faults.slice(0, 5), `${faults.length} faults`).toEqual([])
})

test('memory is bounded, and no prototype was touched', () => {
  const rss = process.memoryUsage().rss

  console.log({ ...tally, files: files.length, rssMiB: Math.round(rss / 2 ** 20) })
  expect(tally.tried).toBeGreaterThanOrEqual(MUTATIONS)
  expect(tally.refused).toBeGreaterThan(MUTATIONS / 4)
  expect(tally.served).toBeGreaterThan(MUTATIONS / 20)
  expect(rss).toBeLessThan(MOST_RESIDENT_BYTES)
  expect(prototypes()).toEqual(untouched)
})

function serve(bytes: Uint8Array, round: number): void {
  const outcome = compileBytes(bytes, LIMITS)
  if ('refusal' in outcome) {
    tally.refused++
    return
  }
  const { program: encoded } = outcome.compiled
  const whole = decodeProgram(encoded)
  if (!Buffer.from(encodeProgram(whole)).equals(encoded)) throw new Error('is not spelt the same twice')
  validateProgram(whole)
  const program = isHosted(whole) ? splitHosted(whole).before : whole
  const executable = round % COMPILE_EACH === 0 ? compileProgram(program) : interpret(program)
  tally.served++
  try {
    executable.run(boundaryRows(program, 1, round), allOutputs(program))
  } catch (error) {
    if (!(error instanceof RowError)) throw error
    tally.rowErrors++
  }
}
