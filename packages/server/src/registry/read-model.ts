import type { CreateVersion, ModelSchema } from '@millwright/contracts'
import type { ModelParts } from '@millwright/engine/compile-file'

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

/** What belongs to a model besides its own file, and which entry of that is the model. */
export type OtherParts = Omit<ModelParts, 'model'> & Pick<ModelParts['model'], 'key'>

/** @throws ModelError when the file, or the user's sample on it, is refused */
export type ReadModel = (
  bytes: Uint8Array,
  sample: Sample | undefined,
  others?: OtherParts,
) => Promise<ModelReading>
