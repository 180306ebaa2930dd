import type { Graph } from '../ir/graph.ts'
import type { Ref } from '../ir/program.ts'
import { type Activation, activation } from '../ops/activations.ts'
import { argmax, binaryProba, softmax, threshold } from '../ops/links.ts'
import { numbersOf } from '../pickle/numpy.ts'
import { NdArray } from '../pickle/values.ts'
import { timesMatrix } from './affine.ts'
import { classesOf, labelled, matrix, vector } from './answers.ts'
import type { Estimator } from './estimator.ts'
import { finiteRows } from './inputs.ts'
import { type Family, type Lower, once } from './lowering.ts'

function activate(estimator: Estimator, graph: Graph, sums: Ref, key: string): Ref {
  const name = estimator.text(key)
  if (name === 'identity') return sums
  if (name === 'softmax') return graph.add(softmax, [sums], {})
  if (name === 'relu' || name === 'tanh' || name === 'logistic')
    return graph.add(activation, [sums], { activation: name satisfies Activation })
  throw estimator.error('unsupported', `${estimator.name} has the activation ${name}, which we do not know`)
}

/**
 * Layer by layer x · coefs + intercepts, activated. Rows are float64, so sums are too, float32 coefficients or not.
 */
function outputLayer(estimator: Estimator, x: Ref, graph: Graph): Ref {
  const coefficients = estimator.list('coefs_')
  const intercepts = estimator.list('intercepts_')
  const last = coefficients.length - 1
  return coefficients.reduce<Ref>(
    (rows, layer, i) => {
      const shift = intercepts[i]
      if (!(layer instanceof NdArray && shift instanceof NdArray && layer.shape.length === 2))
        throw estimator.error('corrupt', `${estimator.name} has a layer that is not a matrix`)
      const weights = { values: numbersOf(layer), rows: layer.shape[0]!, columns: layer.shape[1]! }
      const sums = timesMatrix(graph, rows, weights, numbersOf(shift))
      return activate(estimator, graph, sums, i === last ? 'out_activation_' : 'activation')
    },
    finiteRows(graph, x),
  )
}

const lowerRegressor: Lower = (estimator, x, { graph }) => ({
  methods: {
    predict: once(() => {
      const node = outputLayer(estimator, x, graph)
      return graph.width(node) === 1 ? vector(node) : matrix(node)
    }),
  },
})

/** One output per class, one alone for two classes, or one per label where a row can have several. */
const lowerClassifier: Lower = (estimator, x, { graph }) => {
  const binarizer = estimator.child(estimator.get('_label_binarizer'), '_label_binarizer')
  const classes = classesOf(binarizer)
  const multiLabel = binarizer.text('y_type_').startsWith('multilabel')
  const shares = once(() => outputLayer(estimator, x, graph))
  const above = (): Ref => graph.add(threshold, [shares()], { threshold: 0.5, inclusive: false })
  return {
    classes: [classes.labels],
    methods: {
      predict: once(() => {
        if (multiLabel) return matrix(above(), 'int64')
        const alone = graph.width(shares()) === 1
        return labelled(alone ? above() : graph.add(argmax, [shares()], {}), classes)
      }),
      predict_proba: once(() => {
        const alone = graph.width(shares()) === 1
        return matrix(alone ? graph.add(binaryProba, [shares()], {}) : shares())
      }),
    },
  }
}

const FIELDS = `classes_ coefs_ intercepts_ out_activation_ n_outputs_ n_layers_ n_iter_ t_ loss_ best_loss_ loss_curve_
  validation_scores_ best_validation_score_`

export const neuralNetworkFamily: readonly Family[] = [
  { names: ['sklearn.neural_network.MLPClassifier'], fields: FIELDS, lower: lowerClassifier },
  { names: ['sklearn.neural_network.MLPRegressor'], fields: FIELDS, lower: lowerRegressor },
]
