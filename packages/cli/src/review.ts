import { existsSync } from 'node:fs'
import type { Client } from '@millwright/client'
import type { ModelVersion, ReviewAnswer } from '@millwright/contracts'
import { type Reviewed, RowError, reviewOf, type SampleFinding } from '@millwright/engine'
import type { Runner } from '@millwright/runtime'
import { CommandError, textOption, UsageError, type Values } from './command.ts'
import { examine } from './examine.ts'
import { buildFrame, toNumber } from './frame.ts'
import { modelFiles } from './model-parts.ts'
import { readRows, type Table } from './rows.ts'

export const REVIEW_OPTIONS = {
  'max-p99-ms': { type: 'string' },
  'max-bytes': { type: 'string' },
  'max-mb': { type: 'string' },
  sample: { type: 'string' },
  against: { type: 'string' },
} as const

/** Lines of the options above for a usage text. */
export const REVIEW_USAGE = `  --max-p99-ms N     limit: 99 of 100 single rows are answered within N milliseconds on this machine
  --max-mb N         limit: the files have at most N megabytes (--max-bytes N: bytes)
  --sample FILE      limit: these rows have the columns the model needs, of its types, and none is refused
  --against MODEL    what changed: another file, or MODEL@VERSION on the server`

/** Reviews a model with what the options say. @throws UsageError, CommandError, ClientError */
export async function reviewWith(
  { reviewed, runner }: { readonly reviewed: Reviewed; readonly runner: Runner },
  values: Values,
  client: Client,
): Promise<ReviewAnswer[]> {
  const sample = textOption(values, 'sample')
  const against = textOption(values, 'against')
  const megabytes = limitOption(values, 'max-mb')
  const limits = {
    maxP99Ms: limitOption(values, 'max-p99-ms'),
    maxBytes: limitOption(values, 'max-bytes') ?? (megabytes && megabytes * 1e6),
  }
  return reviewOf(reviewed, {
    limits,
    sample: sample === undefined ? undefined : await findInSample(reviewed, runner, await readRows(sample)),
    against: against === undefined ? undefined : { name: against, model: await otherModel(against, client) },
  }).map((answer) => ({ ...answer, evidence: { ...answer.evidence } }))
}

/** @throws UsageError unless the option is a number above 0 */
function limitOption(values: Values, name: string): number | undefined {
  const text = textOption(values, name)
  if (text === undefined) return undefined
  const number = Number(text)
  if (!(number > 0) || !Number.isFinite(number))
    throw new UsageError(`--${name} takes a number above 0, got ${JSON.stringify(text)}`)
  return number
}

const ON_SERVER = /^([^/@\s]+)@v?(\d+)$/

async function otherModel(against: string, client: Client): Promise<Reviewed> {
  const [, name, version] = ON_SERVER.exec(against) ?? []
  if (name !== undefined && !existsSync(against))
    return reviewedVersion(await client.getVersion(name, Number(version)))
  const other = await examine(modelFiles(against, {}))
  if (other.servable) {
    await other.runner.close()
    return other.reviewed
  }
  throw new CommandError(`${against} cannot be served, so that nothing can be compared with it`, [
    `millwright inspect ${against}`,
  ])
}

/** @throws CommandError for a version that was refused or is not read yet */
function reviewedVersion({ model, number, digest, report, schema, contract, state }: ModelVersion): Reviewed {
  if (report === null || schema === null || contract === null)
    throw new CommandError(`${model}@${number} is ${state}, so that nothing can be compared with it`, [
      `millwright models ${model}`,
    ])
  return {
    digest,
    report: report as unknown as Reviewed['report'],
    columns: schema.inputs,
    outputs: schema.outputs.map(({ name }) => name),
    classes: schema.classes,
    contract,
  }
}

/** Looks for the model's columns in rows, and lets it answer them. */
async function findInSample({ columns }: Reviewed, runner: Runner, rows: Table): Promise<SampleFinding> {
  const needed = columns.map(({ name }) => name)
  const given = rows.columns.map(({ name }) => name)
  const byPosition = needed.length === given.length && !needed.some((name) => given.includes(name))
  const names = byPosition ? needed : given
  const missing = needed.filter((name) => !names.includes(name))
  const numeric = runner.program.inputs.filter(({ kind }) => kind === 'number').map(({ name }) => name)
  const wrong = numeric.flatMap((name) => wrongNumber(rows, name, names.indexOf(name)))
  const refusals = missing.length + wrong.length > 0 ? [] : await refusedRows(runner, columns, rows)
  return {
    rows: rows.rows.length,
    missing,
    extra: names.filter((name) => !needed.includes(name)),
    wrong,
    refused: refusals.length,
    firstRefusal: refusals[0] ?? null,
  }
}

/** The first value of a column that is no number. */
function wrongNumber({ rows }: Table, name: string, at: number): string[] {
  const row = at < 0 ? -1 : rows.findIndex((values) => toNumber(values[at] ?? null) === undefined)
  return row < 0 ? [] : [`${name} should be a number, row ${row + 1} has ${JSON.stringify(rows[row]![at])}`]
}

/** What the model says of every row that it raises on. */
async function refusedRows(runner: Runner, columns: Reviewed['columns'], rows: Table): Promise<string[]> {
  const outputs = runner.program.outputs.map(({ name }) => name)
  const said: string[] = []
  for (const [i, row] of rows.rows.entries())
    try {
      await runner.run(buildFrame(runner.program, columns, { ...rows, rows: [row] }), outputs)
    } catch (error) {
      if (!(error instanceof RowError)) throw error
      const field = error.field === undefined ? '' : `, column ${error.field}`
      said.push(`row ${i + 1}${field}: ${error.message}`)
    }
  return said
}
