import { writeFile } from 'node:fs/promises'
import { basename, extname, resolve } from 'node:path'
import {
  encodeProgram,
  type Forest,
  findZeroWeights,
  forestsBehind,
  ModelError,
  type Program,
  programDigest,
} from '@millwright/engine'
import {
  type CliContext,
  type Command,
  CommandError,
  countOption,
  takeArguments,
  textOption,
  UsageError,
  type Values,
} from '../command.ts'
import { buildFrame, pickRows, rowFailure } from '../frame.ts'
import { openModel } from '../model-file.ts'
import {
  argumentsOf,
  type ModelFiles,
  modelFiles,
  PARTS_OPTIONS,
  PARTS_USAGE,
  pathsOf,
} from '../model-parts.ts'
import { explore } from '../optimize/explore.ts'
import { chooseJudge, type Judge } from '../optimize/judge.ts'
import { describeShares, splitTarget } from '../optimize/labels.ts'
import { optimizeLinear } from '../optimize/linear.ts'
import { parentsOf, withLineage } from '../optimize/smaller.ts'
import type { Asked, Outcome, Work } from '../optimize/work.ts'
import { readRows } from '../rows.ts'
import { progress, type Terminal } from '../terminal.ts'

const usage = `Makes a model smaller and faster, and measures what that costs on your labelled rows. Needs no server.

Usage: millwright optimize FILE --data ROWS --target COLUMN [options]

Options:
  --data ROWS        rows the model was not trained on, with the true answer: .csv, .json, .ndjson, .parquet
  --target COLUMN    the true answer; rows without one are left out
  --metric NAME      auc, accuracy, logloss, rmse or mae   (default: auc for two classes, accuracy for more, else rmse)
  --margin NUMBER    what may be lost of the metric   (default: 0.005 of auc and accuracy, 1 % of the whole model's losses)
  --trees N          keep the first N trees (iterations of boosting with several classes) instead of the recommendation
  --depth N          cut every tree at depth N, where the file has the values of inner nodes
  --write FILE       the smaller model as a file that deploys like any other; end it in .mwm
  --picture FILE     the curves as SVG   (with --write: beside it unless told)
${PARTS_USAGE}

Forests and boosting: quality with 95 % intervals by number of trees and by depth, with time and size. Recommended is the
smallest number of trees whose loss against the whole model, compared row by row, stays within the margin at the end of its
interval. Linear models on counted words: words whose weights are all zero go. For ONNX it says what to run.

Examples:
  millwright optimize churn.pkl --data held-out.csv --target churned
  millwright optimize churn.pkl --data held-out.csv --target churned --trees 20 --write small.mwm
  millwright deploy small.mwm --name churn
`

export const optimize: Command = {
  usage,
  options: {
    ...PARTS_OPTIONS,
    data: { type: 'string' },
    target: { type: 'string' },
    metric: { type: 'string' },
    margin: { type: 'string' },
    trees: { type: 'string' },
    depth: { type: 'string' },
    write: { type: 'string' },
    picture: { type: 'string' },
  },
  async run({ terminal, json }, values, positionals) {
    const [path] = takeArguments(positionals, 'FILE')
    if (extname(path!).toLowerCase() === '.onnx') return quantise({ terminal, json }, path!)
    const asked = optionsOf(path!, values)
    const bar = progress(terminal, 'Optimizing')
    const work = await prepare(asked, (note) => bar.update(note))
    bar.update('measuring')
    const outcome = chooseWay(work)
    bar.done()
    const written = await writeFiles(asked, outcome)
    if (json) terminal.stdout(`${JSON.stringify({ ...outcome.document, ...written })}\n`)
    else {
      outcome.show(terminal)
      terminal.stdout(`\n${terminal.style.bold(outcome.recommendation)}\n`)
      for (const note of outcome.notes) terminal.stdout(`${note}\n`)
      showWritten(terminal, written)
    }
    return 0
  },
}

function optionsOf(path: string, values: Values): Asked {
  const required = (name: string): string => {
    const value = textOption(values, name)
    if (value === undefined) throw new UsageError(`missing --${name}`)
    return value
  }
  const margin = textOption(values, 'margin')
  if (margin !== undefined && !(Number(margin) >= 0 && margin.trim() !== ''))
    throw new UsageError(`--margin takes a number from 0, got ${JSON.stringify(margin)}`)
  const files = modelFiles(path, values)
  const write = textOption(values, 'write')
  if (write !== undefined && pathsOf(files).some((file) => resolve(file) === resolve(write)))
    throw new UsageError('--write would replace the model itself: give another name')
  return {
    files,
    data: required('data'),
    target: required('target'),
    metric: textOption(values, 'metric'),
    margin: margin === undefined ? undefined : Number(margin),
    trees: countOption(values, 'trees'),
    depth: countOption(values, 'depth'),
    write,
    picture: textOption(values, 'picture') ?? write?.replace(/(\.mwm)?$/, '.svg'),
  }
}

