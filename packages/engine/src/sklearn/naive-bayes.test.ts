import { describe, expect, test } from 'vitest'
import { ask } from '../../test/ask.ts'
import { doubles, integers, object } from '../../test/inert.ts'
import type { Inert } from '../pickle/values.ts'
import { lowerModel } from './lower.ts'

const bayes = (name: string, attributes: Record<string, Inert>) =>
  object(`sklearn.naive_bayes.${name}`, { n_features_in_: 1, classes_: integers([0, 1]), ...attributes })

const rounded = (values: readonly unknown[]) => values.map((value) => Number((value as number).toFixed(12)))

describe('naive Bayes', () => {
  test.each(['var_', 'sigma_'])('a Gaussian model keeps its variances in %s, by version', (key) => {
    const model = bayes('GaussianNB', {
      class_prior_: doubles([0.5, 0.5]),
      theta_: doubles([-1, 1], [2, 1]),
      [key]: doubles([1, 1], [2, 1]),
    })

    expect(rounded(ask(model, 'predict_proba', [[0]]))).toEqual([0.5, 0.5])
    expect(ask(model, 'predict', [[0.1], [-0.1]])).toEqual([1, 0])
  })

  test('a Bernoulli model weighs absent columns too', () => {
    const model = bayes('BernoulliNB', {
      binarize: 0,
      class_log_prior_: doubles([Math.log(0.5), Math.log(0.5)]),
      feature_log_prob_: doubles([Math.log(0.25), Math.log(0.75)], [2, 1]),
    })

    expect(rounded(ask(model, 'predict_proba', [[3], [0]]))).toEqual([0.25, 0.75, 0.75, 0.25])
  })

  test('a complement model ignores how frequent its classes are', () => {
    const model = bayes('ComplementNB', {
      class_log_prior_: doubles([Math.log(0.9), Math.log(0.1)]),
      feature_log_prob_: doubles([1, 1], [2, 1]),
    })

    expect(rounded(ask(model, 'predict_proba', [[2]]))).toEqual([0.5, 0.5])
  })

  test('parameters of other classes are refused', () => {
    const model = bayes('MultinomialNB', {
      class_log_prior_: doubles([-1, -1, -1]),
      feature_log_prob_: doubles([-1, -1, -1], [3, 1]),
    })

    expect(() => lowerModel(model)).toThrow('has parameters of 3 classes')
  })
})
