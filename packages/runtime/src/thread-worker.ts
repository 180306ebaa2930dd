import { parentPort, workerData } from 'node:worker_threads'
import { decodeProgram } from '@millwright/engine/codec'
import { type CompiledProgram, compileProgram } from '@millwright/engine/compiled'
import { RowError } from '@millwright/engine/errors'
import { isHosted } from '@millwright/engine/hosted'
import type { Seat } from '@millwright/engine/place'
import type {
  PrepareOrder,
  PrepareReply,
  ThreadNews,
  ThreadOrder,
  ThreadReply,
  ThreadStart,
} from './thread-protocol.ts'

/** Entry of a thread that predicts rows of large batches, of any model it was told of. */
const { seat: number, seats } = workerData as ThreadStart
const seat: Seat = { number, of: seats, isPioneer: number === 1 }

type Model = { readonly executable: CompiledProgram; muxes: number }
const models = new Map<number, Model>()

function hear(news: ThreadNews): void {
  if ('close' in news) {
    models.delete(news.close)
    return
  }
  const known = models.get(news.open)
  if (known !== undefined) {
    for (const [ref, layouts] of known.executable.layouts.entries()) Object.assign(layouts, news.layouts[ref])
    known.muxes = muxesOf(known.executable)
    return
  }
  const program = decodeProgram(new Uint8Array(news.bytes))
  const executable = compileProgram(program, { seat, layouts: news.layouts })
  models.set(news.open, { executable, muxes: muxesOf(executable) })
}

const muxesOf = ({ layouts }: CompiledProgram): number =>
  layouts.filter(({ mux }) => mux !== undefined).length

function obey({ model: id, rows, numbers, cells, methods, results: shared }: ThreadOrder): ThreadReply {
  const model = models.get(id)!
  const { executable } = model
  try {
    const own = executable.createResults(methods, rows, shared)
    executable.compute({ rows, numbers, cells }, methods, own)
    const found = muxesOf(executable) > model.muxes
    model.muxes = muxesOf(executable)
    return {
      cells: own.map((values) => (values instanceof Float64Array ? undefined : values)),
      ...(found && { layouts: executable.layouts }),
    }
  } catch (error) {
    if (!(error instanceof RowError)) return { error: String(error) }
    const { message, column, row, field } = error
    return { rowFault: { message, column, row, field } }
  }
}

/** For the seat of the thread that asks: the others take what is laid out. What a host runs needs no more than checking. */
function prepare({ prepare: bytes, seats }: PrepareOrder): PrepareReply {
  try {
    const program = decodeProgram(new Uint8Array(bytes))
    if (isHosted(program)) return { types: [], layouts: [] }
    const executable = compileProgram(program, { seat: { number: 0, of: seats, isPioneer: false } })
    executable.prepare(program.outputs.map(({ name }) => name))
    return { types: executable.types, layouts: executable.layouts }
  } catch (error) {
    return { error: (error as Error).message }
  }
}

parentPort!.on('message', (message: ThreadNews | ThreadOrder | PrepareOrder) => {
  if ('rows' in message) parentPort!.postMessage(obey(message))
  else if ('prepare' in message) parentPort!.postMessage(prepare(message))
  else hear(message)
})
