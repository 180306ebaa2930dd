import { assertColumnCount } from '../bytes/limits.ts'
import type { ModelError } from '../errors.ts'
import { CellColumnsNeeded, Graph, TooWide } from '../ir/graph.ts'
import { type InputColumn, METHODS, type Method, type Program, type ProgramOutput } from '../ir/program.ts'
import { freeUnreadColumns } from '../ir/unread.ts'
import { keepLiveNodes } from '../passes/live-nodes.ts'
import { adviceOn } from '../pickle/foreign.ts'
import { type Inert, InertObject } from '../pickle/values.ts'
import { answeringObject } from './chain.ts'
import { Estimator, libraryOf } from './estimator.ts'
import { fittedNames, fittedWidth } from './fitted-columns.ts'
import { LATER } from './later.ts'
import { withLogProbabilities } from './log-probabilities.ts'
import { BatchDependent, type Context, type Lowered, type LoweredOutput } from './lowering.ts'
import { findFamily } from './support.ts'
import { isUnseenAttribute } from './verification.ts'

/** State keys that say nothing about a prediction, in any class. */
const NEUTRAL = new Set([
  '_sklearn_version',
  'n_features_in_',
  'feature_names_in_',
  'n_features_',
  '_repr_html_inner',
])

export type LowerOptions = {
  /** Trees keep the values of their inner nodes, where the library has them: what cutting trees short needs. */
  readonly innerValues?: boolean
}

/**
 * Lowers a fitted estimator to a program.
 * Columns start as numbers; one that turns out to hold categories is made a cell column and lowering starts again.
 * Columns that nothing reads end as cells.
 * @throws ModelError with the path inside the pipeline, the reason and what to do
 */
export function lowerModel(object: InertObject, { innerValues = false }: LowerOptions = {}): Program {
  const root = new Estimator(object, [])
  const names = inputNames(root)
  const kinds: InputColumn['kind'][] = names.map(() => 'number')
  for (let attempt = 0; attempt <= names.length; attempt++) {
    const columns = names.map((name, i) => ({ name, kind: kinds[i]! }))
    try {
      return freeUnreadColumns(lowerOnce(root, new Graph(columns, innerValues)))
    } catch (error) {
      if (!(error instanceof CellColumnsNeeded)) throw error
      for (const column of error.columns) kinds[column] = 'cell'
    }
  }
  throw root.error('corrupt', 'the kinds of its input columns contradict each other')
}

function lowerOnce(root: Estimator, graph: Graph): Program {
  const { columns } = graph
  const x = graph.input(columns.map((_, i) => i))
  const names = fittedNames(root)
  const lowered = contextOf(graph, names).lower(root, x)
  const methods = [...new Set([...METHODS, ...Object.keys(lowered.methods)])]
  const outputs = methods.flatMap((name) => {
    const method = lowered.methods[name]
    return method === undefined ? [] : answered(() => guard(root, () => programOutput(graph, name, method())))
  })
  const answering = new Estimator(answeringObject(root.object), [])
  if (outputs.length === 0) throw root.error('unsupported', `${answering.name} has no method we can answer`)
  return {
    version: 1,
    origin: {
      library: libraryOf(answering.qualified),
      libraryVersion: versionOf(answering) ?? 'unknown',
      estimator: answering.qualified,
    },
    inputs: columns,
    ...keepLiveNodes(graph.nodes, outputs),
    classes: lowered.classes ?? [],
  }
}

/** Version of the library that wrote an estimator, as far as the file says. */
export const versionOf = (estimator: Estimator): string | undefined =>
  estimator.version ?? findFamily(estimator.name)?.versionOf?.(estimator)

/** Answers have their zeros. */
function programOutput(graph: Graph, name: Method, output: LoweredOutput): ProgramOutput {
  const parts = output.parts.map((ref) => (graph.type(ref).kind === 'sparse' ? graph.toNumbers(ref) : ref))
  return { name, ...output, parts }
}

/** One output; none when its answer depends on the batch. */
function answered(build: () => ProgramOutput): ProgramOutput[] {
  try {
    return [build()]
  } catch (error) {
    if (error instanceof BatchDependent) return []
    throw error
  }
}

