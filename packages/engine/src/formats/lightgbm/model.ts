import type { Cell } from '../../ir/program.ts'

/** A model of LightGBM out of its text. */
export type LightgbmModel = {
  /** `v3`, `v4`: the version of the format */
  readonly version: string
  readonly features: number
  readonly featureNames: readonly string[]
  /** Trees per iteration: one per class. */
  readonly groups: number
  /** `binary sigmoid:1`; empty for objectives of one's own. */
  readonly objective: readonly string[]
  /** Random forest: what is predicted is the mean of the iterations. */
  readonly averages: boolean
  readonly trees: readonly LightgbmTree[]
  /** Categories of pandas columns, in code order, and the features they belong to. */
  readonly categories: ReadonlyMap<number, readonly Cell[]>
}

export type LightgbmTree = {
  readonly leaves: number
  readonly feature: Int32Array
  readonly threshold: Float64Array
  readonly decision: Int32Array
  /** A node, or ~leaf. */
  readonly left: Int32Array
  readonly right: Int32Array
  readonly values: Float64Array
  /** Words of the sets of categories, and where each set starts. */
  readonly setStarts: Int32Array
  readonly setWords: Uint32Array
  /** Linear functions in the leaves. */
  readonly linear: LinearLeaves | undefined
}

export type LinearLeaves = {
  readonly constants: Float64Array
  /** Terms per leaf, whose features and coefficients follow each other. */
  readonly counts: Int32Array
  readonly features: Int32Array
  readonly coefficients: Float64Array
}
