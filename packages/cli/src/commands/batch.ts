import { extname, resolve } from 'node:path'
import { compileProgram } from '@millwright/engine/compiled'
import type { Layouts } from '@millwright/engine/place'
import type { TableFile, Task } from '../batch/job.ts'
import { type BatchModel, isModelFile, openDeployment, openModelFile } from '../batch/model.ts'
import { watchBatch } from '../batch/progress.ts'
import { runBatch, type Summary, THREADS } from '../batch/run-batch.ts'
import { createScorer } from '../batch/scorer.ts'
import {
  type CliContext,
  type Command,
  takeArguments,
  textOption,
  UsageError,
  type Values,
} from '../command.ts'
import { modelFiles, PARTS_OPTIONS, PARTS_USAGE } from '../model-parts.ts'
import { assertRegularFile } from '../read-file.ts'

const usage = `Scores the rows of a file of any size, on all cores. The answers are those of the API, bit for bit.

Usage: millwright batch DEPLOYMENT|MODEL_FILE --in ROWS --out FILE [options]

Options:
  --in FILE          rows: .csv, .tsv, .ndjson, .jsonl, .parquet
  --out FILE         where they go with their answers, in any of these formats
  --keep LIST        columns of the input to write, comma separated; "" is none (default: all)
  --rejects FILE     rows that got no answer, with the reasons (default: OUT.rejects.ndjson)
  --max-rejects N    stop with exit code 5 when more rows than this are rejected
  --restart          begin anew what was begun with another file, model or option
${PARTS_USAGE}

A deployment's program is fetched from the server, and what it answers is computed here, its decision included. A model
file needs no server.

The answers are the columns prediction, probability_CLASS for each class, score, outcome and band where the deployment
decides, and model_version. Rows keep their order. The output appears when it is whole; until then it grows in
OUT.work, and the same command goes on where it was ended, by whatever. Columns that the model does not read are carried
along.

Examples:
  millwright batch churn --in customers.parquet --out scored.parquet
  millwright batch churn_model_v2.pkl --in customers.csv --out scored.csv --keep customer_id --max-rejects 100
`

export const batch: Command = {
  usage,
  options: {
    ...PARTS_OPTIONS,
    in: { type: 'string' },
    out: { type: 'string' },
    keep: { type: 'string' },
    rejects: { type: 'string' },
    'max-rejects': { type: 'string' },
    restart: { type: 'boolean' },
  },
  async run(context, values, positionals) {
    const [given] = takeArguments(positionals, 'DEPLOYMENT or MODEL_FILE')
    const files = filesOf(values)
    const maxRejects = maxRejectsOf(values)
    await assertRegularFile(files.input.path)
    const model = await openModel(context, given!, values)
    const { layouts, ...about } = prepare(model)
    const task: Task = { model, ...files, ...about }
    const watch = watchBatch(context.terminal, given!)
    const summary = await runBatch(task, {
      maxRejects,
      restart: values.restart === true,
      worker: {
        program: model.shared.bytes,
        layouts,
        schema: model.schema,
        decision: model.decision,
        version: model.version,
      },
      onProgress: watch.update,
      onWriting: watch.writing,
    })
    report(context, values, { ...summary, seconds: watch.done(), model })
    return 0
  },
}

const openModel = ({ client }: CliContext, given: string, values: Values): Promise<BatchModel> =>
  isModelFile(given) ? openModelFile(modelFiles(given, values)) : openDeployment(client, given)

/** Compiles the program for all threads: what it lays out in memory is there once. */
function prepare({ shared, schema, decision }: BatchModel): {
  layouts: readonly Layouts[]
  names: Task['names']
  outputs: Task['outputs']
} {
  const seats = THREADS + 1
  const executable = compileProgram(shared.program, { seat: { number: 0, of: seats, isPioneer: false } })
  const { names, outputs } = createScorer(executable, { schema, decision, manners: 'tensor' })
  return { layouts: executable.layouts, names, outputs }
}

const FORMATS: Readonly<Record<string, Pick<TableFile, 'format' | 'separator'>>> = {
  '.csv': { format: 'csv', separator: ',' },
  '.tsv': { format: 'csv', separator: '\t' },
  '.ndjson': { format: 'ndjson', separator: ',' },
  '.jsonl': { format: 'ndjson', separator: ',' },
  '.parquet': { format: 'parquet', separator: ',' },
}

function fileOption(values: Values, name: 'in' | 'out'): TableFile {
  const given = textOption(values, name)
  if (given === undefined) throw new UsageError(`missing --${name} FILE`)
  const format = FORMATS[extname(given).toLowerCase()]
  if (format === undefined)
    throw new UsageError(
      `--${name} takes a ${Object.keys(FORMATS).join(', ')} file, got ${JSON.stringify(given)}`,
    )
  return { path: resolve(given), ...format }
}

const rejectsOf = (values: Values): string =>
  textOption(values, 'rejects') ?? `${textOption(values, 'out')}.rejects.ndjson`

/** @throws UsageError for what is missing, and where two of the files are one */
function filesOf(values: Values): Pick<Task, 'input' | 'output' | 'keep' | 'rejectsPath'> {
  const [input, output] = [fileOption(values, 'in'), fileOption(values, 'out')]
  const rejectsPath = resolve(rejectsOf(values))
  if (new Set([input.path, output.path, rejectsPath]).size < 3)
    throw new UsageError('--in, --out and --rejects must be three different files')
  const keep = textOption(values, 'keep')
  return { input, output, rejectsPath, keep: keep === '' ? [] : keep?.split(',').map((name) => name.trim()) }
}

function maxRejectsOf(values: Values): number {
  const text = textOption(values, 'max-rejects')
  if (text === undefined) return Number.POSITIVE_INFINITY
  if (!/^\d+$/.test(text))
    throw new UsageError(`--max-rejects takes a whole number, got ${JSON.stringify(text)}`)
  return Number(text)
}

type Outcome = Summary & { readonly seconds: number; readonly model: BatchModel }

/** Paths are said as they were given. */
function report({ terminal, json }: CliContext, values: Values, outcome: Outcome): void {
  const { rows, rejected, resumed, seconds, model } = outcome
  const out = textOption(values, 'out')!
  const rejects = rejected > 0 ? rejectsOf(values) : null
  const perSecond = Math.round((rows - resumed) / Math.max(seconds, 1e-3))
  if (json) {
    const document = {
      ...{ rows, answered: rows - rejected, rejected, resumed, seconds, rows_per_second: perSecond },
      ...{ out, rejects, model: { version: model.version, program: model.digest } },
    }
    terminal.stdout(`${JSON.stringify(document)}\n`)
  }
  if (terminal.quiet) return
  const { good, warn, dim } = terminal.style
  const pace = dim(`${seconds.toFixed(1)}s, ${perSecond.toLocaleString('en')} rows/s`)
  terminal.stderr(`${good('✔')} ${(rows - rejected).toLocaleString('en')} rows written to ${out} ${pace}\n`)
  if (rejects !== null)
    terminal.stderr(
      `${warn('!')} ${rejected.toLocaleString('en')} rows rejected; the reasons are in ${rejects}\n`,
    )
}
