import type { Graph } from '../ir/graph.ts'
import type { Ref } from '../ir/program.ts'
import { threshold } from '../ops/links.ts'
import { labelled, vector } from './answers.ts'
import { type Lowered, once } from './lowering.ts'

export type DetectorScores = {
  readonly decision: () => Ref
  readonly score: () => Ref
  /** A decision of exactly 0 is inside; libsvm's machine says outside. */
  readonly inclusive?: boolean
  /** Decisions below are outside. */
  readonly limit?: number
  readonly dtype?: string
}

/** The answers of an outlier detector: +1 inside, −1 outside by the limit of the decision; each of width 1. */
export function detector(graph: Graph, scores: DetectorScores): Lowered {
  const { decision, score, inclusive = true, limit = 0, dtype = 'int64' } = scores
  return {
    methods: {
      predict: once(() => {
        const inside = graph.add(threshold, [decision()], { threshold: limit, inclusive })
        return labelled(inside, { labels: [-1, 1], dtype })
      }),
      decision_function: once(() => vector(decision())),
      score_samples: once(() => vector(score())),
    },
  }
}
