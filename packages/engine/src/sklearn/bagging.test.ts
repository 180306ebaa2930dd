import { describe, expect, test } from 'vitest'
import { ask } from '../../test/ask.ts'
import { regressionTree, stump } from '../../test/fitted-trees.ts'
import { doubles, frame, integers, object, objects } from '../../test/inert.ts'
import { interpret } from '../exec/reference.ts'
import type { Inert } from '../pickle/values.ts'
import { lowerModel } from './lower.ts'

const small = { n_features_in_: 1 }
const classTree = (tree: Inert, classes: readonly number[]) =>
  object('sklearn.tree._classes.DecisionTreeClassifier', {
    ...small,
    criterion: 'gini',
    classes_: integers(classes),
    tree_: tree,
  })

/** A classifier without probabilities: class 1 where slope · x is positive. */
const margin = (slope: number) =>
  object('sklearn.svm._classes.LinearSVC', {
    ...small,
    classes_: integers([0, 1]),
    coef_: doubles([slope], [1, 1]),
    intercept_: doubles([0]),
  })

const bag = (kind: 'Classifier' | 'Regressor', members: readonly Inert[], features: readonly number[][]) =>
  object(`sklearn.ensemble._bagging.Bagging${kind}`, {
    n_features_in_: 1 + Math.max(0, ...features.flat()),
    n_estimators: members.length,
    estimators_: [...members],
    estimators_features_: features.map((columns) => integers(columns)),
    ...(kind === 'Classifier' && { classes_: objects(['a', 'b', 'c']) }),
  })

describe('bagging', () => {
  test('gives every tree its own columns, and does not look at columns nobody reads', () => {
    const trees = [regressionTree(stump([1], [2]), small), regressionTree(stump([10], [20]), small)]
    const model = interpret(lowerModel(bag('Regressor', trees, [[2], [0]])))
    const predict = (row: readonly number[]) => model.run(frame([row], ['x1 is not read']), ['predict'])[0]!

    expect(predict([0, 1]).parts[0]!.data).toEqual(Float64Array.of(12 / 2))
    expect(predict([1, 0]).parts[0]!.data).toEqual(Float64Array.of(21 / 2))
    expect(() => predict([0, Number.NaN])).toThrow('contains NaN')
  })

  test('puts the classes that an estimator saw among those of the bag', () => {
    const weights = { weighted_n_node_samples: [4, 4, 4] }
    const model = bag(
      'Classifier',
      [classTree(stump([3, 1], [0, 4], weights), [0, 2]), classTree(stump([0, 4], [4, 0], weights), [1, 2])],
      [[0], [1]],
    )

    expect(
      ask(model, 'predict_proba', [
        [0, 0],
        [1, 1],
      ]),
    ).toEqual([0.375, 0, 0.625, 0, 0.5, 0.5])
    expect(
      ask(model, 'predict', [
        [0, 0],
        [1, 1],
      ]),
    ).toEqual(['c', 'b'])
  })

  test('counts votes of estimators without probabilities', () => {
    const model = bag('Classifier', [margin(1), margin(-1), margin(2)], [[0], [0], [1]])

    expect(ask(model, 'predict_proba', [[1, 1]])).toEqual([1 / 3, 2 / 3, 0])
  })

  test.each([
    ['knows a class the bag does not', [classTree(stump([1, 0], [0, 1]), [0, 3])], [[0]], 'does not'],
    ['reads a column that is not there', [classTree(stump([1, 0], [0, 1]), [0, 1])], [[-1]], 'is not there'],
    ['has no columns', [classTree(stump([1, 0], [0, 1]), [0, 1])], [], 'differ in length'],
  ])('is refused when an estimator %s', (_, members, features, message) => {
    expect(() => lowerModel(bag('Classifier', members, features))).toThrow(message)
  })
})
