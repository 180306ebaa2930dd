import type { Graph } from '../ir/graph.ts'
import type { Cell, Ref } from '../ir/program.ts'
import { categoryIndex, lookUp, oneHot } from '../ops/encoding.ts'
import { checkCells } from '../ops/imputing.ts'
import { cellsOf, numbersOf } from '../pickle/numpy.ts'
import { GlobalRef, type Inert, NdArray } from '../pickle/values.ts'
import { earlyOneHot, isEarlyOneHot } from './early-one-hot.ts'
import type { Estimator } from './estimator.ts'
import type { Family, Lower } from './lowering.ts'
import { transformer } from './scaling.ts'
import { isBefore } from './version.ts'

/** Known categories of one column: in index order, NaN (always last) apart. */
type Known = { readonly cells: readonly Cell[]; readonly nan: number; readonly numeric: boolean }

function knownCategories(encoder: Estimator): Known[] {
  return encoder.list('categories_').map((value) => {
    if (!(value instanceof NdArray))
      throw encoder.error('corrupt', `${encoder.name}.categories_ holds no arrays`)
    const cells = cellsOf(value)
    const nan = cells.findIndex(Number.isNaN)
    if (nan >= 0 && nan !== cells.length - 1)
      throw encoder.error('corrupt', `${encoder.name} has a NaN category that is not the last`)
    return { cells: nan < 0 ? cells : cells.slice(0, nan), nan, numeric: 'biuf'.includes(value.dtype.kind) }
  })
}

const count = ({ cells, nan }: Known): number => cells.length + (nan < 0 ? 0 : 1)

/**
 * Index of every column's category. Columns with text or None among their categories are read as cells; numeric ones
 * stay numbers, so that a scaler beside the encoder can read them too.
 */
function indexCategories(graph: Graph, x: Ref, known: readonly Known[], refuse: boolean): Ref {
  const texts = known.flatMap(({ cells }, column) => (cells.every(isNumeric) ? [] : [column]))
  if (texts.length > 0) graph.toCells(graph.select(x, texts))
  return graph.add(categoryIndex, [x], {
    categories: known.map(({ cells }) =>
      cells.every((cell) => typeof cell === 'number') ? Float64Array.from(cells) : cells,
    ),
    nan: Int32Array.from(known, ({ nan }) => nan),
    refuse: new Uint8Array(known.length).fill(refuse ? 1 : 0),
    finite: Uint8Array.from(known, ({ numeric }) => (numeric ? 1 : 0)),
  })
}

/** Before 0.24 NaN was no category and raised, whatever was to be done about unknown ones. */
function withoutNaN(encoder: Estimator, x: Ref, graph: Graph): Ref {
  if (!isBefore(encoder, 0, 24)) return x
  const refuse = new Uint8Array(graph.width(x)).fill(1)
  return graph.add(checkCells, [x], { refuse, message: 'contains NaN' })
}

const isNumeric = (cell: Cell): boolean => typeof cell === 'number' || typeof cell === 'boolean'

/** Per column: group of each category once infrequent ones are merged; undefined where nothing is merged. */
function grouping(encoder: Estimator): { groups: (Inert | undefined)[]; infrequent: (number | undefined)[] } {
  if (!encoder.flag('_infrequent_enabled', false)) return { groups: [], infrequent: [] }
  const first = (indices: Inert): number | undefined =>
    indices instanceof NdArray ? numbersOf(indices)[0] : undefined
  return {
    groups: encoder.list('_default_to_infrequent_mappings'),
    infrequent: encoder.list('_infrequent_indices').map(first),
  }
}

const groupOf = (groups: Inert | undefined, index: number): number =>
  groups instanceof NdArray ? (numbersOf(groups)[index] ?? -1) : index

const lowerOneHot: Lower = (encoder, x, { graph }) => {
  if (isEarlyOneHot(encoder))
    return transformer(graph, earlyOneHot(encoder, x, graph), { dtype: dtypeOf(encoder) })
  const known = knownCategories(encoder)
  const indices = indexCategories(
    graph,
    withoutNaN(encoder, x, graph),
    known,
    encoder.text('handle_unknown') === 'error',
  )
  const widths = columnWidths(encoder, known)
  const starts = startsOf(widths)
  const slots = oneHotSlots(encoder, known).map((column, c) =>
    column.map((slot) => (slot < 0 ? -1 : slot + starts[c]!)),
  )
  const dtype = dtypeOf(encoder)
  const width = starts.pop()!
  return transformer(graph, graph.add(oneHot, [indices], { slots, width, single: dtype === 'float32' }), {
    dtype,
  })
}

/** First column of each of several blocks side by side, then the width of all. */
export function startsOf(widths: readonly number[]): number[] {
  let end = 0
  return [0, ...widths.map((width) => (end += width))]
}

/** Output columns per input column. */
function columnWidths(encoder: Estimator, known: readonly Known[]): number[] {
  if (encoder.has('_n_features_outs')) return encoder.cells('_n_features_outs').map(Number)
  const drops = dropped(encoder)
  return known.map((column, i) => count(column) - (typeof drops[i] === 'number' ? 1 : 0))
}

/** Index of the dropped category (after grouping) per column. */
function dropped(encoder: Estimator): Cell[] {
  const drops = encoder.find('_drop_idx_after_grouping') ?? encoder.find('drop_idx_')
  return drops instanceof NdArray ? cellsOf(drops) : []
}

