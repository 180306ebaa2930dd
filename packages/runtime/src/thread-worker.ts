import { parentPort, workerData } from 'node:worker_threads'
import { compileProgram, decodeProgram, RowError } from '@millwright/engine'
import type { ThreadOrder, ThreadReply, ThreadStart } from './thread-protocol.ts'

/** Entry of a thread that predicts shares of large batches. */
const executable = compileProgram(decodeProgram(new Uint8Array((workerData as ThreadStart).program)))

function obey({ rows, numbers, cells, methods }: ThreadOrder): ThreadReply {
  try {
    return { answers: executable.run({ rows, numbers, cells }, methods) }
  } catch (error) {
    if (!(error instanceof RowError)) return { error: String(error) }
    const { message, column, row, field } = error
    return { rowFault: { message, column, row, field } }
  }
}

parentPort!.on('message', (order: ThreadOrder) => {
  const reply = obey(order)
  const parts = 'answers' in reply ? reply.answers.flatMap((answer) => answer.parts) : []
  const buffers = new Set(parts.flatMap(({ data }) => (data instanceof Float64Array ? [data.buffer] : [])))
  parentPort!.postMessage(reply, [...buffers] as ArrayBuffer[])
})
