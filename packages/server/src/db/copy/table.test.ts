import { expect, test } from 'vitest'
import { orderByReferences } from './table.ts'

const table = (name: string) => ({ name, columns: [], key: [] })

test('a table comes after those that it refers to, and may refer to itself', () => {
  const references = [
    { from: 'a', to: 'b' },
    { from: 'b', to: 'c' },
    { from: 'b', to: 'b' },
  ]

  const ordered = orderByReferences(['a', 'b', 'c', 'd'].map(table), references)

  expect(ordered.map(({ name }) => name)).toEqual(['c', 'd', 'b', 'a'])
})

test('a circle has no order', () => {
  const references = [
    { from: 'a', to: 'b' },
    { from: 'b', to: 'a' },
  ]

  expect(() => orderByReferences(['a', 'b', 'c'].map(table), references)).toThrow(
    'tables refer to each other in a circle: a, b',
  )
})
