import type { Method } from '@millwright/engine'
import { outputJson, pick } from '../answer-json.ts'
import { jsonCellOrNull } from '../json-text.ts'
import type { InferRequest } from './dataplane.ts'
import type { DoorDeps, DoorRequest } from './door.ts'
import { assertRows } from './limits.ts'
import { isFailed, type PredictedRow, type RowResult } from './predicted-row.ts'
import type { Reply } from './replies.ts'
import type { Served } from './served.ts'

export type WholeInference = Omit<InferRequest, 'manners' | 'whole'>

/**
 * Predicts rows of a dialect that knows no bad row among good ones; values are read as numpy and pandas read them.
 * @throws MillwrightError TOO_MANY_ROWS, VALIDATION_FAILED
 */
export function inferWhole(
  { plane, maxRows }: DoorDeps,
  served: Served,
  inference: WholeInference,
): PredictedRow[] | Promise<PredictedRow[]> {
  const { rows } = inference
  assertRows(rows.count, served.routed.limits?.rows ?? maxRows)
  const request = { ...inference, manners: 'tensor', whole: true } as const
  return rows.count <= served.nowRows
    ? predicted(plane.inferNow(served, request))
    : plane.infer(served, request).then(predicted)
}

const predicted = (results: readonly RowResult[]): PredictedRow[] =>
  results.filter((result): result is PredictedRow => !isFailed(result))

/** What a door asks of it, and how it writes the answer. */
export type WholeAnswer = Pick<WholeInference, 'rows' | 'outputs' | 'ids'> & {
  readonly write: (rows: readonly PredictedRow[]) => Reply
}

/** The answer to a request, now or later. @throws MillwrightError TOO_MANY_ROWS, VALIDATION_FAILED */
export function answerWhole(
  deps: DoorDeps,
  served: Served,
  { exchange, startedAt, signal }: DoorRequest,
  { write, ...asked }: WholeAnswer,
): Reply | Promise<Reply> {
  const { id: requestId, span } = exchange
  const rows = inferWhole(deps, served, { ...asked, requestId, startedAt, signal, span })
  return rows instanceof Promise ? rows.then(write) : write(rows)
}

/** JSON of what a method answered to a row; numbers that JSON does not have are null. */
export const answerJson = ({ run }: PredictedRow, method: Method): string =>
  outputJson(pick(run.answers, method), run.row, jsonCellOrNull)

/** JSON of what it answered to all rows: a list. */
export const answersJson = (rows: readonly PredictedRow[], method: Method): string =>
  `[${rows.map((row) => answerJson(row, method)).join(',')}]`