function contextOf(graph: Graph, columnNames: readonly string[] | undefined): Context {
  const context: Context = {
    graph,
    columnNames,
    named: (names) => contextOf(graph, names),
    lower(estimator, x): Lowered {
      const family = findFamily(estimator.name)
      if (family === undefined) throw refusal(estimator)
      const known = new Set(family.fields.split(/\s+/))
      for (const key of estimator.keys) {
        const fitted = key.endsWith('_') && !key.startsWith('__')
        if (NEUTRAL.has(key) || known.has(key) || !(fitted || isUnseenAttribute(estimator, key))) continue
        throw estimator.error(
          'unsupported',
          `${estimator.qualified} has the attribute ${key}, which we do not know and which could change its answers`,
          'save the model with a version of the library that docs/reference/models.md lists',
        )
      }
      const expected = expectedWidth(estimator)
      if (expected !== undefined && expected !== graph.width(x))
        throw estimator.error(
          'corrupt',
          `${estimator.name} was fitted on ${expected} columns, gets ${graph.width(x)}`,
        )
      const lowered = guard(estimator, () => family.lower(estimator, x, context))
      return guarded(estimator, withLogProbabilities(estimator, lowered, graph))
    },
  }
  return context
}

/** The same answers, whose building blames the estimator for what contradicts itself. */
function guarded(estimator: Estimator, lowered: Lowered): Lowered {
  const methods = Object.entries(lowered.methods).map(([name, build]) => [
    name,
    () => guard(estimator, build!),
  ])
  return { ...lowered, methods: Object.fromEntries(methods) }
}

function guard<T>(estimator: Estimator, build: () => T): T {
  try {
    return build()
  } catch (error) {
    if (error instanceof TooWide)
      throw estimator.error(
        'limit',
        `${estimator.name} needs rows with all their zeros (${error.message})`,
        'use fewer columns, or a model that reads sparse rows as they are (linear, naive Bayes)',
      )
    if (error instanceof RangeError)
      throw estimator.error('corrupt', `${estimator.name} contradicts itself (${error.message})`)
    throw error
  }
}

function refusal(estimator: Estimator): ModelError {
  const hint = LATER.get(estimator.name)
  if (hint !== undefined) return estimator.error('unsupported', `${estimator.qualified} is not served`, hint)
  const ours = estimator.qualified.startsWith('sklearn.')
  return estimator.error(
    ours ? 'unsupported' : 'unknown',
    ours ? `${estimator.qualified} is not supported yet` : `class ${estimator.qualified} is not known`,
    adviceOn(estimator.qualified) ?? 'export the model to ONNX, or replace this step by a scikit-learn one',
  )
}

const expectedWidth = (estimator: Estimator): number | undefined => {
  const value = estimator.find('n_features_in_')
  return typeof value === 'number' ? value : undefined
}

/** Names of the model's columns: its own, its first step's, else x0 … */
function inputNames(estimator: Estimator): string[] {
  let unknown: Estimator | undefined
  for (const candidate of [estimator, ...firstSteps(estimator)]) {
    const names = fittedNames(candidate)
    if (names !== undefined) return names
    const family = findFamily(candidate.name)
    const own = family?.columnNames
    if (own !== undefined) return [...guard(candidate, () => own(candidate))]
    const width = expectedWidth(candidate) ?? family?.columns ?? fittedWidth(candidate)
    if (width !== undefined) {
      assertColumnCount(width)
      return Array.from({ length: width }, (_, i) => `x${i}`)
    }
    if (family === undefined) unknown ??= candidate
  }
  if (unknown !== undefined) throw refusal(unknown)
  throw estimator.error(
    'unfitted',
    `${estimator.name} does not say how many columns it reads`,
    'call fit() before saving it; what learns nothing in fit() is served as a step before a model',
  )
}

/** Steps that learn nothing, so that they may not say how many columns there are: as many as the next step reads. */
const KEEPS_COLUMNS: ReadonlySet<string> = new Set(
  ['Normalizer', 'Binarizer', 'FunctionTransformer'].map((name) => `sklearn.preprocessing.${name}`),
)

/** The first estimator in nested lists, with the name of its step. */
function firstInside(owner: Estimator, value: Inert | undefined): Estimator | undefined {
  let found = value
  let step: string[] = []
  while (Array.isArray(found)) {
    if (typeof found[0] === 'string') step = [`step '${found[0]}'`]
    found = found.find((item) => Array.isArray(item) || item instanceof InertObject)
  }
  return found instanceof InertObject ? new Estimator(found, [...owner.path, ...step]) : undefined
}

/** Estimators that see the model's own columns, when the outermost does not say: the first step, the best estimator … */
function* firstSteps(estimator: Estimator): Generator<Estimator> {
  for (const key of [
    'steps',
    'best_estimator_',
    'estimator_',
    'base_estimator_',
    'estimators_',
    'calibrated_classifiers_',
    'regressor_',
    'transformer_list',
    'estimator',
    'base_estimator',
  ]) {
    const value = estimator.find(key)
    for (const child of key === 'steps' && Array.isArray(value) ? value : [value]) {
      const found = firstInside(estimator, child)
      if (found === undefined) continue
      yield found
      yield* firstSteps(found)
      if (!KEEPS_COLUMNS.has(found.name)) break
    }
  }
}
