import type { Answer, Cell, Frame, Method } from '@millwright/engine'
import {
  askedJson,
  labelAt,
  labelJson,
  labelText,
  outputsJson,
  pick,
  probabilitiesJson,
} from '../answer-json.ts'
import { idsFrom } from '../ids.ts'
import { jsonCell, jsonString } from '../json-text.ts'
import { decodeRecord, type LoggedRow, parseWire, sourceOf, type WireCommon } from './record.ts'

/**
 * A block is rows that were answered together, logged as they went into the model and came out of it: nothing is spelled
 * while callers wait. Its payload is one line of JSON with what the rows have in common, and behind it numbers as
 * float64, little-endian: those of the features, row by row; those of each answer; the scores.
 */
export type RowBlock = {
  readonly timeMs: number
  readonly latencyUs: number
  readonly requestId: string
  /** The first of ids that count up from it, or one per row. */
  readonly ids: string | readonly string[]
  readonly subjects: readonly string[] | undefined
  readonly frame: Frame
  readonly answers: readonly Answer[]
  /** Methods answered because they were asked for. */
  readonly asked: readonly Method[] | undefined
  /** What the decision looked at; undefined when there is none. */
  readonly scores: Float64Array | undefined
  /** JSON of what the decision says of each row. */
  readonly decisions: readonly string[] | undefined
}

/** How the rows of one loaded version are spelled. */
export type BlockShape = {
  readonly features: readonly { readonly name: string; readonly isCell: boolean }[]
  readonly labelMethod: Method
  /** In the order of the columns of predict_proba; undefined when probabilities are not logged by class. */
  readonly classes: readonly string[] | undefined
}

type WireAnswer = {
  readonly n: Method
  readonly d: string
  readonly l: boolean
  readonly p: readonly WirePart[]
}
/** Cells of a part, or where they are numbers their place behind the JSON. */
type WirePart = { readonly w?: number; readonly c?: readonly Cell[] }

type WireBlock = WireCommon & {
  readonly n: number
  readonly i: string | readonly string[]
  readonly s?: readonly string[]
  readonly p?: true
  readonly c?: readonly unknown[]
  readonly h: BlockShape
  readonly fc: readonly Cell[]
  readonly as: readonly WireAnswer[]
  readonly ao?: readonly Method[]
}

const NEWLINE = 0x0a

/** The fixed part of a block; build it once per loaded version. */
export const encodeShape = (shape: BlockShape): string => `"h":${JSON.stringify(shape)}`

