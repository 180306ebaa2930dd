import { parentPort, workerData } from 'node:worker_threads'
import { decodeProgram } from '@millwright/engine/codec'
import { compileProgram } from '@millwright/engine/compiled'
import { CommandError } from '../command.ts'
import { createScorer, type PieceRows } from './scorer.ts'
import { readText, writeLines } from './text-rows.ts'
import type { Order, Piece, Reply, WorkerStart } from './worker-protocol.ts'

/** Entry of a thread that reads, scores and writes pieces of a file. */
const { program, layouts, seat, seats, schema, decision, text: plan, version } = workerData as WorkerStart
const executable = compileProgram(decodeProgram(new Uint8Array(program)), {
  seat: { number: seat, of: seats, isPioneer: true },
  layouts,
})
const manners = plan?.kind === 'ndjson' ? 'strict' : 'tensor'
const scorer = createScorer(executable, { schema, decision, manners })
const encoder = new TextEncoder()
const NO_BYTES = new Uint8Array(0)

function scoreText(bytes: Uint8Array): Piece {
  const rows = readText(decode(bytes), plan!)
  const scored = scorer.score(rows)
  return {
    rows: rows.count,
    rejects: scored.rejects.map(({ index, errors }) => ({
      index,
      errors: JSON.stringify(errors),
      data: rows.json(index),
    })),
    lines: encoder.encode(writeLines(rows, scored, version)),
    ...{ good: [], values: [] },
  }
}

function scoreColumns({ rows, columns }: Extract<Order, { rows: number }>): Piece {
  let row = 0
  const cellAt = (column: number): unknown => {
    const value = columns[column]![row]
    return Number.isNaN(value) ? null : value
  }
  const piece: PieceRows = {
    count: rows,
    read(reader, index, slab, at) {
      row = index
      return reader.readCells(cellAt, slab, at)
    },
  }
  const { good, rejects, values } = scorer.score(piece)
  return {
    ...{ rows, good, values },
    rejects: rejects.map(({ index, errors }) => ({ index, errors: JSON.stringify(errors), data: undefined })),
    lines: NO_BYTES,
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new CommandError('the file is not UTF-8 text', ['iconv -f latin1 -t utf-8 FILE > utf8.csv'])
  }
}

function replyTo(order: Order): Reply {
  try {
    return { piece: 'text' in order ? scoreText(order.text) : scoreColumns(order) }
  } catch (error) {
    return { error: (error as Error).message, hints: error instanceof CommandError ? error.hints : [] }
  }
}

parentPort!.on('message', (order: Order) => {
  const reply = replyTo(order)
  const buffers = 'piece' in reply ? buffersOf(reply.piece) : []
  parentPort!.postMessage(reply, buffers)
})

const buffersOf = ({ lines, values }: Piece): ArrayBuffer[] =>
  [...(lines.length > 0 ? [lines] : []), ...values].flatMap((one) =>
    ArrayBuffer.isView(one) ? [one.buffer as ArrayBuffer] : [],
  )
