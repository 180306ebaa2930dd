import { expect, test } from 'vitest'
import { keptStatements } from './kept-statements.ts'

const NAMES = ['a', 'b', 'c', 'd']

test('of more than are kept, the one that was asked for longest ago goes', () => {
  const kept = keptStatements<number>(3)
  for (const [value, name] of ['a', 'b', 'c'].entries()) kept.keep(name, value)
  kept.get('a')
  kept.keep('d', 3)

  expect(NAMES.map(kept.get)).toEqual([0, undefined, 2, 3])
})

test('however many there are, no more are kept', () => {
  const kept = keptStatements<number>(256)
  for (let i = 0; i < 10_000; i++) kept.keep(`select ${i}`, i)
  const left = Array.from({ length: 10_000 }, (_, i) => kept.get(`select ${i}`)).filter(
    (value) => value !== undefined,
  )

  expect(left).toEqual(Array.from({ length: 256 }, (_, i) => 9744 + i))
})

test('the same again takes the place of the one before', () => {
  const kept = keptStatements<number>(2)
  kept.keep('a', 0)
  kept.keep('b', 1)
  kept.keep('a', 2)
  kept.keep('c', 3)

  expect(NAMES.map(kept.get)).toEqual([2, undefined, 3, undefined])
})

test('nothing is left when all are let go', () => {
  const kept = keptStatements<number>(2)
  kept.keep('a', 0)
  kept.clear()

  expect(kept.get('a')).toBeUndefined()
})
