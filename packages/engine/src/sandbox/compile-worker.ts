import type { Limits } from '../bytes/limits.ts'
import type { ModelParts } from '../formats/parts.ts'
import { compileParts } from './compile.ts'

/** What the worker is sent, once. */
export type Order = { readonly parts: ModelParts; readonly limits: Partial<Limits> }

/** Entry of the process that compiles one model and ends. */
process.once('message', ({ parts, limits }: Order) => {
  process.send?.(compileParts(parts, limits), () => process.disconnect?.())
})
