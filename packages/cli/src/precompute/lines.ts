import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { ModelSchema } from '@millwright/contracts'
import type { OutputColumn } from '../batch/scorer.ts'

/** How the columns of a scored file become the answers of the API. */
export type Columns = {
  /** Whose values the keys are. */
  readonly key: string
  readonly outputs: readonly OutputColumn[]
  readonly schema: ModelSchema
}

/** Longest key, in characters: it becomes a part of a path. */
const KEY_CHARACTERS = 128

/**
 * Lines of answers by key, of a scored file of JSON lines.
 * @throws RangeError that says which row has no key
 */
export async function* answerLines(path: string, columns: Columns): AsyncIterable<string> {
  const describe = describer(columns)
  let row = 0
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    row += 1
    const key = keyOf(line, columns.key)
    if (key === undefined)
      throw new RangeError(
        `row ${row} that was answered: "${columns.key}" is no key; expected text or a whole number of 1 to ${KEY_CHARACTERS} characters`,
      )
    yield `${JSON.stringify({ key, prediction: describe(JSON.parse(line) as Scored) })}\n`
  }
}

type Scored = Readonly<Record<string, unknown>>

/** Text, or a whole number as it stands there: doubles do not hold all of a 64-bit one. */
function keyOf(line: string, column: string): string | undefined {
  let key: string | undefined
  const look = (name: string, value: unknown, { source }: { source?: string }): unknown => {
    if (name === column && typeof value === 'string') key = value
    if (name === column && typeof value === 'number' && /^-?\d+$/.test(source!)) key = source
    return value
  }
  // The third argument of the reviver is newer than TypeScript's library.
  JSON.parse(line, look as (name: string, value: unknown) => unknown)
  return key === undefined || key === '' || key.length > KEY_CHARACTERS ? undefined : key
}

/** The prediction of a row as the API answers it. */
function describer({ outputs, schema }: Columns): (row: Scored) => object {
  const names = new Set(outputs.map(({ name }) => name))
  const several = outputs.filter(({ name }) => /^prediction_\d+$/.test(name))
  const classes = (schema.classes[0] ?? []).filter((label) => names.has(`probability_${label}`))
  const decides = ['score', 'outcome', 'band'].filter((name) => names.has(name))
  return (row) => ({
    prediction: names.has('prediction') ? row.prediction : several.map(({ name }) => row[name]),
    ...(classes.length > 0 && {
      probabilities: Object.fromEntries(classes.map((label) => [label, row[`probability_${label}`]])),
    }),
    ...(decides.length > 0 && {
      decision: Object.fromEntries(
        decides.filter((name) => row[name] !== null).map((name) => [name, row[name]]),
      ),
    }),
  })
}
