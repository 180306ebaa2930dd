import { Cursor } from '../../bytes/cursor.ts'
import { FlatTable } from '../../bytes/flatbuffer.ts'
import { ModelError } from '../../errors.ts'
import { Section } from '../document.ts'
import { describe } from './json.ts'
import type { CatboostModel, CatboostNode, CatboostTree, Counter, CounterTable } from './model.ts'

const MAGIC = 'CBM1'
const FORMAT = 'FlabuffersModel_v1'
const STATISTICS = 'static_provider_v1'

/** Field numbers of CatBoost's FlatBuffers schema. */
const CORE = { format: 0, trees: 1, info: 2, parts: 3 }
const TREES = {
  dimension: 0,
  splits: 1,
  sizes: 2,
  starts: 3,
  categories: 4,
  floats: 5,
  oneHots: 6,
  counters: 7,
  leafValues: 8,
  steps: 10,
  leafIds: 11,
  texts: 12,
  estimated: 13,
  scale: 14,
  bias: 15,
  biases: 16,
  embeddings: 18,
}
const CTR_TYPES = [
  'Borders',
  'Buckets',
  'BinarizedTargetMeanValue',
  'FloatTargetMeanValue',
  'Counter',
  'FeatureFreq',
]
const MEAN_TYPES = new Set(['BinarizedTargetMeanValue', 'FloatTargetMeanValue'])
const AS_TRUE = 2

/** CatBoost's own file (`.cbm`): a FlatBuffers model, then tables of statistics. @throws ModelError corrupt | unsupported */
export function modelFromBinary(bytes: Uint8Array): CatboostModel {
  const cursor = new Cursor(bytes)
  if (cursor.latin1(4) !== MAGIC) throw corrupt('does not start with CBM1')
  const core = FlatTable.root(cursor.slice(cursor.u32()))
  if (core.text(CORE.format) !== FORMAT) throw unsupported('is of another version')
  const trees = core.table(CORE.trees)
  for (const field of [TREES.texts, TREES.estimated, TREES.embeddings])
    if (trees.count(field) > 0) throw unsupported('reads text or embeddings')
  const parts = core.texts(CORE.parts)
  if (parts.some((part) => part !== STATISTICS)) throw unsupported('has a part that we do not know')
  const tables = parts.length > 0 ? readTables(cursor) : new Map<string, CounterTable>()
  const dimension = trees.int(TREES.dimension, 0)
  const biases = trees.doubles(TREES.biases)
  const bias = biases.length > 0 ? biases : new Float64Array(dimension).fill(trees.double(TREES.bias, 0))
  if (!(dimension >= 1) || bias.length !== dimension) throw corrupt('has leaves of no size')
  const info = core.tables(CORE.info).map((entry): [string, string] => [entry.text(0), entry.text(1)])
  return {
    floats: trees.tables(TREES.floats).map((feature) => ({
      ...indices(feature, { index: 1, flatIndex: 2, name: 4 }),
      borders: feature.floats(3),
      missingAbove: feature.byte(5, 0) === AS_TRUE,
    })),
    categories: trees
      .tables(TREES.categories)
      .map((feature) => indices(feature, { index: 0, flatIndex: 1, name: 2 })),
    oneHots: trees
      .tables(TREES.oneHots)
      .map((oneHot) => ({ category: oneHot.int(0, -1), values: oneHot.ints(1) })),
    counters: trees.tables(TREES.counters).map((counter) => readCounter(counter, tables)),
    trees: readTrees(trees, dimension),
    dimension,
    scale: trees.double(TREES.scale, 1),
    bias,
    ...describe(new Section(new Map(info), 'model_info')),
  }
}

function indices(feature: FlatTable, fields: { index: number; flatIndex: number; name: number }) {
  const [index, flatIndex] = [feature.int(fields.index, -1), feature.int(fields.flatIndex, -1)]
  if (index < 0 || flatIndex < 0) throw corrupt('has a feature without a number')
  return { index, flatIndex, name: feature.text(fields.name) }
}

/** Type and combined features: what a statistic and its table are matched by. */
function baseOf(base: FlatTable): { type: string; categories: number[]; key: string } {
  const combination = base.table(0)
  if (combination.count(1) > 0 || combination.count(2) > 0)
    throw unsupported(
      'has statistics that combine categories with numbers',
      'train with max_ctr_complexity=1',
    )
  const type = CTR_TYPES[base.byte(1, 0)]
  if (type === undefined) throw unsupported('has statistics of a kind we do not know')
  const categories = Array.from(combination.ints(0))
  return { type, categories, key: `${type} ${categories.join()}` }
}

function readCounter(counter: FlatTable, tables: ReadonlyMap<string, CounterTable>): Counter {
  const ctr = counter.table(0)
  const { type, categories, key } = baseOf(ctr.table(0))
  const table = tables.get(key)
  if (table === undefined) throw corrupt('lacks the table of a statistic')
  return {
    type,
    categories,
    borders: counter.floats(1),
    targetBorder: ctr.int(1, 0),
    prior: ctr.float(2, 0),
    priorWeight: ctr.float(3, 1),
    shift: ctr.float(4, 0),
    scale: ctr.float(5, 1),
    table,
  }
}

