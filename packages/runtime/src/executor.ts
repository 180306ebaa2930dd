import {
  type Answer,
  compileProgram,
  type Frame,
  type Method,
  type Program,
  splitHosted,
} from '@millwright/engine'
import { type OnnxSession, openSession } from './onnx-session.ts'

/** Runs a hosted program whole, in this thread, blocking it. `run` throws RowError like any executable. */
export type Executor = { run(frame: Frame, methods: readonly Method[]): Promise<Answer[]> }

/** @throws Error of the runtime when it cannot load the model */
export async function openExecutor(program: Program): Promise<Executor> {
  const { before, model, after } = splitHosted(program)
  const [prepare, answer] = [compileProgram(before), compileProgram(after)]
  const session: OnnxSession = await openSession(model)
  return {
    async run(frame, methods) {
      const [prepared] = prepare.run(frame, ['transform'])
      const values = await session.run(prepared!.parts[0]!.data, frame.rows)
      return answer.run(
        values instanceof Float64Array
          ? { rows: frame.rows, numbers: values, cells: [] }
          : { rows: frame.rows, numbers: new Float64Array(0), cells: values },
        methods,
      )
    },
  }
}
