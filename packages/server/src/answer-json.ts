import type { Answer, Cell, Method } from '@millwright/engine'
import type { Decided } from '@millwright/inference/decision'
import { jsonCell, jsonNumber, jsonString } from './json-text.ts'

/** What a model predicts for a row: one value, or one per output. */
export type Label = Cell | readonly Cell[]

const isList = (label: Label): label is readonly Cell[] => Array.isArray(label)

/** One method's answer. */
export function pick(answers: readonly Answer[], method: Method): Answer {
  for (const answer of answers) if (answer.name === method) return answer
  throw new Error(`the engine did not answer ${method}`)
}

export function labelAt({ parts }: Answer, row: number): Label {
  const { shape, data } = parts[0]!
  const width = shape[1]
  return width === undefined ? data[row]! : Array.from(data.slice(row * width, (row + 1) * width) as Cell[])
}

export const labelJson = (label: Label): string =>
  isList(label) ? `[${label.map(jsonCell).join(',')}]` : jsonCell(label)

/** The label as the log is searched by it; null where there is no one label. */
export const labelText = (label: Label): string | null =>
  isList(label) || label === null ? null : String(label)

/** @param keys `"class":` per column */
export function probabilitiesJson(keys: readonly string[], answer: Answer, row: number): string {
  const data = answer.parts[0]!.data as Float64Array
  const start = row * keys.length
  let text = '{'
  for (let column = 0; column < keys.length; column++)
    text += `${column === 0 ? '' : ','}${keys[column]}${jsonNumber(data[start + column]!)}`
  return `${text}}`
}

/** One method's answer to one row: a value, a list, or a list of lists for several outputs. */
export function outputJson(
  answer: Answer,
  row: number,
  cellJson: (value: Cell) => string = jsonCell,
): string {
  const parts = answer.parts.map(({ shape, data }) => {
    const width = shape[1]
    if (width === undefined) return cellJson(data[row]!)
    return `[${Array.from(data.slice(row * width, (row + 1) * width) as Cell[], cellJson).join(',')}]`
  })
  return answer.list ? `[${parts.join(',')}]` : parts[0]!
}

/** What methods asked for besides the prediction say of a row. */
export const askedJson = (asked: readonly Method[], answers: readonly Answer[], row: number): string =>
  `{${asked.map((name) => `"${name}":${outputJson(pick(answers, name), row)}`).join(',')}}`

/** JSON of what a decision says. */
export function decisionJson({ score, outcome, band }: Decided): string {
  let text = `{"score":${jsonNumber(score)}`
  if (outcome !== undefined) text += `,"outcome":"${outcome}"`
  if (band !== undefined) text += `,"band":${jsonString(band)}`
  return `${text}}`
}

/** What the log says the model answered; each is JSON already. */
export const outputsJson = (
  prediction: string,
  probabilities: string | undefined,
  asked: string | undefined,
): string => `{"prediction":${prediction}${field('probabilities', probabilities)}${field('outputs', asked)}}`

/** `,"name":json`, or nothing. */
export const field = (name: string, json: string | undefined): string =>
  json === undefined ? '' : `,"${name}":${json}`
