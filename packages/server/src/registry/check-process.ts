import { ModelError } from '@millwright/engine/errors'
import type { HostLimits } from '@millwright/runtime'
import { type CheckedProgram, checkProgram } from './check-program.ts'
import type { Sample } from './read-model.ts'

/** The process in which a program is checked; see `engine-reader.ts`. */
export type CheckInput = {
  readonly program: Uint8Array
  readonly sample: Sample | undefined
  readonly limits: HostLimits
}
export type CheckOutcome =
  | { readonly checked: CheckedProgram }
  | { readonly refusal: Pick<ModelError, 'kind' | 'message'> }

async function check({ program, sample, limits }: CheckInput): Promise<CheckOutcome> {
  try {
    return { checked: await checkProgram(program, sample, limits) }
  } catch (error) {
    if (!(error instanceof ModelError)) throw error
    return { refusal: { kind: error.kind, message: error.message } }
  }
}

process.once('message', (input: CheckInput) => {
  // A fault of ours ends the process, which is told by its code.
  void check(input).then((outcome) => process.send?.(outcome, () => process.disconnect?.()))
})
