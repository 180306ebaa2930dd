/**
 * Between `millwright database copy` and the server's program that copies: the request on stdin, as an address may hold a
 * password, and lines of JSON on stdout.
 */

export type CopyRequest = {
  /** Both default to what the server is told by its environment. */
  readonly data?: string
  readonly to?: string
  /** Looks at both and counts, and changes nothing. */
  readonly dry_run: boolean
}

type Side = { readonly rows: number; readonly digest: string }
export type CopiedTable = { readonly table: string; readonly source: Side; readonly target: Side }
export type CountedTable = { readonly table: string; readonly rows: number }

export type CopyProgress = {
  readonly stage: 'copying' | 'comparing'
  readonly table: string
  /** Rows of all tables so far. */
  readonly rows: number
  readonly of: number
}

export type CopyDone = { readonly from: string; readonly to: string } & (
  | { readonly dry_run: true; readonly tables: readonly CountedTable[] }
  | { readonly dry_run: false; readonly tables: readonly CopiedTable[] }
)
export type CopyFailed = {
  readonly message: string
  readonly hint?: string | undefined
  readonly exitCode: number
  /** Both sides were read, and are not the same. */
  readonly tables?: readonly CopiedTable[]
}

export type CopyLine = {
  readonly progress?: CopyProgress
  readonly done?: CopyDone
  readonly error?: CopyFailed
}
