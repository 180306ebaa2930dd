import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { comparePairedProportions, wilsonInterval } from './proportion.ts'

const oracle = JSON.parse(readFileSync(new URL('../test/fixtures/oracle.json', import.meta.url), 'utf8')) as {
  readonly wilson: Record<string, [low: number, high: number]>
}

test("shares have the intervals of scipy's binomtest", () => {
  for (const [shown, [low, high]] of Object.entries(oracle.wilson)) {
    const [successes, trials] = shown.split('/').map(Number)
    const estimate = wilsonInterval(successes!, trials!)

    expect(estimate.value).toBe(successes! / trials!)
    expect(estimate.low).toBeCloseTo(low, 12)
    expect(estimate.high).toBeCloseTo(high, 12)
  }
})

test('nineteen of twenty intervals of matched shares hold the true difference', () => {
  const [rows, repeats] = [80, 4000]
  const limits = [0.7, 0.82, 0.89, 1]
  let state = 7
  const draw = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  let held = 0
  for (let repeat = 0; repeat < repeats; repeat++) {
    const pairs = Array.from({ length: rows }, () => {
      const chance = draw()
      return limits.findIndex((limit) => chance < limit)
    })
    const a = pairs.map((kind) => (kind === 0 || kind === 1 ? 1 : 0))
    const b = pairs.map((kind) => (kind === 0 || kind === 2 ? 1 : 0))
    const { low, high } = comparePairedProportions(a, b)
    if (low <= 0.05 && 0.05 <= high) held++
  }

  expect(held / repeats).toBeGreaterThan(0.94)
  expect(held / repeats).toBeLessThan(0.97)
})

test('equal answers leave a doubt that shrinks with the rows', () => {
  const width = (rows: number): number => {
    const same = new Array<number>(rows).fill(1)
    const { low, high } = comparePairedProportions(same, same)
    return high - low
  }

  expect(width(30)).toBeGreaterThan(width(3000))
  expect(width(3000)).toBeGreaterThan(0)
})

test('impossible counts are refused', () => {
  expect(() => wilsonInterval(3, 2)).toThrow('wilsonInterval: 3 of 2')
  expect(() => wilsonInterval(0, 0)).toThrow('wilsonInterval: 0 of 0')
  expect(() => comparePairedProportions([1], [1, 0])).toThrow('1 and 2 rows')
})
