import { ModelError } from '@millwright/engine/errors'

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

/** As the reason why a model is not taken. */
export const asRefusal = ({ message }: HostFailure): ModelError =>
  new ModelError('limit', `on rows made to try it out, ${message}`, {
    hint: 'make the model smaller or raise the limit',
  })
