import { Budget, DEFAULT_LIMITS } from '../../bytes/limits.ts'
import { ModelError } from '../../errors.ts'
import { type Doc, Section } from '../document.ts'
import { parseJson, readJson } from '../json.ts'
import type {
  CatboostModel,
  CatboostNode,
  CatboostTree,
  Counter,
  CounterTable,
  FloatFeature,
  OneHot,
} from './model.ts'

/** CatBoost's JSON. @throws ModelError corrupt | unsupported */
export function modelFromJson(bytes: Uint8Array): CatboostModel {
  const top = new Section(readJson(bytes, new Budget(DEFAULT_LIMITS)), 'the model')
  const info = top.section('features_info')
  for (const kind of ['text_features', 'embedding_features', 'estimated_features'])
    if (info.has(kind) && info.list(kind).length > 0)
      throw new ModelError('unsupported', `CatBoost models with ${kind} are not served yet`)
  const [scale, bias] = top.list('scale_and_bias')
  const biases = Array.isArray(bias) ? bias : [bias]
  const start = new Section(
    new Map<string, Doc>([
      ['scale', scale ?? null],
      ['bias', biases as Doc[]],
    ]),
    'scale_and_bias',
  )
  const trees = readTrees(top)
  return {
    floats: each(info, 'float_features').map(readFloat),
    categories: each(info, 'categorical_features').map(readFeature),
    oneHots: each(info, 'categorical_features').flatMap(readOneHot),
    counters: each(info, 'ctrs').map((counter) => readCounter(counter, top)),
    trees,
    dimension: start.numbers('bias').length,
    scale: start.number('scale'),
    bias: start.numbers('bias'),
    ...describe(top.section('model_info')),
  }
}

const each = (section: Section, key: string): Section[] => (section.has(key) ? section.sections(key) : [])

const readFeature = (feature: Section) => ({
  index: feature.count('feature_index'),
  flatIndex: feature.count('flat_feature_index'),
  name: feature.text('feature_id', ''),
})

const readFloat = (feature: Section): FloatFeature => ({
  ...readFeature(feature),
  borders: feature.numbers('borders', new Float64Array(0)),
  missingAbove: feature.text('nan_value_treatment', 'AsIs') === 'AsTrue',
})

const readOneHot = (feature: Section): OneHot[] =>
  feature.has('values')
    ? [{ category: feature.count('feature_index'), values: Int32Array.from(feature.numbers('values')) }]
    : []

function readCounter(counter: Section, top: Section): Counter {
  const elements = counter.sections('elements')
  return {
    type: counter.text('ctr_type'),
    categories: elements.map((element) => {
      if (element.text('combination_element') === 'cat_feature_value')
        return element.count('cat_feature_index')
      throw new ModelError(
        'unsupported',
        'CatBoost statistics that combine categories with numbers are not served yet',
        {
          hint: 'train with max_ctr_complexity=1',
        },
      )
    }),
    borders: counter.numbers('borders'),
    targetBorder: counter.count('target_border_idx'),
    prior: Math.fround(counter.number('prior_numerator')),
    priorWeight: Math.fround(counter.number('prior_denomerator')),
    shift: Math.fround(counter.number('shift')),
    scale: Math.fround(counter.number('scale')),
    table: readTable(top.section('ctr_data').section(counter.text('identifier'))),
  }
}

/** hash, numbers, hash, numbers … Hashes are written as text, being beyond what JSON numbers hold. */
function readTable(table: Section): CounterTable {
  const stride = table.count('hash_stride') - 1
  const items = table.list('hash_map')
  if (stride < 1 || items.length % (stride + 1) !== 0) throw corrupt('a table of statistics is cut short')
  const count = items.length / (stride + 1)
  const keys = new Uint32Array(2 * count)
  const values = new Float64Array(stride * count)
  for (let i = 0; i < count; i++) {
    const key = items[i * (stride + 1)]
    if (typeof key !== 'string' || !/^\d{1,20}$/.test(key)) throw corrupt('a hash is not a number')
    keys[2 * i] = Number(BigInt(key) & 0xffffffffn)
    keys[2 * i + 1] = Number((BigInt(key) >> 32n) & 0xffffffffn)
    for (let j = 0; j < stride; j++) {
      const value = items[i * (stride + 1) + 1 + j]
      if (typeof value !== 'number') throw corrupt('a statistic is not a number')
      values[i * stride + j] = value
    }
  }
  return { keys, stride, values, denominator: table.number('counter_denominator', 0) }
}

function readTrees(top: Section): CatboostTree[] {
  if (top.has('oblivious_trees'))
    return top.sections('oblivious_trees').map((tree) => ({
      kind: 'oblivious',
      splits: Int32Array.from(each(tree, 'splits'), (split) => split.count('split_index')),
      values: tree.numbers('leaf_values'),
    }))
  return top.sections('trees').map((tree) => ({ kind: 'nested', root: readNode(tree) }))
}

function readNode(node: Section): CatboostNode {
  if (!node.has('split')) {
    const value = node.find('value')
    return { values: typeof value === 'number' ? Float64Array.of(value) : node.numbers('value') }
  }
  return {
    split: node.section('split').count('split_index'),
    left: readNode(node.section('left')),
    right: readNode(node.section('right')),
  }
}

/** Loss and classes, which the model keeps among its notes. */
export function describe(info: Section): Pick<CatboostModel, 'loss' | 'classes'> {
  if (info.has('binclass_probability_threshold'))
    throw new ModelError(
      'unsupported',
      'CatBoost models with their own probability threshold are not served yet',
    )
  const params = noteOf(info, 'params')
  const loss = params?.has('loss_function') === true ? params.section('loss_function').text('type') : ''
  const classes = noteOf(info, 'class_params')
  if (classes === undefined || classes.list('class_names').length === 0) return { loss, classes: undefined }
  const type = classes.text('class_label_type')
  const dtype = Object.hasOwn(LABEL_TYPES, type) ? LABEL_TYPES[type]! : undefined
  if (dtype === undefined)
    throw new ModelError('unsupported', `CatBoost labels of type ${type} are not served yet`)
  const labels = classes.list('class_names').map((label) => {
    if (typeof label === 'number' || typeof label === 'string') return label
    throw corrupt('a class has no name')
  })
  return { loss, classes: { labels, dtype } }
}

const LABEL_TYPES: Readonly<Record<string, string>> = { Integer: 'int64', String: 'string', Float: 'float64' }

/** Notes are objects, or text that holds one. */
function noteOf(info: Section, key: string): Section | undefined {
  const note = info.find(key)
  if (note === undefined) return undefined
  return new Section(
    typeof note === 'string' ? parseJson(note, new Budget(DEFAULT_LIMITS)) : note,
    `model_info.${key}`,
  )
}

const corrupt = (what: string): ModelError => new ModelError('corrupt', `the CatBoost model: ${what}`)
