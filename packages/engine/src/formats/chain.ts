import { ModelError } from '../errors.ts'
import { type Inert, InertObject } from '../pickle/values.ts'
import { type Entry, entriesOf, listEntries, nameOf, namesOf, quote } from './entries.ts'
import { isObject, objectsIn, rankOf, roleOf } from './roles.ts'

type ChainStep = { readonly name: string; readonly object: InertObject }

/** Objects that an application would apply one after the other; the last one answers. */
export type Chain = {
  readonly steps: readonly ChainStep[]
  /** Names of the columns that go in, in order. */
  readonly columnNames?: readonly string[]
  /** Applied to single columns before the first step: column → encoder. */
  readonly encoders?: ReadonlyMap<string, InertObject>
  /** What was guessed and from what, in words. */
  readonly reasons: readonly string[]
}

/** With more, it is data. */
const MOST_ENTRIES = 1000
const COLUMNS_KEY =
  /^(input_?|model_?|train_?|x_?)?(columns?|cols?|features?|fields?)(_?(names?|cols?|columns?|list|order))?$/i
const NOTE_KEY =
  /metric|score|meta|param|version|info|date|time|train|creat|author|name|descr|target|class|label|thresh|cutoff|config|histor|importance|(num|cat)[a-z]*_?(col|feature)/i
/** What transforms answers, not rows. */
const TARGET_KEY = /(^|_)(y|target|label|output)s?(_|$)/i
const THRESHOLD_KEY = /thresh|cutoff/i

/** What the entries of a file are taken for. */
type Sorted = {
  readonly models: ChainStep[]
  readonly transformers: ChainStep[]
  readonly labels: ChainStep[]
  readonly encoders: Map<string, InertObject>
  /** Keys of the dictionaries that hold encoders. */
  readonly encoderKeys: string[]
  readonly columns: { readonly key: string; readonly names: readonly string[] }[]
  readonly notes: Entry[]
  readonly unclear: Entry[]
}

/**
 * The chain that a dictionary, list or tuple of objects describes; undefined when `root` is none of them.
 * @throws ModelError when it is one but the order or the meaning of its entries cannot be told
 */
export function chainOf(root: Inert): Chain | undefined {
  if ((Array.isArray(root) ? root.length : root instanceof Map ? root.size : 0) > MOST_ENTRIES)
    return undefined
  const entries = entriesOf(root)
  if (entries === undefined || namesOf(root) !== undefined) return undefined
  const sorted = sortEntries(entries)
  const model = answering(entries, sorted)
  setInnerAside(sorted, model)
  const steps = [...orderOf(entries, sorted, model), model]
  const columns = columnsOf(sorted)
  const encoders = new Map([...sorted.encoders, ...labelColumns(sorted, model, columns?.names)])
  if (sorted.unclear.length > 0) throw unclear(entries, sorted.unclear[0]!, model)
  return {
    steps,
    ...(columns && { columnNames: columns.names }),
    ...(encoders.size > 0 && { encoders }),
    reasons: reasonsOf(sorted, { steps, columns, encoders }),
  }
}

function sortEntries(entries: readonly Entry[]): Sorted {
  const sorted: Sorted = {
    models: [],
    transformers: [],
    labels: [],
    encoders: new Map(),
    encoderKeys: [],
    columns: [],
    notes: [],
    unclear: [],
  }
  for (const entry of entries) sortEntry(entry, sorted)
  return sorted
}

const LISTS = { model: 'models', transformer: 'transformers', labels: 'labels' } as const

function sortEntry({ key, value }: Entry, sorted: Sorted): void {
  const role = isObject(value) ? roleOf(value, key) : undefined
  const ofAnswers = role === 'transformer' && TARGET_KEY.test(key)
  if (isObject(value) && role !== undefined && !ofAnswers) {
    sorted[LISTS[role]].push({ name: key, object: value })
    return
  }
  const names = namesOf(value)
  if (names !== undefined && (COLUMNS_KEY.test(key) || /^\d+$/.test(key))) {
    sorted.columns.push({ key, names })
    return
  }
  const encoders = columnEncoders(value)
  if (encoders !== undefined) {
    sorted.encoderKeys.push(key)
    for (const [column, encoder] of encoders) sorted.encoders.set(column, encoder)
  } else if (isNote({ key, value })) sorted.notes.push({ key, value })
  else sorted.unclear.push({ key, value })
}

/** A dictionary of encoders by the name of their column. */
function columnEncoders(value: Inert): Map<string, InertObject> | undefined {
  if (!(value instanceof Map) || value.size === 0) return undefined
  const encoders = [...value].filter(
    (entry): entry is [string, InertObject] =>
      typeof entry[0] === 'string' && isObject(entry[1]) && isColumnEncoder(entry[1]),
  )
  return encoders.length === value.size ? new Map(encoders) : undefined
}

const isColumnEncoder = ({ cls }: InertObject): boolean => /^(Label|Ordinal)Encoder$/.test(cls.name)

/** Values no row passes through: plain ones, and those whose key says that they describe. */
function isNote({ key, value }: Entry): boolean {
  if (value === null || typeof value !== 'object' || NOTE_KEY.test(key)) return !isObject(value)
  return value instanceof InertObject && value.cls.module === 'datetime'
}

