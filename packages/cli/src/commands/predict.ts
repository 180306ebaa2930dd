import { text } from 'node:stream/consumers'
import type { CellValue, PredictAnswer, PredictRequest } from '@millwright/contracts'
import { type Command, takeArguments, textOption, UsageError, type Values } from '../command.ts'
import { readText } from '../read-file.ts'
import { readRows, recordsOf } from '../rows.ts'
import { type Terminal, table } from '../terminal.ts'

const usage = `Asks a deployment.

Usage: millwright predict DEPLOYMENT [COLUMN=VALUE …] [options]

Options:
  --row JSON         one row as JSON, a file of it, or - for standard input
  --data FILE        rows: .csv, .json, .ndjson, .parquet
  --subject ID       whom the row is about: a customer, a device; found again by "logs --subject"
  --outputs LIST     methods to answer besides the prediction

Examples:
  millwright predict churn days_since_last_order=45 total_orders=12 lifetime_value=567.89 email_open_rate=0.35
  millwright predict churn --data customers.csv --json
`

export const predict: Command = {
  usage,
  options: {
    row: { type: 'string' },
    data: { type: 'string' },
    subject: { type: 'string' },
    outputs: { type: 'string' },
  },
  async run({ terminal, client, json }, values, positionals) {
    const [deployment, ...pairs] = positionals
    if (deployment === undefined) takeArguments(positionals, 'DEPLOYMENT')
    const outputs = textOption(values, 'outputs')?.split(',')
    const subject = textOption(values, 'subject')
    const answer = await client.predict(deployment!, {
      ...(await readRequest(values, pairs)),
      ...(outputs === undefined ? {} : { outputs }),
      ...(subject === undefined ? {} : { subject }),
    })
    if (json) terminal.stdout(`${JSON.stringify(answer)}\n`)
    else show(terminal, answer)
    return answer.predictions?.some((entry) => 'error' in entry) ? 1 : 0
  },
}

async function readRequest(values: Values, pairs: readonly string[]): Promise<PredictRequest> {
  const data = textOption(values, 'data')
  if (data !== undefined) {
    const rows = await readRows(data)
    return { rows: recordsOf(rows).map((row) => (rows.text ? mapValues(row, readValue) : row)) }
  }
  const given = textOption(values, 'row')
  if (given === undefined && pairs.length === 0)
    throw new UsageError('missing a row: COLUMN=VALUE …, --row or --data')
  if (given === undefined) return { row: Object.fromEntries(pairs.map(readPair)) }
  const source =
    given === '-'
      ? await text(process.stdin)
      : given.trimStart().startsWith('{')
        ? given
        : await readText(given)
  try {
    return { row: JSON.parse(source) as Record<string, CellValue> }
  } catch (error) {
    throw new UsageError(`--row is not JSON: ${(error as Error).message}`)
  }
}

function readPair(pair: string): [string, CellValue] {
  const at = pair.indexOf('=')
  if (at < 1) throw new UsageError(`expected COLUMN=VALUE, got ${JSON.stringify(pair)}`)
  return [pair.slice(0, at), readValue(pair.slice(at + 1))]
}

/** Text of a shell or a CSV file as the JSON value it spells. */
function readValue(value: CellValue): CellValue {
  if (typeof value !== 'string') return value
  if (value === '' || value === 'null') return null
  if (value === 'true' || value === 'false') return value === 'true'
  return value.trim() !== '' && Number.isFinite(Number(value)) ? Number(value) : value
}

const mapValues = <T, U>(record: Record<string, T>, map: (value: T) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]))

function show(terminal: Terminal, answer: PredictAnswer): void {
  const entries = answer.predictions ?? [answer.prediction!]
  const rows = entries.map((entry) => {
    if ('error' in entry)
      return [entry.id, terminal.style.bad('✖'), entry.error.errors.map((error) => error.message).join('; ')]
    const probabilities = Object.entries(entry.probabilities ?? {}).map(
      ([label, p]) => `${label}: ${p.toPrecision(4)}`,
    )
    const decision = [entry.decision?.outcome, entry.decision?.band].filter((part) => part !== undefined)
    return [entry.id, String(entry.prediction), [...probabilities, ...decision].join('  ')]
  })
  terminal.stdout(table(rows, terminal.style))
  terminal.stderr(
    terminal.style.dim(`${answer.deployment}@${answer.version.number} (${answer.version.label})\n`),
  )
}
