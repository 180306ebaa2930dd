import { Cursor } from '../../bytes/cursor.ts'
import { assertColumnCount } from '../../bytes/limits.ts'
import { ModelError } from '../../errors.ts'
import { evenIterations } from './document.ts'
import type { LinearBooster, TreeBooster, XgboostModel, XgboostTree } from './model.ts'

const MAGIC = 'binf'
const RESERVED_BYTES = 100
const LINEAR_PARAM_BYTES = 136
/** Counts of the file are checked against the bytes that so many things need. */
const NODE_BYTES = 36

/**
 * The format of XGBoost before JSON, little-endian, written up to 3.0: `binf`, parameters of the learner, names of
 * objective and booster, the booster, attributes. It has no categories and no leaves of several values.
 * @throws ModelError corrupt | unsupported
 */
export function modelFromBinary(bytes: Uint8Array): XgboostModel {
  const cursor = new Cursor(bytes)
  if (cursor.latin1(4) !== MAGIC) throw new ModelError('corrupt', 'the file does not start with binf')
  const baseScore = f32(cursor)
  const features = cursor.u32()
  assertColumnCount(features)
  const classes = cursor.i32()
  const [hasAttributes, hasMetrics] = [cursor.i32(), cursor.i32()]
  const version = [cursor.u32(), cursor.u32(), 0]
  const targets = Math.max(cursor.u32(), 1)
  cursor.take(4 + RESERVED_BYTES)
  const groups = Math.max(classes, targets, 1)
  if (classes < 0 || groups > 2 ** 20)
    throw new ModelError('corrupt', `the file says it has ${groups} outputs`)
  const objective = text(cursor)
  const booster = readBooster(cursor, text(cursor), { groups, features })
  const attributes = new Map<string, string>()
  if (hasAttributes !== 0)
    for (let left = count(cursor, 16); left > 0; left--) attributes.set(text(cursor), text(cursor))
  if (hasMetrics !== 0) for (let left = count(cursor, 8); left > 0; left--) text(cursor)
  return {
    version,
    features,
    groups,
    classes,
    targets,
    objective,
    baseScores: [baseScore],
    booster,
    featureNames: [],
    featureTypes: [],
    categories: [],
    attributes,
  }
}

type Shape = { readonly groups: number; readonly features: number }

function readBooster(cursor: Cursor, name: string, shape: Shape): TreeBooster | LinearBooster {
  if (name === 'gblinear') {
    cursor.take(LINEAR_PARAM_BYTES)
    return { kind: 'linear', weights: singles(cursor) }
  }
  if (name !== 'gbtree' && name !== 'dart')
    throw new ModelError('unsupported', `XGBoost's booster ${name} is not known`)
  const trees = readTrees(cursor, shape)
  const weights = name === 'dart' && trees.trees.length > 0 ? singles(cursor) : undefined
  return { ...trees, weights }
}

function readTrees(cursor: Cursor, { groups }: Shape): TreeBooster {
  const [treeCount, parallel] = [cursor.i32(), cursor.i32()]
  cursor.take(20)
  if (cursor.i32() > 1) throw vectorLeaves()
  cursor.take(128)
  if (treeCount < 0 || treeCount * 148 > cursor.bytes.length)
    throw new ModelError('corrupt', `the file says it has ${treeCount} trees`)
  const trees = Array.from({ length: treeCount }, () => readTree(cursor))
  const groupOf = Int32Array.from(trees, () => cursor.i32())
  const iterations = evenIterations(treeCount, Math.max(parallel, 1) * groups)
  return { kind: 'trees', trees, groupOf, weights: undefined, iterations, learningRate: undefined }
}

function readTree(cursor: Cursor): XgboostTree {
  cursor.take(4)
  const nodes = cursor.i32()
  cursor.take(12)
  if (cursor.i32() > 1) throw vectorLeaves()
  cursor.take(124)
  if (nodes < 0 || nodes * NODE_BYTES > cursor.bytes.length)
    throw new ModelError('corrupt', `the file says a tree has ${nodes} nodes`)
  const tree = {
    left: new Int32Array(nodes),
    right: new Int32Array(nodes),
    feature: new Int32Array(nodes),
    threshold: new Float64Array(nodes),
    defaultLeft: new Uint8Array(nodes),
  }
  for (let node = 0; node < nodes; node++) {
    cursor.take(4)
    tree.left[node] = cursor.i32()
    tree.right[node] = cursor.i32()
    const feature = cursor.u32()
    tree.feature[node] = feature & 0x7fffffff
    tree.defaultLeft[node] = feature >>> 31
    tree.threshold[node] = f32(cursor)
  }
  cursor.take(nodes * 16)
  return { ...tree, sets: new Map(), baseWeights: undefined, leafOf: undefined }
}

const vectorLeaves = (): ModelError =>
  new ModelError('unsupported', 'leaves of several values in a binary file', { hint: 'save it as JSON' })

function f32(cursor: Cursor): number {
  const bytes = cursor.slice(4)
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getFloat32(0, true)
}

/** Length of a list whose items need so many bytes each. */
function count(cursor: Cursor, itemBytes: number): number {
  const items = cursor.u64()
  if (items * itemBytes > cursor.bytes.length - cursor.at)
    throw new ModelError('corrupt', `the file says a list has ${items} items`)
  return items
}

const text = (cursor: Cursor): string => cursor.utf8(count(cursor, 1))

const singles = (cursor: Cursor): Float64Array =>
  Float64Array.from({ length: count(cursor, 4) }, () => f32(cursor))