/** @param source from `encodeSource` @param shape from `encodeShape` */
export function encodeBlock(source: string, shape: string, block: RowBlock): Buffer {
  const { timeMs, latencyUs, requestId, ids, subjects, frame, answers, asked, scores, decisions } = block
  const numbers: Float64Array[] = [frame.numbers]
  const parts = ({ parts }: Answer): string =>
    parts
      .map(({ shape: [, width], data }) => {
        const head = width === undefined ? '' : `"w":${width}`
        if (data instanceof Float64Array) numbers.push(data)
        return data instanceof Float64Array ? `{${head}}` : `{${head}${head && ','}"c":${cellsJson(data)}}`
      })
      .join(',')
  const answersJson = answers.map(
    (answer) =>
      `{"n":"${answer.name}","d":${jsonString(answer.dtype)},"l":${answer.list},"p":[${parts(answer)}]}`,
  )
  if (scores !== undefined) numbers.push(scores)
  let head = `{"t":${timeMs},"n":${frame.rows},"i":${typeof ids === 'string' ? jsonString(ids) : JSON.stringify(ids)}`
  head += `,"u":${latencyUs},"q":${jsonString(requestId)},${source},${shape},"fc":${cellsJson(frame.cells)}`
  head += `,"as":[${answersJson.join(',')}]`
  if (subjects !== undefined) head += `,"s":${JSON.stringify(subjects)}`
  if (asked !== undefined) head += `,"ao":${JSON.stringify(asked)}`
  if (scores !== undefined) head += ',"p":true'
  if (decisions !== undefined) head += `,"c":[${decisions.join(',')}]`
  return Buffer.concat([
    Buffer.from(`${head}}\n`),
    ...numbers.map(({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength)),
  ])
}

const cellsJson = (cells: readonly Cell[]): string => `[${cells.map(jsonCell).join(',')}]`

/** The rows of a record or a block. @returns undefined when the payload is neither */
export function decodeRows(payload: Buffer): LoggedRow[] | undefined {
  const headEnd = payload.indexOf(NEWLINE)
  if (headEnd === -1) {
    const row = decodeRecord(payload)
    return row && [row]
  }
  try {
    return decodeBlock(payload, headEnd)
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

/** Each row as it would have been logged alone. @throws RangeError when numbers are missing */
function decodeBlock(payload: Buffer, headEnd: number): LoggedRow[] | undefined {
  const wire = parseWire<WireBlock>(payload.subarray(0, headEnd))
  if (wire === undefined) return undefined
  const source = sourceOf(wire)
  const take = numbersFrom(payload, headEnd + 1)
  const frame: Frame = { rows: wire.n, numbers: take(wire.n * numberColumns(wire.h)), cells: wire.fc }
  const answers = wire.as.map(
    ({ n: name, d: dtype, l: list, p: parts }): Answer => ({
      ...{ name, dtype, list },
      parts: parts.map(({ w: width, c: cells }) => ({
        shape: width === undefined ? [wire.n] : [wire.n, width],
        data: cells ?? take(wire.n * (width ?? 1)),
      })),
    }),
  )
  const scores = wire.p && take(wire.n)
  const idOf = typeof wire.i === 'string' ? idsFrom(wire.i) : (row: number) => (wire.i as string[])[row]!
  const features = featuresOf(wire.h, frame)
  const outputs = outputsOf(wire, answers)
  return Array.from({ length: wire.n }, (_, row): LoggedRow => {
    const score = scores?.[row]
    return {
      ...source,
      id: idOf(row),
      timeMs: wire.t,
      latencyUs: wire.u,
      requestId: wire.q,
      subject: wire.s?.[row] ?? null,
      featuresJson: features(row),
      ...outputs(row),
      decisionJson: wire.c === undefined ? null : JSON.stringify(wire.c[row]),
      score: score === undefined || !Number.isFinite(score) ? null : score,
    }
  })
}

/** Takes so many numbers after the ones taken before. @throws RangeError when there are fewer */
function numbersFrom(payload: Buffer, start: number): (count: number) => Float64Array {
  let position = start
  return (count) => {
    const end = position + count * Float64Array.BYTES_PER_ELEMENT
    if (end > payload.length) throw new RangeError(`a block ends ${end - payload.length} bytes too early`)
    const numbers = new Float64Array(count)
    payload.copy(new Uint8Array(numbers.buffer), 0, position, end)
    position = end
    return numbers
  }
}

const numberColumns = ({ features }: BlockShape): number => features.filter(({ isCell }) => !isCell).length

/** JSON of the features of a row. */
function featuresOf({ features }: BlockShape, { numbers, cells }: Frame): (row: number) => string {
  const slots = { number: 0, cell: 0 }
  const columns = features.map(({ name, isCell }) => ({
    key: `${JSON.stringify(name)}:`,
    ...{ isCell, slot: slots[isCell ? 'cell' : 'number']++ },
  }))
  return (row) => {
    const texts = columns.map(({ key, isCell, slot }) => {
      const value = isCell ? cells[row * slots.cell + slot]! : numbers[row * slots.number + slot]!
      return `${key}${jsonCell(value)}`
    })
    return `{${texts.join(',')}}`
  }
}

/** What is logged of the answer to a row. */
function outputsOf(
  { h: { labelMethod, classes }, ao: asked }: WireBlock,
  answers: readonly Answer[],
): (row: number) => Pick<LoggedRow, 'outputsJson' | 'label'> {
  const predicted = pick(answers, labelMethod)
  const keys = classes?.map((name) => `${JSON.stringify(name)}:`)
  const probabilities = keys && pick(answers, 'predict_proba')
  return (row) => {
    const label = labelAt(predicted, row)
    return {
      label: labelText(label),
      outputsJson: outputsJson(
        labelJson(label),
        probabilities && probabilitiesJson(keys!, probabilities, row),
        asked && askedJson(asked, answers, row),
      ),
    }
  }
}
