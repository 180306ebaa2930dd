import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { computeBucket, isInCandidate } from './split.ts'

/** The published vectors, made with the Python function beside them. */
const PAGE = readFileSync(new URL('../../../../docs/reference/split.md', import.meta.url), 'utf8')
const VECTORS = [...PAGE.matchAll(/^\| `(.+?)` \| `(.+?)` \| (\S+) \| (\S+) % \|$/gm)].map(
  ([, salt, unit, bucket, percent]) => ({
    ...{ salt: salt!, unit: unit! },
    ...{ bucket: Number(bucket), percent: Number(percent) },
  }),
)

test('buckets are the published ones, bit for bit', () => {
  expect(VECTORS).toHaveLength(10)
  expect(VECTORS.map(({ salt, unit }) => computeBucket(salt, unit))).toEqual(
    VECTORS.map(({ bucket }) => bucket),
  )
})

test('a unit is in the candidate from its published percentage on', () => {
  for (const { bucket, percent } of VECTORS) {
    expect(isInCandidate(bucket, percent)).toBe(true)
    expect(isInCandidate(bucket, percent - 0.1)).toBe(false)
  }
})

test('nobody is in at 0 %, everybody at 100 %', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (salt, unit) => {
      const bucket = computeBucket(salt, unit)
      return !isInCandidate(bucket, 0) && isInCandidate(bucket, 100)
    }),
  )
})

test('who is in stays in while the weight grows', () => {
  const weight = fc.double({ min: 0, max: 100, noNaN: true })
  fc.assert(
    fc.property(fc.string(), weight, weight, (unit, a, b) => {
      const bucket = computeBucket('ramp', unit)
      return !isInCandidate(bucket, Math.min(a, b)) || isInCandidate(bucket, Math.max(a, b))
    }),
  )
})

test.each([0.5, 5, 50])('%s %% of many units are in, give or take what chance gives', (weight) => {
  const units = 100_000
  const share = weight / 100

  let inside = 0
  for (let i = 0; i < units; i++)
    if (isInCandidate(computeBucket('churn-3', `CUST_${i}`), weight)) inside += 1

  const deviation = Math.sqrt(units * share * (1 - share))
  expect(Math.abs(inside - units * share)).toBeLessThan(4 * deviation)
})

test('two salts divide the same units independently', () => {
  const units = Array.from({ length: 20_000 }, (_, i) => `CUST_${i}`)
  const isIn = (salt: string, unit: string) => isInCandidate(computeBucket(salt, unit), 50)

  const both = units.filter((unit) => isIn('churn-3', unit) && isIn('churn-4', unit))

  expect(Math.abs(both.length / units.length - 0.25)).toBeLessThan(0.015)
})

test.each([
  [0, 0, false],
  [0.05, 5, false],
  [0.04999, 5, true],
  [0.99999, 100, true],
])('a bucket of %d at %d %%: %s', (bucket, weight, expected) => {
  expect(isInCandidate(bucket, weight)).toBe(expected)
})
