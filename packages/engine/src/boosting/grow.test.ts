import { expect, test } from 'vitest'
import { type Growth, growTree } from './grow.ts'

const split = (left: number, right: number): Growth<number> => ({
  feature: 3,
  threshold: 0.5,
  missingLeft: true,
  left,
  right,
})
const grow = (nodes: readonly Growth<number>[]) =>
  growTree(0, (node) => nodes[node]!, { leafWidth: 1, maxNodes: nodes.length, slot: 2 })

test('nodes that nothing leads to are left behind', () => {
  const tree = grow([split(3, 2), { leaf: [9] }, { leaf: [1] }, { leaf: [2] }])

  expect(Array.from(tree.nodes.feature)).toEqual([3, -1, -1])
  expect(tree.values[tree.nodes.left[0]!]).toBe(2)
  expect(tree.values[tree.nodes.right[0]!]).toBe(1)
  expect(tree.slot).toBe(2)
})

test('a cycle is refused', () => {
  expect(() => grow([split(1, 2), split(0, 2), { leaf: [1] }])).toThrow('a node with two parents')
})

test('leaves have one width', () => {
  expect(() => grow([{ leaf: [1, 2] }])).toThrow('a leaf holds 2 values instead of 1')
})
