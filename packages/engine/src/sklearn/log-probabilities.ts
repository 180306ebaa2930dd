import type { Graph } from '../ir/graph.ts'
import { logProbability } from '../ops/log-probabilities.ts'
import type { Estimator } from './estimator.ts'
import { type Lowered, type LoweredOutput, once } from './lowering.ts'

/** Classes with `predict_log_proba`, besides those that pass on what another estimator answers. */
const CLASSES: ReadonlySet<string> = new Set(
  `discriminant_analysis.LinearDiscriminantAnalysis discriminant_analysis.QuadraticDiscriminantAnalysis
  dummy.DummyClassifier ensemble.AdaBoostClassifier ensemble.BaggingClassifier ensemble.ExtraTreesClassifier
  ensemble.GradientBoostingClassifier ensemble.RandomForestClassifier linear_model.LogisticRegression
  linear_model.LogisticRegressionCV linear_model.SGDClassifier multioutput.ClassifierChain naive_bayes.BernoulliNB
  naive_bayes.CategoricalNB naive_bayes.ComplementNB naive_bayes.GaussianNB naive_bayes.MultinomialNB
  neural_network.MLPClassifier svm.NuSVC svm.SVC tree.DecisionTreeClassifier tree.ExtraTreeClassifier`
    .split(/\s+/)
    .map((name) => `sklearn.${name}`),
)

/** The same answers and, of a class that has it, `predict_log_proba`: the logarithms, unless it was lowered in a way of its own. */
export function withLogProbabilities(estimator: Estimator, lowered: Lowered, graph: Graph): Lowered {
  const { predict_proba, predict_log_proba } = lowered.methods
  if (predict_proba === undefined || predict_log_proba !== undefined || !CLASSES.has(estimator.name))
    return lowered
  const logarithms = once(() => logarithmsOf(graph, predict_proba()))
  return { ...lowered, methods: { ...lowered.methods, predict_log_proba: logarithms } }
}

/** Logarithms of probabilities, where `zero` stands for 0. */
export const logarithmsOf = (graph: Graph, output: LoweredOutput, zero = 0): LoweredOutput => ({
  ...output,
  parts: output.parts.map((part) => graph.add(logProbability, [part], { zero })),
})