async function prepare(asked: Asked, note: (text: string) => void): Promise<Work> {
  note('reading the model')
  const { runner, schema } = await openModel(asked.files, { innerValues: true })
  const { program } = runner
  note('reading the rows')
  const { table, labels, places } = splitTarget(await readRows(asked.data), asked.target, program)
  const frame = pickRows(program, buildFrame(program, schema, table), places)
  const judge = chooseJudge(program, labels, asked.metric)
  try {
    await runner.run(frame, [judge.method])
  } catch (error) {
    throw rowFailure(error, places)
  } finally {
    await runner.close()
  }
  const left = table.rows.length - frame.rows
  return {
    asked,
    program,
    frame,
    judge,
    rows: `${frame.rows} rows of ${asked.data}${describeShares(labels)}${left === 0 ? '' : `; ${left} have no ${asked.target}`}`,
    forests: forestsOf(program, judge, asked.files),
  }
}

function forestsOf(program: Program, { method }: Judge, files: ModelFiles): readonly Forest[] {
  try {
    return forestsBehind(program, method)
  } catch (error) {
    if (!(error instanceof ModelError)) throw error
    throw new CommandError(`${basename(files.model.path)} cannot be cut: ${error.message}`, [
      error.hint ?? 'train a smaller one',
    ])
  }
}

function chooseWay(work: Work): Outcome {
  if (work.forests.length > 0) return explore(work)
  if (findZeroWeights(work.program).length > 0) return optimizeLinear(work)
  throw new CommandError(
    `${basename(work.asked.files.model.path)} is ${work.program.origin.estimator}: neither trees nor linear weights`,
    ['train a smaller model of its kind: there is nothing in this one that could be left out'],
  )
}

type Written = { readonly written?: string; readonly digest?: string; readonly picture?: string }

async function writeFiles(asked: Asked, outcome: Outcome): Promise<Written> {
  const written: { written?: string; digest?: string; picture?: string } = {}
  const { write, picture } = asked
  if (write !== undefined) {
    const bytes = encodeProgram(
      withLineage(outcome.smaller, {
        parents: await parentsOf(asked.files),
        changes: outcome.changes,
        command: commandOf(asked),
      }),
    )
    await writeFile(write, bytes).catch((error: Error) => refuse(write, error))
    Object.assign(written, { written: write, digest: programDigest(bytes) })
  }
  if (picture !== undefined && outcome.picture !== undefined) {
    await writeFile(picture, outcome.picture()).catch((error: Error) => refuse(picture, error))
    Object.assign(written, { picture })
  }
  return written
}

function refuse(path: string, error: Error): never {
  throw new CommandError(`${path} cannot be written: ${error.message}`)
}

/** The command as it was given. */
function commandOf({ files, data, target, metric, margin, trees, depth }: Asked): string {
  const options = Object.entries({ data, target, metric, margin, trees, depth })
  const given = options.flatMap(([name, value]) => (value === undefined ? [] : [`--${name} ${value}`]))
  return `millwright optimize ${[argumentsOf(files), ...given].join(' ')}`
}

function showWritten({ stdout, style }: Terminal, { written, digest, picture }: Written): void {
  if (picture !== undefined) stdout(`${style.good('✔')} ${picture}\n`)
  if (written !== undefined)
    stdout(`${style.good('✔')} ${written}  sha256 ${digest}\n  millwright deploy ${written}\n`)
}

/** ONNX files are made smaller by ONNX Runtime's own tools. */
function quantise({ terminal, json }: Pick<CliContext, 'terminal' | 'json'>, path: string): number {
  const out = path.replace(/\.onnx$/i, '')
  const commands = [
    'pip install onnx onnxruntime sympy',
    `python -m onnxruntime.quantization.preprocess --input ${path} --output ${out}.prepared.onnx`,
    `python -c "from onnxruntime.quantization import quantize_dynamic; quantize_dynamic('${out}.prepared.onnx', '${out}.int8.onnx')"`,
  ]
  terminal.stdout(
    json
      ? `${JSON.stringify({ commands })}\n`
      : `${path} is made smaller by ONNX Runtime itself, where Python is: weights of 8 bits.\n\n` +
          commands.map((command) => `  ${command}\n`).join('') +
          '\nAnswers change: compare both files on labelled rows before you deploy.\n',
  )
  return 0
}
