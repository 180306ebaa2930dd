import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { areaUnderCurve as areaOfPlacements, compareAreas, placeScores } from './auc.ts'

type Oracle = {
  readonly labels: number[]
  readonly a: number[]
  readonly b: number[]
  readonly auc: { readonly a: number; readonly b: number }
  readonly delong: { readonly z: number; readonly a: number[]; readonly b: number[] }
}
const oracle = JSON.parse(
  readFileSync(new URL('../test/fixtures/oracle.json', import.meta.url), 'utf8'),
) as Oracle
const { labels, a, b, auc, delong } = oracle

const areaUnderCurve = (scores: readonly number[], classes: readonly number[]) =>
  areaOfPlacements(placeScores(scores, classes), classes)
const compare = (one: readonly number[], other: readonly number[]) =>
  compareAreas(placeScores(one, labels), placeScores(other, labels), labels)

test('areas are those of scikit-learn, ties included', () => {
  expect(areaUnderCurve(a, labels).value).toBeCloseTo(auc.a, 14)
  expect(areaUnderCurve(b, labels).value).toBeCloseTo(auc.b, 14)
})

test("intervals of one area are MLstatkit's", () => {
  for (const [scores, [low, high]] of [
    [a, delong.a],
    [b, delong.b],
  ] as const) {
    const estimate = areaUnderCurve(scores, labels)

    expect(estimate.low).toBeCloseTo(low!, 10)
    expect(estimate.high).toBeCloseTo(high!, 10)
  }
})

test("the difference of two areas divided by its standard error is MLstatkit's z", () => {
  const { value, high } = compare(b, a)

  expect(value / ((high - value) / 1.959963984540054)).toBeCloseTo(delong.z, 8)
})

test('separated classes have an area of 1 without doubt, equal scores one of a half', () => {
  expect(areaUnderCurve([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1])).toEqual({ value: 1, low: 1, high: 1 })
  expect(areaUnderCurve([3, 3, 3, 3], [0, 1, 0, 1]).value).toBe(0.5)
})

test('a comparison with itself is nothing, and swapping the models turns its sign', () => {
  expect(compare(a, a)).toEqual({ value: 0, low: 0, high: 0 })
  const [there, back] = [compare(a, b), compare(b, a)]

  expect(back.value).toBeCloseTo(-there.value, 14)
  expect(back.low).toBeCloseTo(-there.high, 14)
})

test('an area depends on the order of the scores alone', () => {
  const rows = fc.array(fc.tuple(fc.integer({ min: -20, max: 20 }), fc.boolean()), { minLength: 2 })
  fc.assert(
    fc.property(rows, (drawn) => {
      const classes = [...drawn.map(([, label]) => Number(label)), 0, 1]
      const scores = [...drawn.map(([score]) => score), 0, 0]

      expect(
        areaUnderCurve(
          scores.map((score) => score ** 3 + 7),
          classes,
        ),
      ).toEqual(areaUnderCurve(scores, classes))
    }),
  )
})

test('rows of one class, of different length or without a score are refused', () => {
  expect(() => areaUnderCurve([1, 2], [1, 1])).toThrow('placeScores: rows of one class only')
  expect(() => areaUnderCurve([1, 2], [1])).toThrow('placeScores: 2 and 1 rows')
  expect(() => areaUnderCurve([], [])).toThrow('placeScores: no rows')
  expect(() => areaUnderCurve([1, Number.NaN], [0, 1])).toThrow('the score of row 1 is NaN')
})
