import { writeFile } from 'node:fs/promises'
import { extname } from 'node:path'
import type { Answer, Cell, Frame, Method } from '@millwright/engine'
import { HostFailure } from '@millwright/runtime'
import { type Command, CommandError, takeArguments, textOption, UsageError } from '../command.ts'
import { buildFrame, rowFailure } from '../frame.ts'
import { type OpenModel, openModel } from '../model-file.ts'
import { modelFiles, PARTS_OPTIONS, PARTS_USAGE } from '../model-parts.ts'
import { readRows } from '../rows.ts'
import { progress, type Terminal } from '../terminal.ts'

const usage = `Predicts the rows of a file with a model file. Needs no server.

Usage: millwright score MODEL_FILE --data ROWS [options]

Options:
  --data FILE        rows: .csv, .json, .ndjson, .parquet
  --outputs LIST     methods of the library, comma separated, or "all": predict, predict_proba,
                     predict_log_proba, decision_function, transform, score_samples, raw_margin
                     (default: predict)
  --out FILE         write to a .json, .ndjson or .csv file instead of stdout
${PARTS_USAGE}

Prints {"outputs":[{"name","shape","dtype","data"}],"rows":n,"model":{…}}; data is flat, row by row, with
shortest round-trip numbers; NaN and infinities are the strings "NaN", "Infinity", "-Infinity".
A model with several outputs answers predict_proba as shape [outputs, rows, classes].

Examples:
  millwright score churn_model_v2.pkl --data customers.csv --outputs predict,predict_proba
`

export const score: Command = {
  usage,
  options: {
    ...PARTS_OPTIONS,
    data: { type: 'string' },
    outputs: { type: 'string' },
    out: { type: 'string' },
  },
  async run({ terminal }, values, positionals) {
    const [path] = takeArguments(positionals, 'MODEL_FILE')
    const data = textOption(values, 'data')
    if (data === undefined) throw new UsageError('missing --data FILE')
    const out = textOption(values, 'out')
    const encode = encoderOf(out)
    const bar = progress(terminal, 'Scoring')
    bar.update('reading the model')
    const model = await openModel(modelFiles(path!, values))
    const methods = chooseOutputs(model, textOption(values, 'outputs') ?? 'predict')
    bar.update('reading the rows')
    const table = await readRows(data)
    const frame = buildFrame(model.runner.program, model.schema, table)
    bar.update(`${frame.rows} rows`)
    const answers = await runRows(model, frame, methods)
    const outputs = answers.flatMap(outputsOf)
    await write(terminal, out, encode(outputs, frame.rows, model))
    bar.done(out === undefined ? undefined : `${frame.rows} rows written to ${out}`)
    return 0
  },
}

function chooseOutputs({ runner }: OpenModel, wanted: string): Method[] {
  const available = runner.program.outputs.map((output) => output.name)
  if (wanted === 'all') return available
  const chosen = wanted.split(',').map((name) => name.trim())
  const unknown = chosen.filter((name) => !available.includes(name as Method))
  if (unknown.length === 0) return chosen as Method[]
  if (wanted === 'predict') return available.slice(0, 1)
  throw new CommandError(`the model has no ${unknown.join(', ')}`, [`it answers ${available.join(', ')}`])
}

async function runRows({ runner }: OpenModel, frame: Frame, methods: Method[]): Promise<Answer[]> {
  try {
    return await runner.run(frame, methods)
  } catch (error) {
    if (error instanceof HostFailure) throw new CommandError(error.message, ['score fewer rows at a time'])
    throw rowFailure(error)
  } finally {
    await runner.close()
  }
}

type Output = {
  readonly name: string
  readonly shape: readonly number[]
  readonly dtype: string
  readonly data: ArrayLike<Cell>
}

