import { CommandError } from './command.ts'
import { readText } from './read-file.ts'
import { readRows } from './rows.ts'

/** Method → one entry per row: a value, or a list of them. */
export type Expected = Record<string, unknown[]>

type ScoreOutput = {
  readonly name: string
  readonly shape: readonly number[]
  readonly data: readonly unknown[]
}

/**
 * What the training library answered, at most `rows` rows of it: {"predict": […], "predict_proba": [[…]]} as Python's
 * json writes it, what `millwright score` printed, or a CSV with columns predict, predict_proba_0, predict_proba_1 …
 * @throws CommandError
 */
export async function readExpected(path: string, rows: number): Promise<Expected> {
  if (/\.(csv|tsv)$/i.test(path)) return await readExpectedCsv(path, rows)
  const document = parse(await readText(path), path)
  const lists = Array.isArray(document.outputs)
    ? (document.outputs as ScoreOutput[]).map(({ name, shape, data }) => [name, nest(shape, data)] as const)
    : Object.entries(document).filter((entry): entry is [string, unknown[]] => Array.isArray(entry[1]))
  return Object.fromEntries(lists.map(([name, values]) => [name, values.slice(0, rows)]))
}

function parse(text: string, path: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch (error) {
    throw new CommandError(`${path} is not JSON: ${(error as Error).message}`)
  }
}

function nest(shape: readonly number[], data: readonly unknown[]): unknown[] {
  const width = shape[1]
  if (width === undefined) return [...data]
  return Array.from({ length: shape[0]! }, (_, row) => data.slice(row * width, (row + 1) * width))
}

async function readExpectedCsv(path: string, rows: number): Promise<Expected> {
  const table = await readRows(path)
  const names = table.columns.map((column) => column.name.replace(/_\d+$/, ''))
  return Object.fromEntries(
    [...new Set(names)].map((name) => {
      const columns = names.flatMap((other, i) => (other === name ? [i] : []))
      const alone = columns.length === 1 && table.columns[columns[0]!]!.name === name
      const values = table.rows.slice(0, rows).map((row) => columns.map((i) => spelled(row[i] ?? null)))
      return [name, alone ? values.map(([value]) => value) : values]
    }),
  )
}

/** Text of a CSV file as the number it spells. */
function spelled(value: unknown): unknown {
  if (typeof value !== 'string' || value.trim() === '') return value
  return Number.isNaN(Number(value)) ? value : Number(value)
}
