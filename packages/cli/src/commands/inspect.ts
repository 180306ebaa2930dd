import { basename } from 'node:path'
import {
  allOutputs,
  compileFiles,
  contractOf,
  inputSchema,
  ModelError,
  type ModelParts,
  type Program,
  programDigest,
  type SchemaColumn,
  type SelfCheck,
} from '@millwright/engine'
import { openRunner } from '@millwright/runtime'
import { type Command, EXIT, takeArguments } from '../command.ts'
import { modelFiles, PARTS_OPTIONS, PARTS_USAGE, readModelFiles } from '../model-parts.ts'
import { formatBytes, printable, progress, type Terminal, table } from '../terminal.ts'

const usage = `Says what a model file is, and whether it can be served. Nothing in the file is run. Needs no server.

Usage: millwright inspect FILE [options]

Options:
${PARTS_USAGE}

Shows library and version, steps, input schema, size, the names the file mentions (and what it would have called had it
been loaded by Python), the exactness contract, the measured cost per row, or why it is refused (exit code 1).

Examples:
  millwright inspect model.pkl
  millwright inspect model.joblib --json
  millwright inspect model.pkl --after scaler.pkl --columns age,income,visits
`

export const inspect: Command = {
  usage,
  options: { ...PARTS_OPTIONS },
  async run({ terminal, json }, values, positionals) {
    const [path] = takeArguments(positionals, 'FILE')
    const parts = await readModelFiles(modelFiles(path!, values))
    const bar = progress(terminal, 'Inspecting')
    bar.update(formatBytes(parts.model.bytes.byteLength))
    const finding = await examine(parts)
    bar.done()
    if (json) terminal.stdout(`${JSON.stringify({ file: basename(path!), ...finding })}\n`)
    else show(terminal, path!, finding)
    return finding.servable ? EXIT.ok : EXIT.failed
  },
}

type Finding = Awaited<ReturnType<typeof examine>>

async function examine(parts: ModelParts) {
  try {
    const { program: encoded, report } = await compileFiles(parts)
    const { program, check } = await tryOut(encoded)
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

/** @throws ModelError when a host cannot run it, or not within its limits */
async function tryOut(encoded: Uint8Array): Promise<{ program: Program; check: SelfCheck }> {
  const runner = await openRunner(encoded)
  try {
    return { program: runner.program, check: await runner.check() }
  } finally {
    await runner.close()
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
        [
          'Checked',
          `${check.rows} boundary rows, ${check.mismatches} differences from ${checkedWith(finding)}`,
        ],
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
  if (finding.notes.length > 0) {
    heading('Notes')
    stdout(finding.notes.map((note) => `  ${printable(note)}\n`).join(''))
  }
  heading('Names in the file')
  stdout(
    table(
      finding.globals.map(({ name, called }) => [printable(name), called ? 'would have been called' : '']),
      style,
    ),
  )
}

const checkedWith = ({ container }: { container: string }): string =>
  container === 'onnx' ? 'itself, twice and in a batch' : 'the reference'

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
