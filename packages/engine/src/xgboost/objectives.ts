import { ModelError } from '../errors.ts'
import type { Graph } from '../ir/graph.ts'
import type { Ref } from '../ir/program.ts'
import { log } from '../math/glibc.ts'
import { argmax, threshold } from '../ops/links.ts'
import { expitSingle, expSingle, softmaxSingle } from '../ops/single.ts'

/** What a margin becomes, and how base_score becomes a margin. */
export type Objective = { readonly answer: Answer; readonly base: Base }

type Answer = 'margin' | 'probability' | 'exponential' | 'softmax' | 'class' | 'step'
type Base = 'margin' | 'logit' | 'log'

const GROUPS: readonly (readonly [answer: Answer, base: Base, names: string])[] = [
  [
    'margin',
    'margin',
    `reg:squarederror reg:linear reg:squaredlogerror reg:pseudohubererror reg:absoluteerror reg:quantileerror
    binary:logitraw rank:pairwise rank:ndcg rank:map`,
  ],
  ['probability', 'logit', 'binary:logistic reg:logistic'],
  ['exponential', 'log', 'count:poisson reg:gamma reg:tweedie survival:cox survival:aft'],
  ['softmax', 'margin', 'multi:softprob'],
  ['class', 'margin', 'multi:softmax'],
  ['step', 'margin', 'binary:hinge'],
]

const OBJECTIVES: ReadonlyMap<string, Objective> = new Map(
  GROUPS.flatMap(([answer, base, names]) =>
    names.split(/\s+/).map((name) => [name, { answer, base }] as const),
  ),
)

/** Names of all objectives served. */
export const objectiveNames = (): string[] => [...OBJECTIVES.keys()].sort()

/** @throws ModelError unsupported */
export function objectiveOf(name: string): Objective {
  const objective = OBJECTIVES.get(name)
  if (objective === undefined)
    throw new ModelError('unsupported', `XGBoost's objective ${name} is not known`, {
      hint: 'export the model to ONNX',
    })
  return objective
}

/** base_score as a margin, rounded to float32 after every step. */
export function baseMargin(score: number, base: Base): number {
  if (base === 'margin') return score
  if (base === 'log') return Math.fround(log(score))
  return -Math.fround(log(Math.fround(Math.fround(1 / score) - 1)))
}

/** Margins → what `predict` of the booster answers. */
export function answerOf(graph: Graph, margin: Ref, { answer }: Objective): Ref {
  switch (answer) {
    case 'margin':
      return margin
    case 'probability':
      return graph.add(expitSingle, [margin], {})
    case 'exponential':
      return graph.add(expSingle, [margin], {})
    case 'softmax':
      return graph.add(softmaxSingle, [margin], {})
    case 'class':
      return graph.add(argmax, [margin], {})
    case 'step':
      return graph.add(threshold, [margin], { threshold: 0, inclusive: false })
  }
}
