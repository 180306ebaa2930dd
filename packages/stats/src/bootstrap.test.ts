import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { bootstrapMean, comparePairedMeans, drawResamples, resampleMean } from './bootstrap.ts'

const oracle = JSON.parse(readFileSync(new URL('../test/fixtures/oracle.json', import.meta.url), 'utf8')) as {
  readonly losses: number[]
  readonly others: number[]
  readonly rootMean: [low: number, high: number]
  readonly meanDifference: [low: number, high: number]
}
const losses = Float64Array.from(oracle.losses)
const others = Float64Array.from(oracle.others)

/** 20 000 replicates on both sides: the bounds of two runs differ by chance, in the second place of their width. */
const TOLERANCE = 0.04
const resamples = drawResamples(losses.length, { replicates: 20_000 })

const expectNear = (value: number, [low, high]: [number, number], side: 'low' | 'high'): void =>
  expect(Math.abs(value - (side === 'low' ? low : high)) / (high - low)).toBeLessThan(TOLERANCE)

test("a root mean has the bounds of scipy's percentile bootstrap", () => {
  const { low, high } = bootstrapMean(resampleMean(losses, resamples), Math.sqrt)

  expectNear(low, oracle.rootMean, 'low')
  expectNear(high, oracle.rootMean, 'high')
})

test("a difference on the same rows has the bounds of scipy's paired bootstrap", () => {
  const { value, low, high } = comparePairedMeans(
    resampleMean(losses, resamples),
    resampleMean(others, resamples),
  )

  expectNear(low, oracle.meanDifference, 'low')
  expectNear(high, oracle.meanDifference, 'high')
  expect(low).toBeLessThan(value)
})

test('the same rows are drawn every time', () => {
  const [first, again] = [drawResamples(50), drawResamples(50)]

  expect(first).toEqual(again)
  expect(first.counts[0]).not.toEqual(first.counts[1])
  for (const drawn of first.counts) expect(drawn.reduce((sum, count) => sum + count, 0)).toBe(50)
})

test('losses of other rows are refused', () => {
  expect(() => drawResamples(0)).toThrow('drawResamples: no rows')
  expect(() => resampleMean(losses, drawResamples(3))).toThrow('60 losses for 3 rows')
})
