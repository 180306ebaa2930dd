import { describe, expect, test } from 'vitest'
import { ask } from '../../test/ask.ts'
import { fittedTree, regressionTree, stump } from '../../test/fitted-trees.ts'
import { doubles, integers, object, objects } from '../../test/inert.ts'
import { RowError } from '../errors.ts'
import type { Inert } from '../pickle/values.ts'
import { lowerModel } from './lower.ts'

const classifier = (tree: Inert, attributes: Readonly<Record<string, Inert>> = {}) =>
  object('sklearn.tree._classes.DecisionTreeClassifier', {
    criterion: 'gini',
    splitter: 'best',
    n_features_in_: 2,
    classes_: objects(['no', 'yes']),
    tree_: tree,
    ...attributes,
  })

const forest = (trees: readonly Inert[], attributes: Readonly<Record<string, Inert>> = {}) =>
  object('sklearn.ensemble._forest.RandomForestRegressor', {
    n_features_in_: 2,
    estimators_: trees.map((tree) => regressionTree(tree)),
    ...attributes,
  })

describe('decision trees', () => {
  test('divide weighted counts by their sum, the way of files up to 1.3', () => {
    const tree = stump([3, 1], [0, 5], { weighted_n_node_samples: [4, 4, 5] })

    expect(
      ask(classifier(tree), 'predict_proba', [
        [0, 0],
        [1, 0],
      ]),
    ).toEqual([0.75, 0.25, 0, 1])
  })

  test('take fractions as they are, even when they do not quite add up', () => {
    const tree = stump([0.7, 0.2999999999999999], [0.1, 0.9], { weighted_n_node_samples: [4, 4, 5] })

    expect(ask(classifier(tree), 'predict_proba', [[0, 0]])).toEqual([0.7, 0.2999999999999999])
  })

  test('leave a leaf without weight as it is', () => {
    const tree = stump([0, 0], [4, 0], { weighted_n_node_samples: [0, 0, 4] })

    expect(ask(classifier(tree), 'predict_proba', [[0, 0]])).toEqual([0, 0])
    expect(ask(classifier(tree), 'predict', [[0, 0]])).toEqual(['no'])
  })

  test('keep the sign of zero', () => {
    expect(ask(regressionTree(stump([-0], [1])), 'predict', [[0, 0]])).toEqual([-0])
  })

  test('round features to float32 before they are compared', () => {
    const tree = stump([1], [2], { threshold: [0.1, -2, -2] })

    expect(
      ask(regressionTree(tree), 'predict', [
        [0.1, 0],
        [0.09999999, 0],
      ]),
    ).toEqual([2, 1])
  })

  test.each([
    ['an internal node splits on no column', { feature: [-1, -2, -2] }, 'splits on no column'],
    ['an index would wrap around', { feature: [2 ** 32, -2, -2] }, 'an index beyond 32 bits'],
    ['a node is its own child', { left_child: [0, -1, -1] }, 'points at node 0'],
    ['a child is not there', { right_child: [3, -1, -1] }, 'points at node 3'],
    ['a column is not there', { feature: [2, -2, -2] }, 'reads column 2 of 2'],
    [
      'nodes carry a field we do not know',
      { split_kind: [0, 0, 0] },
      'field split_kind, which we do not know',
    ],
  ])('are refused when %s', (_, nodes, message) => {
    expect(() => lowerModel(regressionTree(stump([1], [2], nodes)))).toThrow(message)
  })

  test('without nodes are refused', () => {
    const tree = stump([1], [2])
    const state = tree.state as Map<Inert, Inert>
    state.set('nodes', doubles([1, 2, 3]))

    expect(() => lowerModel(regressionTree(tree))).toThrow('tree_ has no nodes')
  })

  test('are refused when classes and values differ in shape', () => {
    const model = classifier(stump([1, 0], [0, 1]), { classes_: integers([0, 1, 2]) })

    expect(() => lowerModel(model)).toThrow('classes_ and tree_ differ in shape')
    expect(() => lowerModel(regressionTree(stump([1, 0], [0, 1])))).toThrow('2 values per output')
  })
})

describe('a missing value', () => {
  const routed = stump([1], [2], { missing_go_to_left: [1, 0, 0] })
  const answer = (attributes: Readonly<Record<string, Inert>>, tree = routed) => {
    try {
      return ask(regressionTree(tree, attributes), 'predict', [[Number.NaN, 0]])
    } catch (error) {
      return error instanceof RowError ? `column ${error.column} ${error.message}` : error
    }
  }

  test.each([
    ['1.3.2', {}, [1]],
    ['1.3.2', { criterion: 'absolute_error' }, 'column 0 contains NaN'],
    ['1.5.2', { splitter: 'random' }, 'column 0 contains NaN'],
    ['1.6.0', { splitter: 'random' }, [1]],
    ['1.10.1', { splitter: 'random' }, [1]],
    ['1.7.2', { monotonic_cst: integers([1, 0]) }, 'column 0 contains NaN'],
    ['1.7.2', { monotonic_cst: null }, [1]],
  ] as const)('in a tree of %s with %o', (version, attributes, expected) => {
    expect(answer({ _sklearn_version: version, ...attributes })).toEqual(expected)
  })

  test('is refused by a tree that does not say where it goes', () => {
    expect(answer({ _sklearn_version: '1.2.2' }, stump([1], [2]))).toBe('column 0 contains NaN')
  })

  test('is accepted by forests from 1.4 on', () => {
    const row = [[Number.NaN, 0]]

    expect(() => ask(forest([routed]), 'predict', row)).toThrow('contains NaN')
    expect(ask(forest([routed], { monotonic_cst: null }), 'predict', row)).toEqual([1])
  })

  test.each([Infinity, -Infinity, 1e39])('is not the same as %d, which no tree accepts', (value) => {
    expect(() => ask(regressionTree(routed), 'predict', [[0, value]])).toThrow(RowError)
  })
})

describe('forests', () => {
  test('add their trees in order before they divide', () => {
    const leaf = (value: number) => fittedTree({}, [[value]])

    expect(ask(forest([leaf(1e16), leaf(1), leaf(-1e16)]), 'predict', [[0, 0]])).toEqual([0])
    expect(ask(forest([leaf(1e16), leaf(-1e16), leaf(1)]), 'predict', [[0, 0]])).toEqual([1 / 3])
  })

  test('are refused when a tree points into another one', () => {
    const model = forest([stump([1], [2], { right_child: [4, -1, -1] }), stump([3], [4])])

    expect(() => lowerModel(model)).toThrow('a tree of 3 nodes points at node 4')
  })

  test('are refused when their trees differ in shape', () => {
    expect(() => lowerModel(forest([stump([1], [2]), stump([1, 0], [0, 1])]))).toThrow('differ in shape')
  })

  test('without trees were never fitted', () => {
    expect(() => lowerModel(forest([]))).toThrow('has no trees')
  })
})
