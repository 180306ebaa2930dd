import { expect, test } from 'vitest'
import { createRates } from './rates.ts'

const RATE = { perSecond: 2, burst: 3 }

function openRates() {
  let now = 0
  const rates = createRates(() => now)
  const ask = (deployment: string, key: string, rate = RATE): number => {
    try {
      rates.take(deployment, key, rate)
      return 0
    } catch (error) {
      return (error as { params: { waitSeconds: number } }).params.waitSeconds
    }
  }
  const pass = (ms: number): void => {
    now += ms
  }
  return { ask, pass }
}

test('a key has its burst at once, and then so many a second', () => {
  const { ask, pass } = openRates()

  const atOnce = Array.from({ length: 5 }, () => ask('churn', 'a'))
  pass(1_000)
  const later = Array.from({ length: 3 }, () => ask('churn', 'a'))
  pass(60_000)
  const muchLater = Array.from({ length: 4 }, () => ask('churn', 'a'))

  expect(atOnce).toEqual([0, 0, 0, 1, 1])
  expect(later).toEqual([0, 0, 1])
  expect(muchLater).toEqual([0, 0, 0, 1])
})

test('keys do not share, nor do deployments', () => {
  const { ask } = openRates()
  for (let i = 0; i < 4; i++) ask('churn', 'a')

  expect([ask('churn', 'a'), ask('churn', 'b'), ask('other', 'a')]).toEqual([1, 0, 0])
})

test('who asks less than once a second is told how long to wait', () => {
  const { ask, pass } = openRates()
  const slow = { perSecond: 0.1, burst: 1 }
  ask('churn', 'a', slow)

  const first = ask('churn', 'a', slow)
  pass(4_000)

  expect([first, ask('churn', 'a', slow)]).toEqual([10, 6])
})

test('so many keys that one is forgotten: the one not seen for longest', () => {
  const { ask } = openRates()
  const once = { perSecond: 1e-9, burst: 1 }
  ask('churn', 'first', once)
  ask('churn', 'second', once)
  ask('churn', 'first', once)
  for (let i = 0; i < 9_999; i++) ask('churn', `key-${i}`, once)

  expect(ask('churn', 'first', once)).toBeGreaterThan(0)
  expect(ask('churn', 'second', once)).toBe(0)
})
