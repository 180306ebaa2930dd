import { basename } from 'node:path'
import type { Client } from '@millwright/client'
import type { ReviewAnswer } from '@millwright/contracts'
import type { Lineage, SchemaColumn } from '@millwright/engine'
import { type Command, EXIT, takeArguments, type Values } from '../command.ts'
import { examine, type Refused, type Served } from '../examine.ts'
import { modelFiles, PARTS_OPTIONS, PARTS_USAGE } from '../model-parts.ts'
import { REVIEW_OPTIONS, REVIEW_USAGE, reviewWith } from '../review.ts'
import { isFailed, reviewText } from '../review-text.ts'
import { formatBytes, printable, progress, type Terminal, table } from '../terminal.ts'

const usage = `Says what a model file is, and whether it can be served. Nothing in the file is run. Needs no server.

Usage: millwright inspect FILE [options]

Options:
${REVIEW_USAGE}
${PARTS_USAGE}

Shows library and version (and what of it was never compared with the library), steps, input schema, size, the names
the file mentions (and what it would have called had it been loaded by Python), the exactness contract, the measured
cost per row, or why it is refused (exit code 1). The review answers what is asked before a model goes into
production; exit code 5 when a stated limit is not kept.

Examples:
  millwright inspect model.pkl
  millwright inspect model.joblib --json
  millwright inspect model.pkl --after scaler.pkl --columns age,income,visits
  millwright inspect model.pkl --max-p99-ms 1 --max-mb 50 --sample rows.csv --against churn@3
`

export const inspect: Command = {
  usage,
  options: { ...PARTS_OPTIONS, ...REVIEW_OPTIONS },
  async run({ terminal, json, client }, values, positionals) {
    const [path] = takeArguments(positionals, 'FILE')
    const bar = progress(terminal, 'Inspecting')
    bar.update(path!)
    const finding = await examine(modelFiles(path!, values))
    const review = finding.servable ? await reviewServed(finding, values, client) : []
    bar.done()
    const { servable, shown } = finding
    if (json) terminal.stdout(`${JSON.stringify({ file: basename(path!), servable, ...shown, review })}\n`)
    else if (finding.servable) show(terminal, path!, finding.shown, review)
    else showRefusal(terminal, path!, finding.shown)
    if (!servable) return EXIT.failed
    return isFailed(review) ? EXIT.gate : EXIT.ok
  },
}

async function reviewServed(finding: Served, values: Values, client: Client): Promise<ReviewAnswer[]> {
  try {
    return await reviewWith(finding, values, client)
  } finally {
    await finding.runner.close()
  }
}

function showRefusal({ style, stdout }: Terminal, path: string, { reason }: Refused['shown']): void {
  stdout(`${style.bad('✖')} ${path} cannot be served\n  ${printable(reason)}\n`)
}

function show(
  terminal: Terminal,
  path: string,
  finding: Served['shown'],
  review: readonly ReviewAnswer[],
): void {
  const { style, stdout } = terminal
  const heading = (title: string): void => stdout(`\n${style.bold(title)}\n`)
  stdout(`${style.good('✔')} ${path} can be served\n\n`)
  stdout(table(factLines(finding), style))
  heading('Review')
  stdout(reviewText(review, style))
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
  if (finding.unverified.length > 0) {
    heading('Compare before you rely on it (millwright verify)')
    stdout(finding.unverified.map((note) => `  ${style.warn(printable(note))}\n`).join(''))
  }
  if (finding.notes.length > 0) {
    heading('Notes')
    stdout(finding.notes.map((note) => `  ${printable(note)}\n`).join(''))
  }
  if (finding.lineage !== undefined) {
    heading('Made from')
    stdout(table(lineageLines(finding.lineage), style))
  }
  if (finding.globals.length === 0) return
  heading('Names in the file')
  stdout(
    table(
      finding.globals.map(({ name, called }) => [printable(name), called ? 'would have been called' : '']),
      style,
    ),
  )
}

function factLines(finding: Served['shown']): string[][] {
  const { check, contract, classes } = finding
  const levels = Object.entries(contract).map(([name, level]) => `${name} ${level}`)
  return [
    ['Library', `${finding.library} ${finding.libraryVersion}`],
    ['Estimator', finding.estimator],
    ['File', `${finding.container}, protocol ${finding.protocol}, compression ${finding.compression}`],
    ['Size', `${formatBytes(finding.bytes)}, ${formatBytes(finding.decompressedBytes)} unpacked`],
    ['Answers', finding.outputs.join(', ')],
    ['Classes', classes.map((labels) => labels.map(String).join(', ')).join(' | ') || '—'],
    ['Contract', levels.join(', ')],
    ['Checked', `${check.rows} boundary rows, ${check.mismatches} differences from ${checkedWith(finding)}`],
    ['Cost', costLine(check.microsPerRow)],
  ]
}

const checkedWith = ({ container }: Served['shown']): string =>
  container === 'onnx' ? 'itself, twice and in a batch' : 'the reference'

function lineageLines({ parents, changes, command }: Lineage): string[][] {
  return [
    ...parents.map(({ name, digest }) => ['file', `${printable(name)}  sha256 ${printable(digest)}`]),
    ...changes.map((change) => ['change', printable(change)]),
    ['by', printable(command)],
  ]
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
