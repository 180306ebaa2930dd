import {
  type Cell,
  type Comparison,
  type Contract,
  compareWithExpected,
  contractOf,
  type Method,
} from '@millwright/engine'
import { type Command, CommandError, EXIT, takeArguments, textOption, UsageError } from '../command.ts'
import { readExpected } from '../expected.ts'
import { buildFrame } from '../frame.ts'
import { openModel } from '../model-file.ts'
import { modelFiles, PARTS_OPTIONS, PARTS_USAGE } from '../model-parts.ts'
import { readRows } from '../rows.ts'
import { printable, progress, table } from '../terminal.ts'

const usage = `Compares a model file's answers with those of the library that trained it, on your own rows. Needs no server.

Usage: millwright verify MODEL_FILE --sample ROWS --expected ANSWERS [--json]

Options:
  --sample FILE      rows: .csv, .json, .ndjson, .parquet
  --expected FILE    what the library answered to them: {"predict": […], "predict_proba": [[…]]} as Python's json writes
                     it, a CSV with columns predict, predict_proba_0, predict_proba_1 …, or what "score" printed
${PARTS_USAGE}

Every value is held to the contract the model is published with. Exit code 5 when a row is outside it.

Examples:
  python -c "import json; json.dump({'predict_proba': model.predict_proba(X).tolist()}, open('answers.json', 'w'))"
  millwright verify model.pkl --sample X.csv --expected answers.json
`

export const verify: Command = {
  usage,
  options: { ...PARTS_OPTIONS, sample: { type: 'string' }, expected: { type: 'string' } },
  async run({ terminal, json }, values, positionals) {
    const [path] = takeArguments(positionals, 'MODEL_FILE')
    const [sample, expectedFile] = [textOption(values, 'sample'), textOption(values, 'expected')]
    if (sample === undefined) throw new UsageError('missing --sample FILE')
    if (expectedFile === undefined) throw new UsageError('missing --expected FILE')
    const bar = progress(terminal, 'Verifying')
    bar.update('…')
    const model = await openModel(modelFiles(path!, values))
    const frame = buildFrame(model.runner.program, model.schema, await readRows(sample))
    const expected = await readExpected(expectedFile, frame.rows)
    const contracts = contractOf(model.runner.program)
    const answers = await model.runner.run(frame, Object.keys(expected)).finally(model.runner.close)
    const verdicts = Object.entries(expected).map(([name, lists]) => {
      const answer = answers.find((candidate) => candidate.name === name)
      if (answer === undefined)
        throw new CommandError(`the model has no ${name}`, [
          `it answers ${Object.keys(contracts).join(', ')}`,
        ])
      const contract = contracts[name as Method]!
      return { name, contract, ...compare(answer, lists, contract) }
    })
    bar.done()
    if (verdicts.length === 0)
      throw new CommandError(`${expectedFile} has no answers`, ['it should look like {"predict": […]}'])
    if (json) terminal.stdout(`${JSON.stringify({ rows: frame.rows, methods: verdicts })}\n`)
    else show(terminal, verdicts)
    return verdicts.every(holds) ? EXIT.ok : EXIT.gate
  },
}

type Verdict = Comparison & { readonly name: string; readonly contract: Contract }

const holds = (verdict: Verdict): boolean => verdict.equal === verdict.rows

/** Answers of several matrices are expected as a list of matrices; others row by row. */
function compare(
  answer: Parameters<typeof compareWithExpected>[0],
  lists: unknown[],
  contract: Contract,
): Comparison {
  const parts = answer.list ? lists : [lists]
  const flat = parts.map((part) => (part as unknown[]).flat(2).map(named))
  try {
    return compareWithExpected(answer, flat, contract)
  } catch (error) {
    throw new CommandError(`${answer.name}: ${(error as Error).message}`, [
      'are the answers those of exactly these rows?',
    ])
  }
}

const NAMED: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
}
const named = (value: unknown): Cell =>
  typeof value === 'string' && value in NAMED ? NAMED[value]! : (value as Cell)

function show(terminal: Parameters<Command['run']>[0]['terminal'], verdicts: readonly Verdict[]): void {
  const { style, stdout } = terminal
  const rows = verdicts.map((verdict) => [
    holds(verdict) ? style.good('✔') : style.bad('✖'),
    verdict.name,
    `${verdict.equal} of ${verdict.rows} rows`,
    verdict.contract,
    String(verdict.maxDifference),
  ])
  stdout(table(rows, style, ['', 'METHOD', 'EQUAL', 'CONTRACT', 'LARGEST DIFFERENCE']))
  for (const { name, firstDifferences } of verdicts)
    for (const { row, column, expected, actual } of firstDifferences)
      stdout(
        `  ${name} row ${row + 1}, column ${column}: expected ${printable(String(expected))}, got ${printable(String(actual))}\n`,
      )
}
