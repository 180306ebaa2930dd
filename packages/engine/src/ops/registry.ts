import * as activations from './activations.ts'
import * as catboost from './catboost.ts'
import * as categories from './categories.ts'
import * as checks from './checks.ts'
import * as columns from './columns.ts'
import * as densities from './densities.ts'
import * as discretising from './discretising.ts'
import * as duels from './duels.ts'
import * as encoding from './encoding.ts'
import * as ensembles from './ensembles.ts'
import * as filling from './filling.ts'
import * as functions from './functions.ts'
import * as imputing from './imputing.ts'
import * as interpolate from './interpolate.ts'
import * as inverses from './inverses.ts'
import * as kernels from './kernels.ts'
import * as linearLeaves from './linear-leaves.ts'
import * as links from './links.ts'
import * as logProbabilities from './log-probabilities.ts'
import * as matmul from './matmul.ts'
import * as multiclass from './multiclass.ts'
import * as naiveBayes from './naive-bayes.ts'
import * as neighbourTrees from './neighbour-trees.ts'
import * as neighbours from './neighbours.ts'
import * as onnx from './onnx.ts'
import type { Op } from './op.ts'
import * as polynomial from './polynomial.ts'
import * as records from './records.ts'
import * as scaling from './scaling.ts'
import * as single from './single.ts'
import * as sparse from './sparse.ts'
import * as splines from './splines.ts'
import * as tokens from './tokens.ts'
import * as trees from './trees.ts'
import * as votes from './votes.ts'

/** Every operation there is. A new file of operations is added here. */
const FILES = [
  catboost,
  categories,
  checks,
  columns,
  discretising,
  duels,
  encoding,
  imputing,
  polynomial,
  records,
  sparse,
  tokens,
  functions,
  interpolate,
  inverses,
  kernels,
  linearLeaves,
  links,
  logProbabilities,
  matmul,
  multiclass,
  naiveBayes,
  scaling,
  single,
  trees,
  votes,
  neighbours,
  neighbourTrees,
  densities,
  activations,
  ensembles,
  filling,
  splines,
  onnx,
] as const

const OPS: ReadonlyMap<string, Op> = new Map(
  FILES.flatMap((file) => Object.values(file as unknown as Record<string, Op>)).map((op) => [op.name, op]),
)

/** @throws RangeError for a name that is not an operation */
export function getOp(name: string): Op {
  const op = OPS.get(name)
  if (op === undefined) throw new RangeError(`unknown operation ${name}`)
  return op
}
