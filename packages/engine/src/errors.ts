/** Why a file cannot be served. `format`: not a file we read; `hostile`: would have called or imported
 * something; `limit`: over a cap; `unsupported`: known, not served yet; `unknown`: nobody we know;
 * `unfitted`: never trained; `corrupt`: contradicts itself. */
export type RefusalKind = 'format' | 'hostile' | 'limit' | 'unsupported' | 'unknown' | 'unfitted' | 'corrupt'

/**
 * A model file that is refused. The message reads `where: what; next step` and names no bytes of the file
 * beyond class names, so that it can be shown to anybody.
 */
export class ModelError extends Error {
  override readonly name = 'ModelError'
  readonly kind: RefusalKind
  /** Path inside the pipeline, outermost first: `["step 'prep'", "transformer 'text'"]`. */
  readonly path: readonly string[]
  readonly hint: string | undefined

  constructor(kind: RefusalKind, what: string, details: { path?: readonly string[]; hint?: string } = {}) {
    const path = details.path ?? []
    const where = path.length > 0 ? `${path.join(' > ')}: ` : ''
    const next = details.hint === undefined ? '' : `; ${details.hint}`
    super(`${where}${what}${next}`)
    this.kind = kind
    this.path = path
    this.hint = details.hint
  }
}

/** A row the source library would have raised on: the row's fault, not the model's. */
export class RowError extends Error {
  override readonly name = 'RowError'
  /** Column of the raising node's input, when one column is to blame. */
  readonly column: number | undefined
  /** Row of the frame, filled in by the executor. */
  row: number | undefined
  /** Name of the model's input column, filled in by the executor where it can be traced. */
  field: string | undefined

  constructor(message: string, column?: number) {
    super(message)
    this.column = column
  }
}
