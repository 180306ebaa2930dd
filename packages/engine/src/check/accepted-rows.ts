import { RowError } from '../errors.ts'
import { allOutputs } from '../exec/reference.ts'
import { splitRows } from '../ir/frames.ts'
import type { Executable, Frame } from '../ir/program.ts'
import { boundaryRows } from './boundary.ts'

/** Of `rows` boundary rows those that the model does not raise on, each alone. */
export function acceptedRows(executable: Executable, rows: number, seed: number): Frame[] {
  const { program } = executable
  const outputs = allOutputs(program)
  return splitRows(boundaryRows(program, rows, seed), program.inputs).filter((frame) => {
    try {
      executable.run(frame, outputs)
      return true
    } catch (error) {
      if (error instanceof RowError) return false
      throw error
    }
  })
}
