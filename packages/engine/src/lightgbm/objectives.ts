import { ModelError } from '../errors.ts'
import type { Graph } from '../ir/graph.ts'
import type { Ref } from '../ir/program.ts'
import { exp, expit, logOfOnePlusExp, signedSquare, softmaxInOrder } from '../ops/links.ts'

type Link = (graph: Graph, scores: Ref, parameters: ReadonlyMap<string, number>) => Ref

const same: Link = (_, scores) => scores
const exponential: Link = (graph, scores) => graph.add(exp, [scores], {})
const sigmoid: Link = (graph, scores, parameters) =>
  graph.add(expit, [scores], { scale: parameters.get('sigmoid') ?? 1 })
/** `sqrt`: the model was fitted on square roots. */
const squared: Link = (graph, scores, parameters) =>
  parameters.has('sqrt') ? graph.add(signedSquare, [scores], {}) : scores

/** Scores → answers by objective. The empty name is an objective of one's own, which has no link. */
const LINKS: ReadonlyMap<string, Link> = new Map([
  ...[
    '',
    'none',
    'custom',
    'regression_l1',
    'huber',
    'fair',
    'quantile',
    'mape',
    'lambdarank',
    'rank_xendcg',
  ].map((name) => [name, same] as const),
  ...['regression', 'regression_l2'].map((name) => [name, squared] as const),
  ...['poisson', 'gamma', 'tweedie'].map((name) => [name, exponential] as const),
  ...['binary', 'multiclassova', 'cross_entropy'].map((name) => [name, sigmoid] as const),
  ['cross_entropy_lambda', (graph, scores) => graph.add(logOfOnePlusExp, [scores], {})],
  ['multiclass', (graph, scores) => graph.add(softmaxInOrder, [scores], {})],
])

/** Names of all objectives served. */
export const objectiveNames = (): string[] => [...LINKS.keys()].filter((name) => name !== '').sort()

/** What the booster predicts. @throws ModelError unsupported */
export function answerOf(graph: Graph, scores: Ref, objective: readonly string[]): Ref {
  const [name = '', ...settings] = objective
  const link = LINKS.get(name)
  if (link === undefined)
    throw new ModelError('unsupported', `LightGBM's objective ${name} is not known`, {
      hint: 'export the model to ONNX',
    })
  const parameters = settings.map((setting): [string, number] => {
    const [key, value] = setting.split(':')
    return [key!, Number(value ?? 1)]
  })
  return link(graph, scores, new Map(parameters))
}

/** Has it one probability per class, or one for two? */
export const isClassification = ([name]: readonly string[]): boolean =>
  name === 'binary' || name === 'multiclass' || name === 'multiclassova'
