import { resolve } from 'node:path'
import type { TableFile, Task } from '../batch/job.ts'
import { type BatchModel, isModelFile, openDeployment, openModelFile } from '../batch/model.ts'
import { maxRejectsOf, type Scored, scoreFile, tableFileOf } from '../batch/score-file.ts'
import {
  type CliContext,
  type Command,
  takeArguments,
  textOption,
  UsageError,
  type Values,
} from '../command.ts'
import { modelFiles, PARTS_OPTIONS, PARTS_USAGE } from '../model-parts.ts'

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
    const maxRejects = maxRejectsOf(textOption(values, 'max-rejects'))
    const model = await openModel(context, given!, values)
    const restart = values.restart === true
    const scored = await scoreFile(context, { model, ...files, name: given!, maxRejects, restart })
    report(context, values, { ...scored, model })
    return 0
  },
}

const openModel = ({ client }: CliContext, given: string, values: Values): Promise<BatchModel> =>
  isModelFile(given) ? openModelFile(modelFiles(given, values)) : openDeployment(client, given)

const rejectsOf = (values: Values): string =>
  textOption(values, 'rejects') ?? `${textOption(values, 'out')}.rejects.ndjson`

/** @throws UsageError for what is missing, and where two of the files are one */
function filesOf(values: Values): Pick<Task, 'input' | 'output' | 'keep' | 'rejectsPath'> {
  const [input, output] = (['in', 'out'] as const).map((name) =>
    tableFileOf(textOption(values, name), name),
  ) as [TableFile, TableFile]
  const rejectsPath = resolve(rejectsOf(values))
  if (new Set([input.path, output.path, rejectsPath]).size < 3)
    throw new UsageError('--in, --out and --rejects must be three different files')
  const keep = textOption(values, 'keep')
  return { input, output, rejectsPath, keep: keep === '' ? [] : keep?.split(',').map((name) => name.trim()) }
}

type Outcome = Scored & { readonly model: BatchModel }

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
