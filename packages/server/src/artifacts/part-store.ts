import type { Readable } from 'node:stream'

export type Part = { readonly number: number; readonly etag: string }

/** An upload as its store knows it. */
export type Begun = {
  /** A folder of its own, for whatever the store keeps here. */
  readonly folder: string
  /** What the store calls it. */
  readonly handle: string
  readonly parts: number
}

/** Where the parts of an upload wait until all are there. */
export interface PartStore {
  /** @returns what it is called, and, where parts do not come to this server, addresses that take them for so many `seconds` */
  begin(
    parts: number,
    seconds: number,
  ): Promise<{ readonly handle: string; readonly urls?: readonly string[] }>
  /** @returns the ETag of a part that came here */
  keep?(upload: Begun, number: number, source: Readable): Promise<string>
  /** Makes a blob of the parts, in their order. @throws MlflowError INVALID_PARAMETER_VALUE when one is not there */
  assemble(upload: Begun, parts: readonly Part[]): Promise<{ digest: string; bytes: number }>
  /** Whether it was assembled or not, nothing but the folder is left of it. */
  drop(upload: Begun): Promise<void>
}
