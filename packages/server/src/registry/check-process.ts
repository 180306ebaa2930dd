import { ModelError } from '@millwright/engine/errors'
import { type CheckedProgram, checkProgram } from './check-program.ts'
import type { Sample } from './read-model.ts'

/** The process in which a program is checked; see `engine-reader.ts`. */
export type CheckInput = { readonly program: Uint8Array; readonly sample: Sample | undefined }
export type CheckOutcome =
  | { readonly checked: CheckedProgram }
  | { readonly refusal: Pick<ModelError, 'kind' | 'message'> }

function check({ program, sample }: CheckInput): CheckOutcome {
  try {
    return { checked: checkProgram(program, sample) }
  } catch (error) {
    if (!(error instanceof ModelError)) throw error
    return { refusal: { kind: error.kind, message: error.message } }
  }
}

process.once('message', (input: CheckInput) => {
  process.send?.(check(input), () => process.disconnect?.())
})
