import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bothForms } from '../../test/both-forms.ts'
import { RowError } from '../errors.ts'
import { distances } from './kernels.ts'
import { type SearchTreeAttrs, treeNeighbours } from './neighbour-trees.ts'
import {
  inverseDistances,
  localOutlierFactor,
  neighbourLabels,
  neighbourMean,
  neighbours,
  outlierClass,
  within,
} from './neighbours.ts'

test('the nearest come first, the first of equals first', () => {
  const { ref, block } = bothForms(neighbours, { count: 3, power: 2 }, [
    [9, 4, 4, 16, 1],
    [0, 0, 0, 0, 0],
  ])

  expect(ref).toEqual([
    [4, 1, 2, 1, 2, 2],
    [0, 1, 2, 0, 0, 0],
  ])
  expect(block).toEqual(ref)
})

test('the edge of the radius is inside, the rest of the list is filled up', () => {
  const { ref, block } = bothForms(within, { radius: 4, power: 2 }, [[9, 4, 1]])

  expect(ref).toEqual([[1, 2, -1, 2, 1, 0]])
  expect(block).toEqual(ref)
})

test('a neighbour without distance outweighs all others', () => {
  const { ref, block } = bothForms(inverseDistances, {}, [
    [3, 7, 2, 4],
    [3, 7, 0, 4],
  ])

  expect(ref).toEqual([
    [3, 7, 0.5, 0.25],
    [3, 7, 1, 0],
  ])
  expect(block).toEqual(ref)
})

test('filled up places of a list count neither for labels nor for values', () => {
  const list = [[2, 0, -1, 4, 1, 1]]
  const labels = Int32Array.of(1, 0, 0)
  const values = Float64Array.of(10, 20, 40)

  expect(bothForms(neighbourLabels, { labels, classes: 2, weighted: true }, list).ref).toEqual([[4, 1]])
  expect(bothForms(neighbourLabels, { labels, classes: 2, weighted: false }, list).block).toEqual([[1, 1]])
  expect(bothForms(neighbourMean, { values, outputs: 1, weighted: true }, list).ref).toEqual([[34]])
  expect(bothForms(neighbourMean, { values, outputs: 1, weighted: false }, list).block).toEqual([[25]])
})

test('a row with no neighbours is an outlier, or refused', () => {
  expect(
    bothForms(outlierClass, { refuse: false }, [
      [0, 0],
      [0, 2],
    ]).ref,
  ).toEqual([
    [0, 0, 1],
    [0, 2, 0],
  ])
  expect(() => bothForms(outlierClass, { refuse: true }, [[0, 0]])).toThrow(RowError)
})

test('a row as dense as its neighbours has the factor −1', () => {
  const attrs = { reach: Float64Array.of(2, 2), density: Float64Array.of(0.5, 0.5) }

  const { ref, block } = bothForms(localOutlierFactor, attrs, [[0, 1, 1, 1]])

  expect(ref[0]![0]).toBeCloseTo(-1, 9)
  expect(block).toEqual(ref)
})

/** Two leaves under a root, halved at the first column, as a k-d tree or as balls. */
function tree(points: readonly number[][], shape: 'box' | 'ball', count: number): SearchTreeAttrs {
  const order = points.map((_, i) => i).sort((a, b) => points[a]![0]! - points[b]![0]!)
  const half = order.length >> 1
  const nodes = [order, order.slice(0, half), order.slice(half)].map((of) => of.map((i) => points[i]!))
  const side = (pick: (...values: number[]) => number) =>
    nodes.flatMap((own) => [0, 1].map((c) => pick(...own.map((p) => p[c]!))))
  const centres = nodes.map((own) => own[0]!)
  return {
    metric: 'squared',
    power: 2,
    points: Float64Array.from(points.flat()),
    count,
    shape,
    order: Int32Array.from(order),
    starts: Int32Array.of(0, 0, half),
    ends: Int32Array.of(order.length, half, order.length),
    leaves: Uint8Array.of(0, 1, 1),
    bounds: Float64Array.from(shape === 'box' ? [...side(Math.min), ...side(Math.max)] : centres.flat()),
    radii: Float64Array.from(nodes, (own, i) =>
      Math.max(...own.map((p) => Math.hypot(p[0]! - centres[i]![0]!, p[1]! - centres[i]![1]!))),
    ),
  }
}

/** Far enough from zero that no squared difference underflows: there a tree and a list may differ. */
const coordinate = fc.double({ min: -9, max: 9, noNaN: true }).map((x) => Math.round(x * 1e6) / 1e6)
const point = fc.tuple(coordinate, coordinate)

test('a search tree finds neighbours as near as looking at every point', () => {
  fc.assert(
    fc.property(
      fc.array(point, { minLength: 4, maxLength: 30 }),
      point,
      fc.integer({ min: 1, max: 4 }),
      fc.constantFrom('box', 'ball'),
      (points, row, count, shape) => {
        const all = Float64Array.from(points.flat())
        const found = bothForms(treeNeighbours, tree(points, shape, count), [row])
        const every = bothForms(distances, { metric: 'squared', points: all, power: 2 }, [row]).ref
        const nearest = bothForms(neighbours, { count, power: 2 }, every).ref

        expect(found.ref[0]!.slice(count)).toEqual(nearest[0]!.slice(count))
        expect(found.block).toEqual(found.ref)
      },
    ),
  )
})

test('a search tree whose nodes lead nowhere is refused', () => {
  const sound = tree(
    [
      [0, 0],
      [1, 1],
      [2, 2],
      [3, 3],
    ],
    'box',
    1,
  )
  const broken: [Partial<SearchTreeAttrs>, string][] = [
    [{ leaves: Uint8Array.of(0, 0, 1) }, 'no children'],
    [{ order: Int32Array.of(0, 1, 2, 9) }, 'point 9 of 4'],
    [{ ends: Int32Array.of(4, 2, 5) }, 'points that are not there'],
    [{ bounds: new Float64Array(3) }, 'nodes do not fit'],
    [{ count: 5 }, '5 of 4 rows'],
  ]

  for (const [change, message] of broken)
    expect(() => bothForms(treeNeighbours, { ...sound, ...change }, [[0, 0]])).toThrow(message)
})
