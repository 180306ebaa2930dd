import { ModelError } from '../errors.ts'
import type { Graph } from '../ir/graph.ts'
import type { Cell, Method, Ref } from '../ir/program.ts'
import type { Inert } from '../pickle/values.ts'
import type { Estimator } from './estimator.ts'

/** One answer of a lowered estimator; becomes a ProgramOutput when the estimator is the outermost one. */
export type LoweredOutput = {
  readonly parts: readonly Ref[]
  readonly shape: 'vector' | 'matrix' | 'list'
  /** numpy-style dtype the library answers with. */
  readonly dtype: string
  /** When set, the node holds class indices (per column) into these labels. */
  readonly labels?: readonly (readonly Cell[])[]
}

/**
 * An estimator applied to a node. Methods are thunks: only what is asked for is built, and a method that the library
 * has but we cannot answer throws its own ModelError when asked. Calling a thunk twice gives the same nodes.
 */
export type Lowered = {
  readonly methods: { readonly [M in Method]?: () => LoweredOutput }
  /** Class labels of a classifier, one list per output. */
  readonly classes?: readonly (readonly Cell[])[]
  /** Names of the transformed columns where a later step selects by name (`set_output(transform="pandas")`). */
  readonly columnNames?: readonly string[]
}

/** Of a method whose answer to a row depends on the rows beside it: the others are answered. */
export class BatchDependent extends ModelError {}

/** Scores scaled by the largest of the batch, as duels were before 0.21. */
export const batchDependent = (estimator: Estimator, method: Method): BatchDependent =>
  new BatchDependent(
    'unsupported',
    `${method} of ${estimator.name} ${estimator.version} depends on the rows that come with a row`,
    { path: estimator.path, hint: 'fit it with a newer scikit-learn, or use predict' },
  )

/** What every lowering function gets besides its estimator and its input node. */
export type Context = {
  readonly graph: Graph
  /** Lowers a nested estimator: looks its family up, checks its fields, applies it to `x`. */
  lower(estimator: Estimator, x: Ref): Lowered
  /** Names of the columns of `x` when they are known here (`feature_names_in_`, pandas output), else undefined. */
  readonly columnNames: readonly string[] | undefined
  /** The same context one step further, with other column names. */
  named(columnNames: readonly string[] | undefined): Context
}

export type Lower = (estimator: Estimator, x: Ref, context: Context) => Lowered

/** A class we can serve. */
export type Family = {
  /** Public class names, `sklearn.<package>.<Class>`. */
  readonly names: readonly string[]
  /** Every fitted attribute (ending in `_`, or private) any version writes; an unknown one is refused. Space separated. */
  readonly fields: string
  /** How many columns it reads, for classes that do not write `n_features_in_`. */
  readonly columns?: number
  /** Names of the columns it reads, for classes that keep them elsewhere than `feature_names_in_`. */
  readonly columnNames?: (estimator: Estimator) => readonly string[]
  /** Version of the library that wrote it, where it is not `_sklearn_version`. */
  readonly versionOf?: (estimator: Estimator) => string | undefined
  /** What else its file says, to show to people. */
  readonly notesOf?: (estimator: Estimator) => readonly string[]
  /** One line for the reference page: what of the class is refused or differs. */
  readonly note?: string
  readonly lower: Lower
}

/** Runs a thunk once. */
export function once<T>(build: () => T): () => T {
  let value: { built: T } | undefined
  return () => {
    value ??= { built: build() }
    return value.built
  }
}

/** The transform node of a lowered step. @throws ModelError when the step cannot transform */
export function transformOf(lowered: Lowered, estimator: Estimator): Ref {
  const output = lowered.methods.transform?.()
  const part = output?.parts[0]
  if (part === undefined)
    throw new ModelError('unsupported', `${estimator.name} does not transform`, { path: estimator.path })
  return part
}

/** Inert Python `None`, missing, or the strings scikit-learn uses for "not there". */
export const isAbsent = (value: Inert | undefined): value is null | undefined =>
  value === null || value === undefined
