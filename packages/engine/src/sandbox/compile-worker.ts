import type { Limits } from '../bytes/limits.ts'
import { compileBytes } from './compile.ts'

/** What the worker is sent, once. */
export type Order = { readonly bytes: Uint8Array; readonly limits: Partial<Limits> }

/** Entry of the process that compiles one file and ends. */
process.once('message', ({ bytes, limits }: Order) => {
  process.send?.(compileBytes(bytes, limits), () => process.disconnect?.())
})
