import type { Limits } from '../bytes/limits.ts'
import { ModelError } from '../errors.ts'
import { type ModelParts, readParts } from '../formats/parts.ts'
import { findProgram } from '../formats/program.ts'
import { type FileReport, reportOf } from '../formats/report.ts'
import { encodeProgram } from '../ir/codec.ts'
import { programSize } from '../review/program-size.ts'
import { type LowerOptions, lowerModel } from '../sklearn/lower.ts'

/** A model file made ready to serve. */
export type CompiledFile = {
  /** `encodeProgram` of the program: what is stored, hashed and sent to the executors. */
  readonly program: Uint8Array
  readonly report: FileReport
}

/** The parts of a ModelError that cross a thread. */
export type Refusal = Pick<ModelError, 'kind' | 'message' | 'path' | 'hint'>

export type Outcome =
  | { readonly compiled: CompiledFile }
  | { readonly refusal: Refusal; readonly report: FileReport | undefined }

/** A model of one file; see `compileParts`. */
export const compileBytes = (bytes: Uint8Array, limits: Partial<Limits>): Outcome =>
  compileParts({ model: { bytes } }, limits)

/** Files → inert values → program → its bytes, in this thread. A refusal is an outcome; a fault of ours is thrown. */
export function compileParts(
  parts: ModelParts,
  limits: Partial<Limits>,
  lowering: LowerOptions = {},
): Outcome {
  let report: FileReport | undefined
  try {
    const { file, root } = readParts(parts, limits)
    report = reportOf(file, root)
    const program = findProgram(root) ?? lowerModel(root, lowering)
    return {
      compiled: { program: encodeProgram(program), report: { ...report, size: programSize(program) } },
    }
  } catch (error) {
    const { kind, message, path, hint } = refusalOf(error)
    return { refusal: { kind, message, path, hint }, report }
  }
}

/** The engine throws RangeError where a model asks for an impossible shape; V8 where it asks for too much. */
function refusalOf(error: unknown): ModelError {
  if (error instanceof ModelError) return error
  if (!(error instanceof RangeError)) throw error
  return /allocation|call stack|array length/i.test(error.message)
    ? new ModelError('limit', 'the model needs more memory than there is')
    : new ModelError('corrupt', `the model contradicts itself (${error.message})`)
}
