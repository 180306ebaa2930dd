import { describe, expect, test } from 'vitest'
import { ask } from '../../test/ask.ts'
import { doubles, integers, object, objects } from '../../test/inert.ts'
import { lowerModel } from './lower.ts'

/** Scores of a row [1, 1, 1]: 0, ln 3, −ln 3. */
const logistic = (attributes = {}) =>
  object('sklearn.linear_model._logistic.LogisticRegression', {
    n_features_in_: 1,
    classes_: objects(['a', 'b', 'c']),
    coef_: doubles([0, Math.log(3), -Math.log(3)], [3, 1]),
    intercept_: doubles([0, 0, 0]),
    solver: 'lbfgs',
    ...attributes,
  })

const binary = (qualified: string, attributes = {}) =>
  object(qualified, {
    n_features_in_: 1,
    classes_: integers([4, 9]),
    coef_: doubles([1], [1, 1]),
    intercept_: doubles([0]),
    solver: 'lbfgs',
    ...attributes,
  })

const SOFTMAX = [3 / 13, 9 / 13, 1 / 13]
const ONE_VERSUS_REST = [1 / 3, 1 / 2, 1 / 6]

const rounded = (values: readonly unknown[]) => values.map((value) => Number((value as number).toFixed(12)))

describe('LogisticRegression of three classes', () => {
  test.each([
    ['of 1.8, without multi_class', {}, SOFTMAX],
    ['with multi_class auto', { multi_class: 'auto' }, SOFTMAX],
    ['with multi_class deprecated', { multi_class: 'deprecated' }, SOFTMAX],
    ['with multi_class multinomial', { multi_class: 'multinomial' }, SOFTMAX],
    ['with multi_class ovr', { multi_class: 'ovr' }, ONE_VERSUS_REST],
    ['of 0.21, with multi_class warn', { multi_class: 'warn' }, ONE_VERSUS_REST],
    ['of the solver liblinear', { solver: 'liblinear' }, ONE_VERSUS_REST],
  ])('%s', (_, attributes, expected) => {
    expect(rounded(ask(logistic(attributes), 'predict_proba', [[1]]))).toEqual(rounded(expected))
  })

  test('answers the label of the largest score, the first of equals', () => {
    expect(ask(logistic(), 'predict', [[1], [0]])).toEqual(['b', 'a'])
  })

  test('is refused when it scores other classes than it names', () => {
    expect(() => lowerModel(logistic({ classes_: objects(['a', 'b']) }))).toThrow(
      'scores 3 classes and names 2',
    )
  })
})

describe('two classes', () => {
  const logit = binary('sklearn.linear_model._logistic.LogisticRegression')

  test('the second class wins above a score of 0, not at it', () => {
    expect(ask(logit, 'predict', [[0], [1e-300]])).toEqual([4, 9])
  })

  test('a multinomial model spreads its one score to both classes', () => {
    const multinomial = binary('sklearn.linear_model._logistic.LogisticRegression', {
      multi_class: 'multinomial',
    })
    const half = Math.log(3) / 2

    expect(rounded(ask(multinomial, 'predict_proba', [[half]]))).toEqual([0.25, 0.75])
  })

  test('LinearSVC has scores and no probabilities', () => {
    const { outputs } = lowerModel(binary('sklearn.svm._classes.LinearSVC'))

    expect(outputs.map(({ name }) => name)).toEqual(['predict', 'decision_function'])
  })
})

describe('SGDClassifier', () => {
  const sgd = (loss: string) =>
    object('sklearn.linear_model._stochastic_gradient.SGDClassifier', {
      n_features_in_: 1,
      classes_: integers([0, 1, 2]),
      coef_: doubles([1, 1, 1], [3, 1]),
      intercept_: doubles([0, 2, 1]),
      loss,
    })

  test('the modified Huber loss shares out clipped margins, evenly where there are none', () => {
    expect(ask(sgd('modified_huber'), 'predict_proba', [[-5], [-1]])).toEqual([
      1 / 3,
      1 / 3,
      1 / 3,
      0,
      1 / 1.5,
      0.5 / 1.5,
    ])
  })

  test.each(['hinge', 'perceptron', 'squared_error'])('the loss %s has no probabilities', (loss) => {
    expect(lowerModel(sgd(loss)).outputs.map(({ name }) => name)).not.toContain('predict_proba')
  })
})

test('a one-class machine answers +1 at the offset and above', () => {
  const machine = object('sklearn.linear_model._stochastic_gradient.SGDOneClassSVM', {
    n_features_in_: 1,
    coef_: doubles([2]),
    offset_: doubles([3]),
  })

  expect(ask(machine, 'predict', [[1.5], [1.4]])).toEqual([1, -1])
  expect(ask(machine, 'decision_function', [[2]])).toEqual([1])
  expect(ask(machine, 'score_samples', [[2]])).toEqual([4])
})

test('a ridge classifier takes its classes from the binarizer of its targets', () => {
  const ridge = (y_type_: string) =>
    object('sklearn.linear_model._ridge.RidgeClassifier', {
      n_features_in_: 1,
      coef_: doubles([1], [1, 1]),
      intercept_: doubles([0]),
      _label_binarizer: object('sklearn.preprocessing._label.LabelBinarizer', {
        classes_: objects(['no', 'yes']),
        y_type_,
      }),
    })

  expect(ask(ridge('binary'), 'predict', [[2], [-2]])).toEqual(['yes', 'no'])
  expect(() => lowerModel(ridge('multilabel-indicator'))).toThrow('several labels per row')
})