/** One entry per answer; an answer of several matrices becomes one of rank 3, or one each when their widths differ. */
export function outputsOf(answer: Answer): Output[] {
  const { name, dtype, parts } = answer
  if (!answer.list) return parts.map((part) => ({ name, shape: part.shape, dtype, data: part.data }))
  const widths = new Set(parts.map((part) => part.shape[1]))
  if (widths.size > 1)
    return parts.map((part, i) => ({ name: `${name}_${i}`, shape: part.shape, dtype, data: part.data }))
  const data = parts.flatMap((part) => Array.from<Cell>(part.data))
  return [{ name, shape: [parts.length, ...(parts[0]?.shape ?? [])], dtype, data }]
}

/** @throws UsageError for an extension that is not written */
function encoderOf(out: string | undefined): Encoder {
  const encode = ENCODERS[out === undefined ? '.json' : extname(out).toLowerCase()]
  if (encode === undefined) throw new UsageError(`--out takes a ${Object.keys(ENCODERS).join(', ')} file`)
  return encode
}

async function write(terminal: Terminal, out: string | undefined, chunks: Iterable<string>): Promise<void> {
  if (out === undefined) for (const chunk of chunks) terminal.stdout(chunk)
  else await writeFile(out, chunks).catch((error: Error) => refuse(out, error))
}

function refuse(out: string, error: Error): never {
  throw new CommandError(`${out} cannot be written: ${error.message}`)
}

type Encoder = (outputs: readonly Output[], rows: number, model: OpenModel) => Generator<string>

const ENCODERS: Readonly<Record<string, Encoder>> = {
  '.json': encodeJson,
  '.ndjson': encodeNdjson,
  '.csv': encodeCsv,
}

/** Values per piece of text, so that a large answer is never one string. */
const CHUNK = 65_536

function* encodeJson(outputs: readonly Output[], rows: number, { file }: OpenModel): Generator<string> {
  yield '{"outputs":['
  for (const [i, { name, shape, dtype, data }] of outputs.entries()) {
    yield `${i === 0 ? '' : ','}${JSON.stringify({ name, shape, dtype }).slice(0, -1)},"data":[`
    for (let at = 0; at < data.length; at += CHUNK) {
      const slice = Array.prototype.slice.call(data, at, at + CHUNK) as Cell[]
      yield (at === 0 ? '' : ',') + slice.map(encodeCell).join(',')
    }
    yield ']}'
  }
  const { library, libraryVersion, estimator } = file.report
  yield `],"rows":${rows},"model":${JSON.stringify({ library, library_version: libraryVersion, estimator })}}\n`
}

/** Columns of all outputs side by side: `predict`, `predict_proba_0`, `predict_proba_1` … */
function columnsOf(
  outputs: readonly Output[],
  rows: number,
): { name: string; value: (row: number) => Cell }[] {
  return outputs.flatMap(({ name, data }) => {
    const width = rows === 0 ? 0 : data.length / rows
    return Array.from({ length: width }, (_, column) => ({
      name: width === 1 ? name : `${name}_${column}`,
      value: (row: number) => data[row * width + column]!,
    }))
  })
}

function* encodeNdjson(outputs: readonly Output[], rows: number): Generator<string> {
  const columns = columnsOf(outputs, rows)
  for (let row = 0; row < rows; row++)
    yield `{${columns.map(({ name, value }) => `${JSON.stringify(name)}:${encodeCell(value(row))}`).join(',')}}\n`
}

function* encodeCsv(outputs: readonly Output[], rows: number): Generator<string> {
  const columns = columnsOf(outputs, rows)
  yield `${columns.map(({ name }) => name).join(',')}\n`
  for (let row = 0; row < rows; row++) yield `${columns.map(({ value }) => csvCell(value(row))).join(',')}\n`
}

const encodeCell = (cell: Cell): string => {
  if (typeof cell !== 'number') return JSON.stringify(cell)
  if (Object.is(cell, -0)) return '-0.0'
  return Number.isFinite(cell) ? String(cell) : `"${cell}"`
}

/** Text that a spreadsheet would run as a formula is quoted with an apostrophe. */
function csvCell(cell: Cell): string {
  if (cell === null) return ''
  if (typeof cell !== 'string') return String(cell)
  const safe = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
