import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createRandom, mutate } from '../../test/mutate.ts'
import { ModelError } from '../errors.ts'
import { estimatorOf, readModelFile } from './read-file.ts'
import { reportOf } from './report.ts'

const FIXTURES = new URL('../../test/fixtures/', import.meta.url)
const SEEDS = [
  'scikit-learn-1.3.2/tree-binary/model.p0.pkl',
  'scikit-learn-1.3.2/tree-pruned/model.p2.pkl',
  'scikit-learn-1.3.2/rf-three-names/model.p5.pkl',
  'scikit-learn-1.3.2/rf-three/model.joblib',
  'scikit-learn-1.5.2/churn-grid/model.p2.pkl',
  'scikit-learn-1.3.2/refused-popped-call/model.pkl',
]
const ROUNDS = 500
const LIMITS = { maxDecompressedBytes: 2 ** 24, maxElements: 200_000, maxMemoEntries: 100_000 }

test.each(SEEDS)('a broken %s is read or refused, and leaves nothing behind', (name) => {
  const original = new Uint8Array(readFileSync(new URL(name, FIXTURES)))
  const random = createRandom(20_240_229)
  const prototypes = [Object.prototype, Array.prototype, Map.prototype].map((p) => Reflect.ownKeys(p).length)
  let refused = 0

  for (let round = 0; round < ROUNDS; round++) {
    const bytes = mutate(original, random)
    try {
      const file = readModelFile(bytes, LIMITS)
      reportOf(file, estimatorOf(file))
    } catch (error) {
      refused++
      if (!(error instanceof ModelError)) throw new Error(`round ${round}: not a refusal`, { cause: error })
    }
  }

  expect(refused).toBeGreaterThan(ROUNDS / 5)
  expect([Object.prototype, Array.prototype, Map.prototype].map((p) => Reflect.ownKeys(p).length)).toEqual(
    prototypes,
  )
})
