import { describe, expect, test } from 'vitest'
import { doubles, object, objects } from '../../test/inert.ts'
import { answer, transform } from '../../test/transform.ts'
import { GlobalRef, type Inert, InertObject } from '../pickle/values.ts'
import { lowerModel } from './lower.ts'

const scaler = (mean: readonly number[]) =>
  object('sklearn.preprocessing._data.StandardScaler', {
    n_features_in_: mean.length,
    with_mean: true,
    with_std: false,
    mean_: doubles(mean),
    scale_: null,
    var_: null,
  })

const pipeline = (...steps: Inert[]) =>
  object('sklearn.pipeline.Pipeline', { steps: steps.map((step, i) => [`s${i}`, step]) })

const columns = (transformers: Inert[][], attributes: Record<string, Inert> = {}) =>
  object('sklearn.compose._column_transformer.ColumnTransformer', {
    n_features_in_: 3,
    transformers_: transformers,
    transformer_weights: null,
    ...attributes,
  })

const slice = (start: Inert, stop: Inert) =>
  new InertObject(new GlobalRef('builtins', 'slice'), [start, stop, null], true)

describe('Pipeline', () => {
  test("steps that are None or 'passthrough' do nothing", () => {
    expect(transform(pipeline(scaler([1]), 'passthrough', null, scaler([10])), [[12]])).toEqual([[1]])
  })

  test('a pipeline whose last step does nothing transforms like the steps before', () => {
    expect(transform(pipeline(scaler([1]), 'passthrough'), [[12]])).toEqual([[11]])
  })

  test('a fault is reported with the path of the step', () => {
    const broken = pipeline(pipeline(scaler([1]), object('acme.Scaler', {})))

    expect(() => lowerModel(broken)).toThrow("step 's0' > step 's1': class acme.Scaler is not known")
  })

  test('columns must fit between steps', () => {
    expect(() => lowerModel(pipeline(scaler([1, 2]), scaler([1])))).toThrow('was fitted on 1 columns, gets 2')
  })
})

describe('ColumnTransformer', () => {
  test.each<[string, Inert, number[]]>([
    ['positions', [2, 0], [30, 10]],
    ['negative positions', [-1], [30]],
    ['a mask', [true, false, true], [10, 30]],
    ['a slice', slice(1, null), [20, 30]],
    ['a slice of names, the last one included', slice('a', 'b'), [10, 20]],
    ['one name', 'c', [30]],
  ])('columns given as %s are found without the resolved positions', (_, chosen, expected) => {
    const model = columns([['keep', 'passthrough', chosen]], { feature_names_in_: objects(['a', 'b', 'c']) })

    expect(transform(model, [[10, 20, 30]])).toEqual([expected])
  })

  test('positions that fit resolved win over the specification', () => {
    const model = columns([['keep', 'passthrough', 'callable?']], {
      _transformer_to_input_indices: new Map<Inert, Inert>([['keep', [1]]]),
    })

    expect(transform(model, [[10, 20, 30]])).toEqual([[20]])
  })

  test('results stand side by side in the order of the transformers, weighted', () => {
    const model = columns(
      [
        ['late', scaler([1]), [2]],
        ['gone', 'drop', [0]],
        ['none', scaler([5]), []],
        ['rest', 'passthrough', [1]],
      ],
      { transformer_weights: new Map<Inert, Inert>([['late', 0.5]]) },
    )

    expect(transform(model, [[10, 20, 30]])).toEqual([[14.5, 20]])
  })

  test('a column that no transformer reads may hold anything', () => {
    const program = lowerModel(columns([['keep', 'passthrough', [0, 2]]]))

    expect(program.inputs.map(({ kind }) => kind)).toEqual(['number', 'cell', 'number'])
  })

  test('a position outside the table is a contradiction', () => {
    expect(() => lowerModel(columns([['keep', 'passthrough', [3]]]))).toThrow(
      "transformer 'keep' reads a column that is not there",
    )
  })
})

test('a union puts its parts side by side and leaves dropped ones out', () => {
  const union = object('sklearn.pipeline.FeatureUnion', {
    transformer_list: [
      ['a', scaler([1])],
      ['b', 'drop'],
      ['c', 'passthrough'],
    ],
    transformer_weights: new Map<Inert, Inert>([['a', 2]]),
  })

  expect(transform(union, [[4]])).toEqual([[6, 4]])
})

describe('TransformedTargetRegressor', () => {
  const twice = object('sklearn.linear_model._base.LinearRegression', {
    n_features_in_: 1,
    coef_: doubles([2]),
    intercept_: 0,
  })
  const regressor = (transformer: Inert) =>
    object('sklearn.compose._target.TransformedTargetRegressor', {
      regressor_: twice,
      transformer_: transformer,
    })
  const functions = (inverse: Inert) =>
    object('sklearn.preprocessing._function_transformer.FunctionTransformer', {
      func: new GlobalRef('numpy', 'log1p'),
      inverse_func: inverse,
    })

  test('predictions go back through the inverse function', () => {
    expect(answer(regressor(functions(new GlobalRef('numpy', 'square'))), 'predict', [[3]])).toEqual([[36]])
  })

  test('predictions go back through the scalers of a pipeline, last one first', () => {
    const minMax = object('sklearn.preprocessing._data.MinMaxScaler', {
      scale_: doubles([0.5]),
      min_: doubles([1]),
      clip: false,
      feature_range: [0, 1],
    })

    expect(answer(regressor(pipeline(scaler([10]), minMax)), 'predict', [[3]])).toEqual([
      [(6 - 1) / 0.5 + 10],
    ])
  })

  test('a function that is not one of numpy’s is refused by name', () => {
    expect(() => lowerModel(regressor(functions(new GlobalRef('acme', 'undo'))))).toThrow('calls acme.undo')
    expect(() => lowerModel(regressor(functions(new GlobalRef('numpy', 'fromfile'))))).toThrow(
      'calls numpy.fromfile',
    )
  })
})
