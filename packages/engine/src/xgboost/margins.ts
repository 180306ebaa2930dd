import { bitsetOf, CategorySets } from '../boosting/category-sets.ts'
import { type Growth, growTree } from '../boosting/grow.ts'
import type { TreeBooster, XgboostModel, XgboostTree } from '../formats/xgboost/model.ts'
import type { Graph } from '../ir/graph.ts'
import type { Ref } from '../ir/program.ts'
import { toFloat32 } from '../ops/links.ts'
import { linearSingle } from '../ops/single.ts'
import { trees } from '../ops/trees.ts'
import { type PlantedTree, plantForest } from '../sklearn/forest.ts'
import { baseMargin, objectiveOf } from './objectives.ts'

/** Categories are whole numbers below this. */
const MAX_CATEGORY = 2 ** 24

/**
 * Margins of the first `iterations` iterations, one per group: base margin, then tree by tree in float32.
 * A linear booster has no iterations and starts every output at the first base margin.
 * A row goes left when x < threshold, both float32; categories in a node's set go right; NaN goes the default way.
 */
export function addMargins(graph: Graph, x: Ref, model: XgboostModel, iterations: number): Ref {
  const init = startOf(model)
  const { booster } = model
  if (booster.kind === 'linear') {
    const split = model.features * model.groups
    const bias = init.map((_, j) => Math.fround(booster.weights[split + j]! + init[0]!))
    return graph.add(linearSingle, [x], { weights: booster.weights.slice(0, split), init: bias })
  }
  const categories = new CategorySets()
  const innerRate = graph.innerValues && hasInnerValues(model, booster) ? booster.learningRate : undefined
  const planted = plantTrees(model, { booster, iterations, innerRate }, categories)
  const leafWidth = booster.trees.some(({ leafOf }) => leafOf !== undefined) ? model.groups : 1
  const settled = settle(graph, categories, { x, model, planted })
  const { sets } = settled
  const sum = { cast: 'f32', leafWidth, init, divide: 1, compare: 'lt', sum: 'f32', sets } as const
  const attrs = plantForest(settled.planted, sum, innerRate !== undefined)
  const [start = 0, end = start + 1] = booster.iterations
  const iteration = graph.innerValues && planted.length > 0 ? { perIteration: end - start } : {}
  return graph.add(trees, [settled.x], { ...attrs, ...iteration })
}

/** Trees grown in parallel share the learning rate in a way the file does not tell. */
const hasInnerValues = ({ groups }: XgboostModel, { learningRate, trees: all, iterations }: TreeBooster) =>
  learningRate !== undefined &&
  all.every(({ baseWeights, left }) => baseWeights?.length === left.length) &&
  (iterations.length - 1) * groups === all.length

function startOf({ baseScores, groups, objective }: XgboostModel): Float64Array {
  const { base } = objectiveOf(objective)
  if (baseScores.length !== 1 && baseScores.length !== groups)
    throw new RangeError(`${baseScores.length} base scores for ${groups} outputs`)
  const margins = baseScores.map((score) => baseMargin(score, base))
  if (!margins.every(Number.isFinite)) throw new RangeError('a base score outside of its range')
  return Float64Array.from({ length: groups }, (_, j) => margins[j] ?? margins[0]!)
}

type Planted = {
  readonly x: Ref
  readonly model: XgboostModel
  readonly planted: readonly PlantedTree[]
}

/** 1.6 sent what is no known category the default way, later versions send it left. */
function settle(graph: Graph, categories: CategorySets, { x, model, planted }: Planted) {
  const [major = 0, minor = 0] = model.version
  const beyond = major < 1 || (major === 1 && minor < 7) ? Number.NaN : 0
  const sides = { member: 1, other: 0, beyond, nan: Number.NaN }
  const singles = categories.isEmpty ? x : graph.add(toFloat32, [x], {})
  return categories.settle(graph, singles, planted, { least: -Number.MIN_VALUE, sides })
}

type Wanted = {
  readonly booster: TreeBooster
  readonly iterations: number
  readonly innerRate: number | undefined
}

function plantTrees(
  model: XgboostModel,
  { booster, iterations, innerRate }: Wanted,
  categories: CategorySets,
): PlantedTree[] {
  const last = booster.iterations.length - 1
  const end = booster.iterations[Math.min(iterations, last)] ?? 0
  if (end > booster.trees.length || booster.groupOf.length < booster.trees.length)
    throw new RangeError('the list of trees and the list of their outputs differ in length')
  return booster.trees.slice(0, end).map((tree, i) => {
    const weight = booster.weights === undefined ? 1 : booster.weights[i]
    if (weight === undefined) throw new RangeError('a tree has no weight')
    const leafWidth = tree.leafOf === undefined ? 1 : model.groups
    const look = looker(model, tree, { weight, innerRate, categories })
    return growTree(0, look, {
      leafWidth,
      maxNodes: tree.left.length,
      slot: leafWidth > 1 ? 0 : booster.groupOf[i]!,
    })
  })
}

type Extras = {
  readonly weight: number
  /** Learning rate that the weights of inner nodes are multiplied by, where they are wanted and known. */
  readonly innerRate: number | undefined
  readonly categories: CategorySets
}

function looker(model: XgboostModel, tree: XgboostTree, { weight, innerRate, categories }: Extras) {
  const weighted = (value: number): number => Math.fround(value * weight)
  return (node: number): Growth<number> => {
    const left = tree.left[node]
    if (left === undefined) throw new RangeError(`a tree of ${tree.left.length} nodes points at node ${node}`)
    if (left === -1) return { leaf: tree.leafOf?.(node).map(weighted) ?? [weighted(tree.threshold[node]!)] }
    const feature = tree.feature[node]!
    if (!(feature >= 0 && feature < model.features))
      throw new RangeError(`a tree on ${model.features} columns reads column ${feature}`)
    const missingLeft = tree.defaultLeft[node] === 1
    const set = tree.sets.get(node)
    return {
      feature,
      threshold: set === undefined ? tree.threshold[node]! : 0.5,
      missingLeft,
      ...(set !== undefined && {
        categories: categories.add(feature, bitsetOf(set, MAX_CATEGORY), missingLeft),
      }),
      ...(innerRate !== undefined && {
        inner: [weighted(Math.fround(tree.baseWeights![node]! * innerRate))],
      }),
      left,
      right: tree.right[node]!,
    }
  }
}
