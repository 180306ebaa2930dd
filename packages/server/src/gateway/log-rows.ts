import type { Answer, Frame } from '@millwright/engine'
import { RowError } from '@millwright/engine/errors'
import type { Slab } from '@millwright/inference/validate'
import { decisionJson, labelText, outputsJson } from '../answer-json.ts'
import { jsonCell } from '../json-text.ts'
import { encodeBlock } from '../segments/block.ts'
import type { Payload } from '../segments/format.ts'
import { encodeRecord } from '../segments/record.ts'
import type { InferRequest } from './dataplane.ts'
import { PredictedRow, type RowIds, type RowResult } from './predicted-row.ts'
import type { RowRun } from './run-rows.ts'
import type { Served } from './served.ts'

export type Log = { append(payload: Payload, rows: number): unknown }

/** Rows of a request that were run. */
export type RanRows = {
  readonly log: Log
  readonly ids: RowIds
  readonly results: readonly RowResult[]
  readonly slab: Slab
  /** Rows of the request by their place in the slab. */
  readonly good: readonly number[]
  readonly runs: readonly (RowRun | RowError)[]
}

/** What is logged of all rows of a request. */
type Logged = { readonly request: InferRequest; readonly timeMs: number; readonly latencyUs: number }

/** Logs what was predicted: as one block what was answered together, each row alone otherwise. */
export function logRows(served: Served, ran: RanRows, logged: Logged): void {
  const { log, good, results } = ran
  const together = good.length > 1 ? answersToAll(ran.runs) : undefined
  if (together !== undefined) {
    log.append(blockOf(served, ran, logged, together), good.length)
    return
  }
  for (let position = 0; position < good.length; position++) {
    const row = results[good[position]!]!
    if (row instanceof PredictedRow) log.append(recordOf(served, row, logged, { ran, position }), 1)
  }
}

/** The answers to all rows, in their order; undefined when rows were answered alone. */
function answersToAll(runs: readonly (RowRun | RowError)[]): readonly Answer[] | undefined {
  const [first] = runs
  if (first === undefined || first instanceof RowError) return undefined
  const isTogether = runs.every((run) => !(run instanceof RowError) && run.answers === first.answers)
  return isTogether ? first.answers : undefined
}

function blockOf(served: Served, ran: RanRows, logged: Logged, answers: readonly Answer[]): Buffer {
  const { ids, results, slab, good } = ran
  const { request, timeMs, latencyUs } = logged
  const rows = good.map((index) => results[index] as PredictedRow)
  const isRun = request.ids === undefined && good.length === 1 + good.at(-1)! - good[0]!
  const frame: Frame = served.readers.strict.frameOf(slab, good.length)
  return encodeBlock(served.recordSource, served.blockShape, {
    ...{ timeMs, latencyUs, requestId: request.requestId, frame, answers, asked: request.outputs },
    ids: isRun ? ids(good[0]!) : good.map(ids),
    subjects: request.subjects && good.map((index) => request.subjects![index]!),
    scores: served.scored && Float64Array.from(rows, ({ decided }) => decided!.score),
    decisions: served.decision && rows.map(({ decided }) => decisionJson(decided!)),
  })
}

function recordOf(
  served: Served,
  row: PredictedRow,
  { request, timeMs, latencyUs }: Logged,
  { ran: { slab, good }, position }: { readonly ran: RanRows; readonly position: number },
): string {
  const { decided } = row
  return encodeRecord(served.recordSource, {
    id: row.id,
    timeMs,
    latencyUs,
    requestId: request.requestId,
    subject: request.subjects?.[good[position]!] ?? null,
    featuresJson: featuresOf(served, slab, position),
    outputsJson: outputsJson(row.labelJson, row.probabilitiesJson, row.askedJson),
    decisionJson: served.decision === undefined || decided === undefined ? null : decisionJson(decided),
    score: decided?.score ?? null,
    label: labelText(row.label),
  })
}

function featuresOf({ readers: { strict }, featureKeys }: Served, slab: Slab, at: number): string {
  let text = '{'
  for (let field = 0; field < featureKeys.length; field++)
    text += `${field === 0 ? '' : ','}${featureKeys[field]}${jsonCell(strict.valueAt(slab, at, field))}`
  return `${text}}`
}
