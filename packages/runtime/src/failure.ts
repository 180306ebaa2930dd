/**
 * Why a run was not answered, though nothing is wrong with the rows.
 * `time`: it took too long, and its process was replaced; `memory`: it took too much, likewise; `ended`: the process
 * ended by itself; `busy`: too many runs are waiting.
 */
export type FailureKind = 'time' | 'memory' | 'ended' | 'busy'

export class HostFailure extends Error {
  override readonly name = 'HostFailure'
  readonly kind: FailureKind

  constructor(kind: FailureKind, message: string) {
    super(message)
    this.kind = kind
  }
}
