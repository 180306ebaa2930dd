import { expect, test } from 'vitest'
import { doubles, object, objects } from '../../test/inert.ts'
import { transform } from '../../test/transform.ts'

const bins = (encode: string, version = '1.3.2') =>
  object('sklearn.preprocessing._discretization.KBinsDiscretizer', {
    _sklearn_version: version,
    n_features_in_: 2,
    bin_edges_: objects([doubles([0, 1, 2, 3]), doubles([0, 5, 9])]),
    encode,
  })

test('a value on an edge belongs to the bin above; outside, to the first and the last', () => {
  expect(
    transform(bins('ordinal'), [
      [1, 5],
      [-7, -7],
      [99, 99],
    ]),
  ).toEqual([
    [1, 1],
    [0, 0],
    [2, 1],
  ])
})

test('one column per bin', () => {
  expect(transform(bins('onehot'), [[1.5, 0]])).toEqual([[0, 1, 0, 1, 0]])
})

test('up to 1.0 a value just below an edge belongs to the bin above', () => {
  const row = [[1 - 1e-6, 0]]

  expect(transform(bins('ordinal', '1.0.2'), row)).toEqual([[1, 0]])
  expect(transform(bins('ordinal', '1.1.0'), row)).toEqual([[0, 0]])
})