/** Count, then each table with its length before it. */
function readTables(cursor: Cursor): Map<string, CounterTable> {
  const part = cursor.u32()
  if (part > 2 ** 20) throw corrupt(`says it has ${part} tables`)
  return new Map(
    Array.from({ length: part }, (): [string, CounterTable] => {
      const table = FlatTable.root(cursor.slice(cursor.u32()))
      const { type, key } = baseOf(table.table(0))
      return [key, readTable(table, MEAN_TYPES.has(type))]
    }),
  )
}

const BUCKET_BYTES = 12
const EMPTY = 0xffffffff

/** Buckets of a hash and the number of its row; rows of 32-bit counts, or of a float sum and a count. */
function readTable(table: FlatTable, means: boolean): CounterTable {
  const buckets = new Cursor(table.bytes(1))
  const rows = table.bytes(2)
  const view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength)
  const classes = table.int(4, 0)
  const stride = means ? 2 : Math.max(classes, 1)
  const keys: number[] = []
  const values: number[] = []
  for (let left = Math.floor(buckets.bytes.length / BUCKET_BYTES); left > 0; left--) {
    const [low, high, row] = [buckets.u32(), buckets.u32(), buckets.u32()]
    if (low === EMPTY && high === EMPTY) continue
    if ((row + 1) * stride * 4 > rows.length) throw corrupt('has a bucket without statistics')
    keys.push(low, high)
    for (let i = 0; i < stride; i++) {
      const at = (row * stride + i) * 4
      values.push(means && i === 0 ? view.getFloat32(at, true) : view.getInt32(at, true))
    }
  }
  return {
    keys: Uint32Array.from(keys),
    stride,
    values: Float64Array.from(values),
    denominator: table.int(3, 0),
  }
}

function readTrees(trees: FlatTable, dimension: number): CatboostTree[] {
  const splits = trees.ints(TREES.splits)
  const sizes = trees.ints(TREES.sizes)
  const values = trees.doubles(TREES.leafValues)
  const starts = new Int32Array(sizes.length)
  for (let i = 1; i < sizes.length; i++) starts[i] = starts[i - 1]! + sizes[i - 1]!
  if (trees.count(TREES.steps) > 0) {
    if (dimension > 1) throw unsupported('has nested trees with several outputs', 'save it as JSON')
    const steps = trees.ints(TREES.steps)
    const leafIds = trees.ints(TREES.leafIds)
    return Array.from(sizes, (size, i) => {
      const piece = { splits, steps, leafIds, values, end: starts[i]! + size, seen: new Set<number>() }
      return { kind: 'nested', root: nodeAt(piece, starts[i]!, 0) }
    })
  }
  let leaf = 0
  return Array.from(sizes, (depth, i) => {
    if (!(depth >= 0 && depth <= 24)) throw corrupt(`has a tree of depth ${depth}`)
    const tree = { splits: splits.subarray(starts[i]!, starts[i]! + depth), first: leaf }
    leaf += 2 ** depth * dimension
    return { kind: 'oblivious', splits: tree.splits, values: values.subarray(tree.first, leaf) }
  })
}

type Nodes = {
  readonly splits: Int32Array
  /** How far the left and the right child are, 16 bits each; 0: the node's own leaf. */
  readonly steps: Int32Array
  readonly leafIds: Int32Array
  readonly values: Float64Array
  readonly end: number
  /** Nodes met: each has one parent. */
  readonly seen: Set<number>
}

const MAX_DEPTH = 500

function nodeAt(nodes: Nodes, at: number, depth: number): CatboostNode {
  const [split, step] = [nodes.splits[at], nodes.steps[at]]
  if (at >= nodes.end || split === undefined || step === undefined || depth > MAX_DEPTH || nodes.seen.has(at))
    throw corrupt('has a tree that leads nowhere')
  nodes.seen.add(at)
  const [left, right] = [step & 0xffff, step >>> 16]
  const child = (distance: number): CatboostNode =>
    distance === 0 ? leafAt(nodes, at) : nodeAt(nodes, at + distance, depth + 1)
  return left === 0 && right === 0 ? leafAt(nodes, at) : { split, left: child(left), right: child(right) }
}

function leafAt({ leafIds, values }: Nodes, at: number): CatboostNode {
  const leaf = leafIds[at] ?? -1
  if (!(leaf >= 0 && leaf < values.length)) throw corrupt('has a leaf without a value')
  return { values: values.subarray(leaf, leaf + 1) }
}

const corrupt = (what: string): ModelError => new ModelError('corrupt', `the CatBoost file ${what}`)

const unsupported = (what: string, hint = 'save the model with format="json"'): ModelError =>
  new ModelError('unsupported', `the CatBoost file ${what}`, { hint })
