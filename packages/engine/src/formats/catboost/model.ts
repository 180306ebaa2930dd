import type { Cell } from '../../ir/program.ts'

/** A model of CatBoost. Its splits are numbered through: borders of float features, one-hot values, borders of CTRs. */
export type CatboostModel = {
  readonly floats: readonly FloatFeature[]
  readonly categories: readonly Feature[]
  readonly oneHots: readonly OneHot[]
  readonly counters: readonly Counter[]
  readonly trees: readonly CatboostTree[]
  /** Values of a leaf. */
  readonly dimension: number
  readonly scale: number
  readonly bias: Float64Array
  /** `Logloss`, `RMSE`, … */
  readonly loss: string
  readonly classes: { readonly labels: readonly Cell[]; readonly dtype: string } | undefined
}

type Feature = {
  /** Position among the features of its kind, and in the row. */
  readonly index: number
  readonly flatIndex: number
  readonly name: string
}

export type FloatFeature = Feature & {
  readonly borders: Float64Array
  /** Missing values are above every border. */
  readonly missingAbove: boolean
}

/** One indicator per value, the hash of a category. */
export type OneHot = { readonly category: number; readonly values: Int32Array }

/** A statistic of the training target by category ("CTR"). */
export type Counter = {
  readonly type: string
  /** Categorical features combined, by index. */
  readonly categories: readonly number[]
  readonly borders: Float64Array
  readonly targetBorder: number
  readonly prior: number
  readonly priorWeight: number
  readonly shift: number
  readonly scale: number
  readonly table: CounterTable
}

export type CounterTable = {
  /** 64-bit hashes, low and high word. */
  readonly keys: Uint32Array
  /** Numbers per key. */
  readonly stride: number
  readonly values: Float64Array
  readonly denominator: number
}

/** `oblivious`: leaf Σ bit(splits[i]) · 2^i, leaf-major values. */
export type CatboostTree =
  | { readonly kind: 'oblivious'; readonly splits: Int32Array; readonly values: Float64Array }
  | { readonly kind: 'nested'; readonly root: CatboostNode }

export type CatboostNode =
  | { readonly values: Float64Array }
  | { readonly split: number; readonly left: CatboostNode; readonly right: CatboostNode }
