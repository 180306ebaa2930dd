import { basename } from 'node:path'
import {
  allOutputs,
  compileFile,
  compileProgram,
  contractOf,
  decodeProgram,
  inputSchema,
  ModelError,
  programDigest,
  type SchemaColumn,
  selfCheck,
} from '@millwright/engine'
import { type Command, EXIT, takeArguments } from '../command.ts'
import { readRegularFile } from '../read-file.ts'
import { formatBytes, printable, progress, type Terminal, table } from '../terminal.ts'

const usage = `Says what a model file is, and whether it can be served. Nothing in the file is run. Needs no server.

Usage: millwright inspect FILE [--json]

Shows library and version, steps, input schema, size, the names the file mentions (and what it would have called had it
been loaded by Python), the exactness contract, the measured cost per row, or why it is refused (exit code 1).

Examples:
  millwright inspect model.pkl
  millwright inspect model.joblib --json
`

export const inspect: Command = {
  usage,
  options: {},
  async run({ terminal, json }, _values, positionals) {
    const [path] = takeArguments(positionals, 'FILE')
    const bytes = await readRegularFile(path!)
    const bar = progress(terminal, 'Inspecting')
    bar.update(formatBytes(bytes.byteLength))
    const finding = await examine(bytes)
    bar.done()
    if (json) terminal.stdout(`${JSON.stringify({ file: basename(path!), ...finding })}\n`)
    else show(terminal, path!, finding)
    return finding.servable ? EXIT.ok : EXIT.failed
  },
}

type Finding = Awaited<ReturnType<typeof examine>>

async function examine(bytes: Uint8Array) {
  try {
    const { program: encoded, report } = await compileFile(bytes)
    const program = decodeProgram(encoded)
    const executable = compileProgram(program)
    const check = selfCheck(program, executable)
    return {
      servable: true as const,
      ...report,
      program_digest: programDigest(encoded),
      inputs: inputSchema(program),
      outputs: allOutputs(program),
      classes: program.classes,
      contract: contractOf(program),
      check,
    }
  } catch (error) {
    if (!(error instanceof ModelError)) throw error
    const { kind, path, message, hint } = error
    return {
      servable: false as const,
      kind,
      path,
      reason: message,
      hint: hint ?? null,
      report: reportOf(error),
    }
  }
}

/** What was learnt before the refusal. */
const reportOf = (error: ModelError): Record<string, unknown> | null =>
  (error as { report?: Record<string, unknown> }).report ?? null

function show(terminal: Terminal, path: string, finding: Finding): void {
  const { style, stdout } = terminal
  const heading = (title: string): void => stdout(`\n${style.bold(title)}\n`)
  if (!finding.servable) {
    stdout(`${style.bad('✖')} ${path} cannot be served\n  ${printable(finding.reason)}\n`)
    return
  }
  stdout(`${style.good('✔')} ${path} can be served\n\n`)
  const { check } = finding
  stdout(
    table(
      [
        ['Library', `${finding.library} ${finding.libraryVersion}`],
        ['Estimator', finding.estimator],
        ['File', `${finding.container}, protocol ${finding.protocol}, compression ${finding.compression}`],
        ['Size', `${formatBytes(finding.bytes)}, ${formatBytes(finding.decompressedBytes)} unpacked`],
        ['Answers', finding.outputs.join(', ')],
        ['Classes', finding.classes.map((labels) => labels.map(String).join(', ')).join(' | ') || '—'],
        [
          'Contract',
          Object.entries(finding.contract)
            .map(([name, level]) => `${name} ${level}`)
            .join(', '),
        ],
        ['Checked', `${check.rows} boundary rows, ${check.mismatches} differences from the reference`],
        ['Cost', costLine(check.microsPerRow)],
      ],
      style,
    ),
  )
  heading('Inputs')
  stdout(table(finding.inputs.map(inputLine), style, ['COLUMN', 'TYPE', 'MISSING', 'CATEGORIES']))
  if (finding.steps.length > 1) {
    heading('Steps')
    stdout(
      table(
        finding.steps.map((step) => [step.path.toString() || '·', step.class]),
        style,
      ),
    )
  }
  heading('Names in the file')
  stdout(
    table(
      finding.globals.map(({ name, called }) => [printable(name), called ? 'would have been called' : '']),
      style,
    ),
  )
}

function inputLine(column: SchemaColumn): string[] {
  const categories = column.categories?.slice(0, 6).map((category) => printable(String(category))) ?? []
  const more = (column.categories?.length ?? 0) > 6 ? ' …' : ''
  const unknown = column.categories === undefined ? '' : `; others ${column.unknown}`
  return [
    printable(column.name),
    column.type,
    column.nullable ? 'accepted' : 'refused',
    categories.join(', ') + more + unknown,
  ]
}

const costLine = (cost: { single: number; batch: number } | undefined): string =>
  cost === undefined
    ? 'not measured: the model raises on every boundary row'
    : `${cost.single.toFixed(1)} µs a row alone, ${cost.batch.toFixed(2)} µs in a batch`