/** @throws ModelError unless there is one model */
function answering(entries: readonly Entry[], sorted: Sorted): ChainStep {
  const { models, transformers, labels, encoders, encoderKeys } = sorted
  const [model, second] = models
  const held = `the file holds ${listEntries(entries)}`
  if (model !== undefined && second === undefined) return model
  if (model !== undefined)
    throw new ModelError('format', `${held}: ${models.length} models`, {
      hint: `choose one: FILE#${model.name}`,
    })
  const [step] = transformers
  const columns = [...encoders.keys()].map((column) => [column, `${encoderKeys[0]}/${column}`])
  const [encoder] = [...columns, ...labels.map(({ name }) => [name, name])]
  const hint =
    step !== undefined
      ? `deploy it with its model: MODEL_FILE --after FILE#${step.name}`
      : encoder !== undefined
        ? `deploy them with their model: MODEL_FILE --encode ${encoder[0]}=FILE#${encoder[1]}`
        : 'save the fitted model with joblib.dump and deploy that file'
  throw new ModelError('format', `${held}, and no model`, { hint })
}

/** What the model does itself is not done again; what may be a copy of that is unclear. */
function setInnerAside({ transformers, notes, unclear }: Sorted, model: ChainStep): void {
  const inner = objectsIn(model.object)
  const classes = new Set([...inner].map(({ cls }) => cls.qualified))
  for (const step of transformers.splice(0)) {
    const entry = { key: step.name, value: step.object }
    if (inner.has(step.object)) notes.push(entry)
    else if (classes.has(step.object.cls.qualified)) unclear.push(entry)
    else transformers.push(step)
  }
}

/** Transformers in the order of a tuple that ends with its model, else in the order they usually have. */
function orderOf(entries: readonly Entry[], { transformers }: Sorted, model: ChainStep): ChainStep[] {
  const isTuple = entries.every(({ key }, i) => key === String(i))
  const modelAfter = transformers.every(({ name }) => Number(name) < Number(model.name))
  if (transformers.length < 2 || (isTuple && modelAfter)) return [...transformers]
  const ranked = transformers
    .map((step) => ({ step, rank: isTuple ? undefined : rankOf(step.object) }))
    .sort((a, b) => (a.rank ?? 0) - (b.rank ?? 0))
  const ranks = new Set(ranked.map(({ rank }) => rank))
  if (ranks.size === ranked.length && !ranks.has(undefined)) return ranked.map(({ step }) => step)
  const after = transformers.map(({ name }) => `--after FILE#${name}`).join(' ')
  const names = transformers.map(({ name }) => quote(name)).join(', ')
  throw new ModelError(
    'format',
    `the file holds ${listEntries(entries)}; the order of ${names} cannot be told`,
    {
      hint: `name the steps in their order: FILE#${model.name} ${after}`,
    },
  )
}

function columnsOf({ columns, unclear }: Sorted): Sorted['columns'][number] | undefined {
  const [first, ...others] = columns
  for (const { key, names } of others)
    if (names.join('\n') !== first!.names.join('\n')) unclear.push({ key, value: [...names] })
  return first
}

/** Encoders of labels that stand beside the model under the name of a column. Others are unclear. */
function labelColumns(
  { labels, unclear }: Sorted,
  model: ChainStep,
  given: readonly string[] | undefined,
): Map<string, InertObject> {
  const state = model.object.state
  const fitted = state instanceof Map ? namesOf(state.get('feature_names_in_') ?? null) : undefined
  const columns = given ?? fitted ?? []
  const found = new Map<string, InertObject>()
  for (const { name, object } of labels) {
    const bare = name.replace(/^(label_?encoder|encoder|le|enc)_|_(label_?encoder|encoder|le|enc)$/gi, '')
    const column = [name, bare].find((candidate) => columns.includes(candidate))
    if (column === undefined || !isColumnEncoder(object)) unclear.push({ key: name, value: object })
    else found.set(column, object)
  }
  return found
}

function unclear(entries: readonly Entry[], { key, value }: Entry, model: ChainStep): ModelError {
  const isLabels = isObject(value) && roleOf(value, key) === 'labels'
  const hint = isLabels
    ? `deploy FILE#${model.name}, with --encode COLUMN=FILE#${key} when it encodes a column; when it names the answers, they are served as numbers`
    : `deploy FILE#${model.name} alone when ${quote(key)} does nothing to a row; else name the steps: FILE#${model.name} --after … --encode COLUMN=… --columns …`
  return new ModelError(
    'format',
    `the file holds ${listEntries(entries)}; what ${quote(key)} does to a row cannot be told`,
    { hint },
  )
}

type Known = {
  readonly steps: readonly ChainStep[]
  readonly columns: Sorted['columns'][number] | undefined
  readonly encoders: ReadonlyMap<string, InertObject>
}

function reasonsOf({ notes }: Sorted, { steps, columns, encoders }: Known): string[] {
  const model = steps.at(-1)!
  const before = steps.slice(0, -1).map(({ name, object }) => `${quote(name)} (${object.cls.name})`)
  const threshold = notes.find(({ key, value }) => typeof value === 'number' && THRESHOLD_KEY.test(key))
  return [
    `${quote(model.name)} (${model.object.cls.name}) answers: the only model of the file`,
    ...(before.length > 0 ? [`before it, in this order: ${before.join(', ')}`] : []),
    ...(encoders.size > 0 ? [`encoded first: ${[...encoders.keys()].map(quote).join(', ')}`] : []),
    ...(columns ? [`${quote(columns.key)} names the columns that go in, in order`] : []),
    ...(notes.length > 0 ? [`not used: ${notes.map(({ key }) => quote(key)).join(', ')}`] : []),
    ...(threshold
      ? [`${quote(threshold.key)} is ${nameOf(threshold.value)}: to apply it, deploy with --decision`]
      : []),
  ]
}
