/** A model of XGBoost, the same out of all its file formats. Numbers are float32 values. */
export type XgboostModel = {
  /** major, minor, patch of the library that wrote it */
  readonly version: readonly number[]
  readonly features: number
  /** Margins per row: classes, targets, or 1. */
  readonly groups: number
  readonly classes: number
  readonly targets: number
  readonly objective: string
  /** One per group, or one for all, before the inverse link. */
  readonly baseScores: readonly number[]
  readonly booster: TreeBooster | LinearBooster
  readonly featureNames: readonly string[]
  /** `c` marks a categorical feature. */
  readonly featureTypes: readonly string[]
  /** Categories per feature where the file has them (from 3.1), in code order. */
  readonly categories: readonly (readonly (string | number)[])[]
  readonly attributes: ReadonlyMap<string, string>
}

export type TreeBooster = {
  readonly kind: 'trees'
  readonly trees: readonly XgboostTree[]
  /** Group that each tree adds to. */
  readonly groupOf: Int32Array
  /** Weight of each tree (dart). */
  readonly weights: Float64Array | undefined
  /** First tree of each iteration, and the end of the last. */
  readonly iterations: Int32Array
  /** What the weights of a tree were multiplied by, where the file says so: pickles do, models alone do not. */
  readonly learningRate: number | undefined
}

export type LinearBooster = {
  readonly kind: 'linear'
  /** (features + 1) × groups; the last row is the bias. */
  readonly weights: Float64Array
}

export type XgboostTree = {
  /** −1 marks a leaf. */
  readonly left: Int32Array
  readonly right: Int32Array
  readonly feature: Int32Array
  /** Of a leaf: its value. */
  readonly threshold: Float64Array
  readonly defaultLeft: Uint8Array
  /** Categories that go right, per categorical node. */
  readonly sets: ReadonlyMap<number, readonly number[]>
  /** Per node: its optimal value, before the learning rate in inner nodes. */
  readonly baseWeights: Float64Array | undefined
  /** Values of a leaf, where there are several. */
  readonly leafOf: ((node: number) => Float64Array) | undefined
}
