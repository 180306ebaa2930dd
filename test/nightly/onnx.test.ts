import { readFileSync } from 'node:fs'
import { afterAll, expect, test } from 'vitest'
import { DEFAULT_LIMITS } from '../../packages/engine/src/bytes/limits.ts'
import { ModelError } from '../../packages/engine/src/errors.ts'
import { compileBytes } from '../../packages/engine/src/sandbox/compile.ts'
import { createRandom, mutate } from '../../packages/engine/test/mutate.ts'
import { openRunner } from '../../packages/runtime/src/index.ts'

/**
 * ONNX files broken in seeded ways, taken the whole way through ONNX Runtime: each is refused, or answers the rows made to
 * try it out. Its process may break; this one goes on, in bounded time.
 */
const FIXTURES = new URL('../../packages/engine/test/fixtures/onnx/', import.meta.url)
const ROUNDS = 60
const SEED = 20_261_128
const LIMITS = { memoryMib: 512, loadMs: 10_000, runMs: 2_000 }
const tally: Record<string, number> = {}

async function outcomeOf(bytes: Uint8Array): Promise<string> {
  const outcome = compileBytes(bytes, DEFAULT_LIMITS)
  if ('refusal' in outcome) return 'refused by the reader'
  try {
    const runner = await openRunner(outcome.compiled.program, LIMITS)
    try {
      await runner.check()
      return 'served'
    } finally {
      await runner.close()
    }
  } catch (error) {
    if (!(error instanceof ModelError)) throw error
    expect(error.message).not.toMatch(/\/\w+\/|\.cc/)
    return `refused by the host (${error.kind})`
  }
}

test.each(['onnx-churn-strings', 'onnx-kmeans', 'onnx-lightgbm', 'torch-perceptron'])('%s', async (name) => {
  const original = new Uint8Array(readFileSync(new URL(`${name}/model.onnx`, FIXTURES)))
  const random = createRandom(SEED)

  for (let round = 0; round < ROUNDS; round++) {
    const startedAt = performance.now()
    const outcome = await outcomeOf(mutate(original, random))
    tally[outcome] = (tally[outcome] ?? 0) + 1
    expect(performance.now() - startedAt).toBeLessThan(30_000)
  }
})

afterAll(() => console.log(tally))
