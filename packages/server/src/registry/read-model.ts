import type { CreateVersion, ModelSchema } from '@millwright/contracts'

export type Sample = NonNullable<CreateVersion['sample']>

/** What is learnt from a model file. */
export type ModelReading = {
  /** The compiled program, as gateways load it. */
  readonly program: Uint8Array
  readonly report: Record<string, unknown>
  readonly schema: ModelSchema
  /** Method → exactness contract. */
  readonly contract: Record<string, string>
  readonly check: Record<string, unknown>
}

/** @throws ModelError when the file, or the user's sample on it, is refused */
export type ReadModel = (bytes: Uint8Array, sample: Sample | undefined) => Promise<ModelReading>
