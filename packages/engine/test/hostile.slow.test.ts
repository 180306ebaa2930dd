import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { compileBytes } from '../src/sandbox/compile.ts'
import { HOSTILE_FILES, SMALL_FILES } from './hostile.ts'

/** A machine that does other things besides. `npm run fuzz` holds each to 2 s and 256 MB of its own. */
const LONGEST_MS = 10_000

// compileBytes answers refusals and throws what is none.
test.each(HOSTILE_FILES.map((file) => [file.name, file] as const))('%s is refused', (_, file) => {
  const bytes = file.bytes()
  const start = performance.now()

  const outcome = compileBytes(bytes, {})

  expect(outcome).toMatchObject({ refusal: { kind: expect.any(String), message: expect.any(String) } })
  expect(performance.now() - start).toBeLessThan(LONGEST_MS)
})

test.each(SMALL_FILES)('%s is refused or complete, wherever it is cut', (name) => {
  const whole = new Uint8Array(readFileSync(new URL(`./fixtures/${name}`, import.meta.url)))
  const step = Math.ceil(whole.length / 200)

  for (let length = 0; length < whole.length; length += step) compileBytes(whole.subarray(0, length), {})
})
