import { expect, test } from 'vitest'
import { ask } from '../../test/ask.ts'
import { doubles, object } from '../../test/inert.ts'
import { type Inert, InertObject } from '../pickle/values.ts'

/** A density around one training row at the origin. */
function density(kernel: string, columns: number, bandwidth: number, attributes: Record<string, Inert> = {}) {
  const tree = new InertObject(object('sklearn.neighbors._kd_tree.newObj', {}).cls, [], true)
  tree.state = [doubles(new Array(columns).fill(0), [1, columns]), ...new Array<Inert>(12).fill(null)]
  return object('sklearn.neighbors._kde.KernelDensity', {
    kernel,
    metric: 'euclidean',
    bandwidth_: bandwidth,
    n_features_in_: columns,
    tree_: tree,
    ...attributes,
  })
}

const h = 0.5
test.each([
  ['gaussian', 1, 1 / (Math.sqrt(2 * Math.PI) * h)],
  ['tophat', 1, 1 / (2 * h)],
  ['epanechnikov', 1, 3 / (4 * h)],
  ['exponential', 1, 1 / (2 * h)],
  ['linear', 1, 1 / h],
  ['tophat', 2, 1 / (Math.PI * h * h)],
  ['epanechnikov', 2, 2 / (Math.PI * h * h)],
  ['exponential', 2, 1 / (2 * Math.PI * h * h)],
  ['linear', 2, 3 / (Math.PI * h * h)],
  ['tophat', 3, 3 / (4 * Math.PI * h ** 3)],
  ['exponential', 3, 1 / (8 * Math.PI * h ** 3)],
])('the %s kernel in %d dimensions integrates to one', (kernel, columns, peak) => {
  const [score] = ask(density(kernel, columns, h), 'score_samples', [new Array(columns).fill(0)])

  expect(score).toBeCloseTo(Math.log(peak), 13)
})

test('kernels with an end are zero beyond it', () => {
  for (const kernel of ['tophat', 'epanechnikov', 'linear'])
    expect(ask(density(kernel, 1, h), 'score_samples', [[0.6]])).toEqual([Number.NEGATIVE_INFINITY])
})

test('a kernel we do not serve is refused by name', () => {
  expect(() => ask(density('cosine', 1, h), 'score_samples', [[0]])).toThrow('kernel cosine')
})
