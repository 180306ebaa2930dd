import { expect, test } from 'vitest'
import { ask } from '../../test/ask.ts'
import { doubles, integers, object, objects } from '../../test/inert.ts'
import type { Inert } from '../pickle/values.ts'

const brute = (name: string, attributes: Record<string, Inert>) =>
  object(`sklearn.neighbors._x.${name}`, {
    n_neighbors: 2,
    radius: 1.5,
    weights: 'uniform',
    _fit_method: 'brute',
    effective_metric_: 'euclidean',
    effective_metric_params_: new Map<Inert, Inert>(),
    n_features_in_: 1,
    outputs_2d_: false,
    _fit_X: doubles([0, 1, 4, 5], [4, 1]),
    classes_: objects(['far', 'near']),
    _y: integers([1, 1, 0, 0]),
    ...attributes,
  })

test('the nearest rows vote, by their distance where told', () => {
  expect(ask(brute('KNeighborsClassifier', {}), 'predict', [[0.4], [4.4], [2.5]])).toEqual([
    'near',
    'far',
    'far',
  ])
  const shares = ask(brute('KNeighborsClassifier', { weights: 'distance' }), 'predict_proba', [[2.2]])
  expect(shares[0]).toBeCloseTo(0.4, 14)
  expect(shares[1]).toBeCloseTo(0.6, 14)
})

test('a row without neighbours within the radius is answered with the outlier label, or refused', () => {
  const answered = brute('RadiusNeighborsClassifier', { outlier_label_: ['nowhere'] })
  const refused = brute('RadiusNeighborsClassifier', { outlier_label_: null })

  expect(ask(answered, 'predict', [[0], [50]])).toEqual(['near', 'nowhere'])
  expect(ask(answered, 'predict_proba', [[50]])).toEqual([0, 0])
  expect(ask(refused, 'predict', [[0]])).toEqual(['near'])
  expect(() => ask(refused, 'predict', [[50]])).toThrow('no neighbours within the radius')
})

test('the outlier label is certain when it is a class', () => {
  const model = brute('RadiusNeighborsClassifier', { outlier_label_: ['far'] })

  expect(ask(model, 'predict_proba', [[50], [0]])).toEqual([1, 0, 0, 1])
})

test('weights and metrics of their own are refused', () => {
  const refusals: [Record<string, Inert>, string][] = [
    [{ weights: object('m.f', {}) }, 'a function written in Python'],
    [{ effective_metric_: 'haversine' }, 'the metric haversine'],
    [{ effective_metric_params_: new Map<Inert, Inert>([['w', doubles([1])]]) }, 'weights of columns'],
    [{ _fit_X: object('scipy.sparse._csr.csr_matrix', {}) }, 'trained on sparse rows'],
    [{ _y: integers([1, 1]) }, '4 rows and 2 labels'],
  ]

  for (const [attributes, message] of refusals)
    expect(() => ask(brute('KNeighborsClassifier', attributes), 'predict', [[0]])).toThrow(message)
})

test('outlier factors of training rows are refused', () => {
  expect(() => ask(brute('LocalOutlierFactor', { novelty: false }), 'predict', [[0]])).toThrow('novelty=True')
})
