import type { Answer } from '@millwright/engine'
import { expect, test } from 'vitest'
import { createAnswerCache } from './answers.ts'
import { cacheKey } from './key.ts'

const answer = (name: string): readonly Answer[] => [{ name }] as unknown as Answer[]

test('an answer is there for as long as it may be, and not longer', () => {
  let now = 0
  const cache = createAnswerCache({ ttl: 2, max: 10 }, () => now)
  cache.add('a', answer('a'), 1)

  now = 1_999
  expect(cache.find('a')).toEqual(answer('a'))
  now = 2_000
  expect(cache.find('a')).toBeUndefined()
  now = 0
  expect(cache.find('a')).toBeUndefined()
})

test('rows beyond the most that are kept take those away that were asked for longest ago', () => {
  const cache = createAnswerCache({ ttl: 60, max: 4 })
  for (const name of ['a', 'b', 'c']) cache.add(name, answer(name), 1)
  cache.find('a')

  cache.add('d', answer('d'), 2)
  expect(['a', 'b', 'c', 'd'].map((name) => cache.find(name) !== undefined)).toEqual([
    true,
    false,
    true,
    true,
  ])
  cache.add('d', answer('again'), 1)
  cache.add('e', answer('e'), 1)
  expect(['a', 'c', 'd', 'e'].map((name) => cache.find(name) !== undefined)).toEqual([true, true, true, true])

  cache.add('f', answer('f'), 5)
  expect(cache.find('f')).toBeUndefined()
  expect(cache.find('a')).toBeDefined()
})

test('what differs in version, outputs, rows or any value has another key', () => {
  const frame = (numbers: number[], cells: (string | number | boolean | null)[] = []) => ({
    ...{ rows: 1, numbers: Float64Array.from(numbers), cells },
  })
  const keys = [
    cacheKey('churn/1', frame([1, 2]), ['predict']),
    cacheKey('churn/2', frame([1, 2]), ['predict']),
    cacheKey('churn/1', frame([1, 2]), ['predict', 'predict_proba']),
    cacheKey('churn/1', { ...frame([1, 2]), rows: 2 }, ['predict']),
    cacheKey('churn/1', frame([1, -2]), ['predict']),
    cacheKey('churn/1', frame([0]), ['predict']),
    cacheKey('churn/1', frame([-0]), ['predict']),
    cacheKey('churn/1', frame([Number.NaN]), ['predict']),
    ...[null, Number.NaN, 'NaN', 0, -0, '0', false, '', Number.POSITIVE_INFINITY].map((cell) =>
      cacheKey('churn/1', frame([1, 2], [cell]), ['predict']),
    ),
    cacheKey('churn/1', frame([1, 2], ['a', 'b']), ['predict']),
    cacheKey('churn/1', frame([1, 2], ['a,b']), ['predict']),
  ]

  expect(new Set(keys).size).toBe(keys.length)
  expect(cacheKey('churn/1', frame([1, 2], ['a']), ['predict'])).toBe(
    cacheKey('churn/1', frame([1, 2], ['a']), ['predict']),
  )
})
