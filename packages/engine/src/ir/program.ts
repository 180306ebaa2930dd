/**
 * The typed intermediate representation of a trained model: a list of nodes in evaluation order (node i reads
 * nodes < i), plus the named outputs. It is plain data: it can be dumped, hashed, sent to a worker, stored.
 *
 * Every node maps one row to one row: a vector of `width` numbers or cells. There are no cross-row operations in
 * inference, which is why the reference interpreter can be row by row and why bad rows of a batch fail alone.
 */

/**
 * One value of a non-numeric column. Python's None is null; a missing float is NaN: scikit-learn tells them apart.
 * A dictionary or a list is held as its JSON text.
 */
export type Cell = string | number | boolean | null

/**
 * Static type of a node's row. `f32`: every element is a float32 value (held in float64 storage). `sparse`: a row of
 * numbers most of which are 0, of which only the others are kept, in the order of their columns.
 */
export type ValueType =
  | { readonly kind: 'number'; readonly width: number; readonly dtype: 'f64' | 'f32' }
  | { readonly kind: 'cell'; readonly width: number }
  | { readonly kind: 'sparse'; readonly width: number; readonly dtype: 'f64' | 'f32' }

/** Attributes are data only; typed arrays are stored as binary sections. */
export type Attr =
  | null
  | boolean
  | number
  | string
  | Float64Array
  | Int32Array
  | Uint32Array
  | Uint8Array
  | readonly Attr[]
  | { readonly [key: string]: Attr | undefined }

export type Attrs = { readonly [key: string]: Attr | undefined }

/** Index of a node in `Program.nodes`. */
export type Ref = number

export type ProgramNode = {
  readonly op: string
  readonly inputs: readonly Ref[]
  readonly attrs: Attrs
}

/** A column the model reads. `number` columns live in the frame's number slab, `cell` columns in its cell slab. */
export type InputColumn = { readonly name: string; readonly kind: 'number' | 'cell' }

/**
 * The methods of the source library that a program can answer. Of boosters also `raw_margin`, the scores before the
 * link, and `booster_predict`, what the booster answers without its scikit-learn wrapper.
 */
export const METHODS = [
  'predict',
  'predict_proba',
  'predict_log_proba',
  'decision_function',
  'transform',
  'score_samples',
  'raw_margin',
  'booster_predict',
] as const
/** Of ONNX models also the names of their own outputs. */
export type Method = (typeof METHODS)[number] | (string & {})

/**
 * One answer. `parts` has one node except for multi-output `predict_proba` (one matrix per output).
 * `vector` outputs have width-1 nodes and shape [rows]; `matrix` ones [rows, width]; `list` one matrix per part.
 * With `labels`, the node holds class indices and the answer is labels[part-or-column][index].
 */
export type ProgramOutput = {
  readonly name: Method
  readonly parts: readonly Ref[]
  readonly shape: 'vector' | 'matrix' | 'list'
  /** numpy-style name of the library's own dtype: float64, float32, int64, bool, string, object. */
  readonly dtype: string
  /** Class labels per column of the node (one entry for single-output models). */
  readonly labels?: readonly (readonly Cell[])[]
}

/** How a program was made from the files of another model. */
export type Lineage = {
  /** The files and the SHA-256 digests of their bytes. */
  readonly parents: readonly { readonly name: string; readonly digest: string }[]
  /** What was done to them, in words. */
  readonly changes: readonly string[]
  /** The command that did it. */
  readonly command: string
}

/** What is known of the source file; shown to people, part of the hash. */
type ProgramOrigin = {
  readonly library: string
  readonly libraryVersion: string
  /** Qualified class of the outermost estimator. */
  readonly estimator: string
  /** Absent from programs that come straight out of a training library's file. */
  readonly lineage?: Lineage
}

export type Program = {
  readonly version: 1
  readonly origin: ProgramOrigin
  readonly inputs: readonly InputColumn[]
  readonly nodes: readonly ProgramNode[]
  readonly outputs: readonly ProgramOutput[]
  /** Class labels of a classifier, in column order of `predict_proba`; one list per output. */
  readonly classes: readonly (readonly Cell[])[]
}

/**
 * Rows to predict. Two row-major slabs: `numbers` has one slot per `number` column of `Program.inputs` in order,
 * `cells` one per `cell` column. A missing number is NaN.
 */
export type Frame = {
  readonly rows: number
  readonly numbers: Float64Array
  readonly cells: readonly Cell[]
}

/** One answered array, row-major. `shape` is [rows] or [rows, width]. */
export type AnswerPart = { readonly shape: readonly number[]; readonly data: Float64Array | readonly Cell[] }
export type Answer = {
  readonly name: Method
  readonly dtype: string
  /** One part, or one per output for `list`. */
  readonly parts: readonly AnswerPart[]
  readonly list: boolean
}

/** Runs a program. `run` throws RowError (with `row` set) on the first row the source library would raise on. */
export interface Executable {
  readonly program: Program
  run(frame: Frame, outputs: readonly Method[]): Answer[]
}
