import type { Limits } from '../bytes/limits.ts'
import type { ModelParts } from '../formats/parts.ts'
import type { LowerOptions } from '../sklearn/lower.ts'
import { compileParts } from './compile.ts'

/** What the worker is sent, once. */
export type Order = {
  readonly parts: ModelParts
  readonly limits: Partial<Limits>
  readonly lowering: LowerOptions
}

/** Entry of the process that compiles one model and ends. */
process.once('message', ({ parts, limits, lowering }: Order) => {
  process.send?.(compileParts(parts, limits, lowering), () => process.disconnect?.())
})
