import type { Answer, Executable, Frame, Method } from '@millwright/engine'
import { RowError } from '@millwright/engine/errors'
import type { Fault } from './validate.ts'

/** Answers to rows together, or the first of them that the model refuses. */
export function runFrame(
  executable: Executable,
  frame: Frame,
  methods: readonly Method[],
): Answer[] | RowError {
  try {
    return executable.run(frame, methods)
  } catch (error) {
    if (error instanceof RowError) return error
    throw error
  }
}

/** A row that the model refuses, as it is told. */
export const faultOf = ({ field, message }: RowError): Fault => ({
  field: field ?? '',
  code: 'refused_by_model',
  message: field === undefined ? message : `${field}: ${message}`,
})
