import { assertColumnCount } from '../../bytes/limits.ts'
import { latin1 } from '../../bytes/text.ts'
import { ModelError } from '../../errors.ts'
import { type Doc, Section } from '../document.ts'
import type { LinearBooster, TreeBooster, XgboostModel, XgboostTree } from './model.ts'

/** A model out of JSON or UBJSON, which hold the same tree of keys. @throws ModelError corrupt | unsupported */
export function modelFromDocument(document: Doc): XgboostModel {
  const top = new Section(document, 'the model')
  const root = top.has('Model') ? top.section('Model') : top
  const learner = root.section('learner')
  const param = learner.section('learner_model_param')
  const classes = param.count('num_class', 0)
  const targets = param.count('num_target', 1)
  const groups = Math.max(classes, targets, 1)
  const shape = { groups, features: param.count('num_feature') }
  assertColumnCount(shape.features)
  return {
    version: Array.from(root.numbers('version')),
    ...shape,
    classes,
    targets,
    objective: learner.section('objective').text('name'),
    baseScores: baseScores(param.text('base_score')),
    booster: withLearningRate(readBooster(learner.section('gradient_booster'), shape), top),
    featureNames: learner.has('feature_names') ? learner.texts('feature_names') : [],
    featureTypes: learner.has('feature_types') ? learner.texts('feature_types') : [],
    categories: readCategories(learner.section('gradient_booster')),
    attributes: readAttributes(learner),
  }
}

/** `5E-1`, from 3.1 `[5E-1]` with an entry per group. */
function baseScores(text: string): number[] {
  const numbers = text.replace(/^\[|\]$/g, '').split(',')
  return numbers.map((number) => {
    const value = Math.fround(Number(number))
    if (number.trim() !== '' && Number.isFinite(value)) return value
    throw new ModelError('corrupt', 'base_score is not a number')
  })
}

function readAttributes(learner: Section): Map<string, string> {
  if (!learner.has('attributes')) return new Map()
  const attributes = learner.section('attributes')
  return new Map([...attributes.fields.keys()].map((key) => [key, attributes.text(key)]))
}

/** A pickle holds the parameters of training beside the model. */
function withLearningRate(booster: XgboostModel['booster'], top: Section): XgboostModel['booster'] {
  if (booster.kind === 'linear' || !top.has('Config')) return booster
  const outer = top.section('Config').section('learner').section('gradient_booster')
  const trained = outer.has('gbtree') ? outer.section('gbtree') : outer
  if (!trained.has('tree_train_param')) return booster
  return {
    ...booster,
    learningRate: Math.fround(trained.section('tree_train_param').number('learning_rate')),
  }
}

type Shape = { readonly groups: number; readonly features: number }

function readBooster(booster: Section, shape: Shape): TreeBooster | LinearBooster {
  const name = booster.text('name')
  if (name === 'gblinear') return { kind: 'linear', weights: singles(booster.section('model'), 'weights') }
  if (name === 'gbtree') return readTrees(booster.section('model'), undefined, shape)
  if (name === 'dart')
    return readTrees(booster.section('gbtree').section('model'), singles(booster, 'weight_drop'), shape)
  throw new ModelError('unsupported', `XGBoost's booster ${name} is not known`)
}

function readTrees(model: Section, weights: Float64Array | undefined, shape: Shape): TreeBooster {
  const trees = model.sections('trees').map((tree) => readTree(tree, shape))
  const vectors = trees.some(({ leafOf }) => leafOf !== undefined)
  const param = model.section('gbtree_model_param')
  const step = param.count('num_parallel_tree', 1) * (vectors ? 1 : shape.groups)
  return {
    kind: 'trees',
    trees,
    groupOf: model.integers('tree_info'),
    weights,
    iterations: model.has('iteration_indptr')
      ? model.integers('iteration_indptr')
      : evenIterations(trees.length, step),
    learningRate: undefined,
  }
}

/** Starts of iterations of `step` trees each, and the end. */
export const evenIterations = (trees: number, step: number): Int32Array =>
  Int32Array.from({ length: Math.ceil(trees / Math.max(step, 1)) + 1 }, (_, i) =>
    Math.min(i * Math.max(step, 1), trees),
  )

function readTree(tree: Section, { groups }: Shape): XgboostTree {
  const left = tree.integers('left_children')
  const right = tree.integers('right_children')
  const count = left.length
  const feature = tree.integers('split_indices')
  const threshold = singles(tree, 'split_conditions')
  const defaultLeft = Uint8Array.from(tree.numbers('default_left'))
  for (const column of [right, feature, threshold, defaultLeft])
    if (column.length !== count)
      throw new ModelError('corrupt', `${tree.name} has columns of several lengths`)
  const width = tree.section('tree_param').count('size_leaf_vector', 1)
  if (width > 1 && width !== groups)
    throw new ModelError('corrupt', `${tree.name} has leaves of ${width} values for ${groups} outputs`)
  return {
    left,
    right,
    feature,
    threshold,
    defaultLeft,
    sets: readSets(tree),
    baseWeights: width === 1 && tree.has('base_weights') ? singles(tree, 'base_weights') : undefined,
    leafOf: width > 1 ? leafVectors(tree, right, width) : undefined,
  }
}

/** From 3.1 `leaf_weights`, whose row is in the leaf's right child; before, rows of `base_weights` by node. */
function leafVectors(tree: Section, right: Int32Array, width: number): (node: number) => Float64Array {
  const compact = tree.has('leaf_weights')
  const values = singles(tree, compact ? 'leaf_weights' : 'base_weights')
  return (node) => {
    const row = compact ? right[node]! : node
    if (row < 0) throw new RangeError('a leaf has no values')
    return values.subarray(row * width, (row + 1) * width)
  }
}

/** Categories of each categorical node: a piece of one list. */
function readSets(tree: Section): Map<number, number[]> {
  const nodes = tree.integers('categories_nodes', new Float64Array(0))
  if (nodes.length === 0) return new Map()
  const categories = tree.integers('categories')
  const starts = tree.integers('categories_segments')
  const sizes = tree.integers('categories_sizes')
  return new Map(
    Array.from(nodes, (node, i): [number, number[]] => {
      const [start, size] = [starts[i] ?? -1, sizes[i] ?? -1]
      if (start < 0 || size < 0 || start + size > categories.length)
        throw new ModelError('corrupt', `${tree.name} has a set of categories that is not there`)
      return [node, Array.from(categories.subarray(start, start + size))]
    }),
  )
}

/**
 * `cats.enc`: per feature offsets into text, or numbers; nothing for features that are not categorical. 3.2 counts
 * characters where it writes bytes, and so cuts off text beyond ASCII: nothing for such features either.
 */
function readCategories(booster: Section): (string | number)[][] {
  const inner = booster.has('gbtree') ? booster.section('gbtree') : booster
  const model = inner.section('model')
  if (!model.has('cats')) return []
  return model
    .section('cats')
    .sections('enc')
    .map((encoding) => {
      if (!encoding.has('offsets'))
        return encoding.has('values') ? Array.from(encoding.numbers('values')) : []
      const offsets = encoding.integers('offsets')
      const bytes = Uint8Array.from(encoding.numbers('values'))
      if (bytes.some((byte) => byte > 127)) return []
      const ascii = latin1(bytes)
      return Array.from(offsets.subarray(1), (end, i) => ascii.slice(offsets[i]!, end))
    })
}

const singles = (section: Section, key: string): Float64Array => section.numbers(key).map(Math.fround)