/** Per column, unknown first: which of the column's outputs is 1; −1: none. */
function oneHotSlots(encoder: Estimator, known: readonly Known[]): Int32Array[] {
  const { groups, infrequent } = grouping(encoder)
  const drops = dropped(encoder)
  const mergesUnknown = ['infrequent_if_exist', 'warn'].includes(encoder.text('handle_unknown'))
  return known.map((column, c) => {
    const drop = drops[c]
    const slotOf = (index: number): number => {
      const group = groupOf(groups[c], index)
      if (typeof drop !== 'number' || group < drop) return group
      return group === drop ? -1 : group - 1
    }
    const unknown = mergesUnknown && infrequent[c] !== undefined ? slotOf(infrequent[c]) : -1
    return Int32Array.from([unknown, ...Array.from({ length: count(column) }, (_, index) => slotOf(index))])
  })
}

const lowerOrdinal: Lower = (encoder, x, { graph }) => {
  const known = knownCategories(encoder)
  const refuse = encoder.text('handle_unknown', 'error') === 'error'
  const indices = indexCategories(graph, withoutNaN(encoder, x, graph), known, refuse)
  const unknown = refuse ? Number.NaN : encoder.number('unknown_value')
  const missing = encoder.has('encoded_missing_value') ? encoder.number('encoded_missing_value') : Number.NaN
  const { groups } = grouping(encoder)
  const tables = known.map((column, c) =>
    Float64Array.from([
      unknown,
      ...column.cells.map((_, index) => groupOf(groups[c], index)),
      ...(column.nan < 0 ? [] : [missing]),
    ]),
  )
  const encoded = graph.add(lookUp, [indices], { tables, columns: Int32Array.from(tables.keys()) })
  return transformer(graph, encoded, { dtype: dtypeOf(encoder) })
}

/** Mean target of every category; of several classes, one column per class, class fastest. */
const lowerTarget: Lower = (encoder, x, { graph }) => {
  const known = knownCategories(encoder)
  const indices = indexCategories(graph, x, known, false)
  const means = targetMeans(encoder)
  const tables = encoder.list('encodings_').map((encoding, i) => {
    const column = known[Math.floor(i / means.length)]
    if (!(encoding instanceof NdArray) || column === undefined || encoding.length !== count(column))
      throw encoder.error('corrupt', `${encoder.name}.encodings_ does not fit its categories`)
    return Float64Array.from([means[i % means.length]!, ...numbersOf(encoding)])
  })
  const columns = Int32Array.from(tables, (_, i) => Math.floor(i / means.length))
  return transformer(graph, graph.add(lookUp, [indices], { tables, columns }))
}

function targetMeans(encoder: Estimator): Float64Array {
  const mean = encoder.get('target_mean_')
  return mean instanceof NdArray ? numbersOf(mean) : Float64Array.of(encoder.number('target_mean_'))
}

/** numpy name of the `dtype` parameter. */
function dtypeOf(encoder: Estimator): string {
  const dtype = encoder.find('dtype')
  if (!(dtype instanceof GlobalRef)) return 'float64'
  return dtype.name === 'int' ? 'int64' : dtype.name === 'float' ? 'float64' : dtype.name
}

/** Labels (one column) as a known list. */
function lowerLabels(encoder: Estimator, x: Ref, graph: Graph, refuse: boolean): Ref {
  const cells = encoder.cells('classes_')
  return indexCategories(graph, x, [{ cells, nan: -1, numeric: cells.every(isNumeric) }], refuse)
}

const lowerLabelEncoder: Lower = (encoder, x, { graph }) =>
  transformer(graph, lowerLabels(encoder, x, graph, true), { dtype: 'int64', shape: 'vector' })

/** One column per class, `pos_label` at the class; two classes give one column. Unknown labels are all `neg_label`. */
const lowerLabelBinarizer: Lower = (encoder, x, { graph }) => {
  const indices = lowerLabels(encoder, x, graph, false)
  const classes = encoder.cells('classes_').length
  const [negative, positive] = [encoder.number('neg_label'), encoder.number('pos_label')]
  const outputs = classes === 2 ? [1] : Array.from({ length: classes }, (_, i) => i)
  const tables = outputs.map((output) =>
    Float64Array.from({ length: classes + 1 }, (_, i) => (i - 1 === output ? positive : negative)),
  )
  const columns = new Int32Array(tables.length)
  return transformer(graph, graph.add(lookUp, [indices], { tables, columns }), { dtype: 'int64' })
}

const preprocessing = (name: string) => [`sklearn.preprocessing.${name}`]

export const encodingFamily: readonly Family[] = [
  {
    names: preprocessing('OneHotEncoder'),
    fields: `categories_ drop_idx_ _n_values_ n_values_ _feature_indices_ feature_indices_ _active_features_
      active_features_`,
    lower: lowerOneHot,
  },
  { names: preprocessing('OrdinalEncoder'), fields: 'categories_', lower: lowerOrdinal },
  {
    names: preprocessing('TargetEncoder'),
    fields: 'categories_ encodings_ target_type_ target_mean_ classes_',
    lower: lowerTarget,
  },
  { names: preprocessing('LabelEncoder'), fields: 'classes_', lower: lowerLabelEncoder, columns: 1 },
  {
    names: preprocessing('LabelBinarizer'),
    fields: 'classes_ y_type_ sparse_input_',
    lower: lowerLabelBinarizer,
    columns: 1,
  },
]
