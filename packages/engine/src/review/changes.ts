import type { Contract } from '../check/contract.ts'
import type { Latency } from '../check/latency.ts'
import type { FileReport, ReportStep } from '../formats/report.ts'
import type { Cell } from '../ir/program.ts'
import type { SchemaColumn } from '../ir/schema.ts'

type ReviewedColumn = Omit<SchemaColumn, 'categories'> & { readonly categories?: readonly Cell[] | undefined }

/** A model as it is reviewed: what is known of a file after it was read, compiled and checked. */
export type Reviewed = {
  /** sha256 of the file. */
  readonly digest: string
  readonly report: FileReport
  readonly columns: readonly ReviewedColumn[]
  readonly outputs: readonly string[]
  readonly classes: readonly (readonly Cell[])[]
  readonly contract: Readonly<Record<string, Contract | string>>
  readonly latency?: Latency | undefined
}

/** One thing that is not as it was; null: it is not there. */
export type Change = {
  readonly what: string
  readonly before: string | null
  readonly after: string | null
}

/** Most that are listed. */
const MOST_CHANGES = 200
/** Categories that a change spells out. */
const SHOWN = 6

/** What changed from one model to another, the particular before the general. Empty when only fitted numbers did. */
export function changesBetween(before: Reviewed, after: Reviewed): Change[] {
  const tables = [tableOf(before), tableOf(after)] as const
  const names = new Set([...tables[0].keys(), ...tables[1].keys()])
  return [...names]
    .map((what) => ({ what, before: tables[0].get(what) ?? null, after: tables[1].get(what) ?? null }))
    .filter(({ before, after }) => before !== after)
    .slice(0, MOST_CHANGES)
}

/** Everything that is compared, in words by what it is. */
function tableOf({ report, columns, outputs, classes, contract }: Reviewed): Map<string, string> {
  const { size } = report
  return new Map([
    ['library', `${report.library} ${report.libraryVersion ?? 'of unknown version'}`],
    ...report.steps.flatMap(stepRows),
    ['columns, in order', columns.map(({ name }) => name).join(', ')],
    ...columns.map((column): [string, string] => [`column ${column.name}`, columnText(column)]),
    ['answers', outputs.join(', ')],
    ['classes', classes.map((labels) => labels.map(String).join(', ')).join(' | ')],
    ...Object.entries(contract).map(([method, level]): [string, string] => [`contract of ${method}`, level]),
    ...Object.entries(size ?? {}).map(([name, count]): [string, string] => [name, String(count)]),
    ['bytes', String(report.bytes)],
  ])
}

function stepRows({ path, class: qualified, parameters = {} }: ReportStep): [string, string][] {
  const where = path.length === 0 ? 'estimator' : path.join(' > ')
  return [
    [where, qualified],
    ...Object.entries(parameters).map(([name, value]): [string, string] => [
      `${where} > ${name}`,
      String(value),
    ]),
  ]
}

function columnText({ type, nullable, infinite, categories, unknown }: ReviewedColumn): string {
  const rules = [
    nullable ? 'missing accepted' : 'missing refused',
    ...(infinite ? ['infinity accepted'] : []),
  ]
  if (categories === undefined) return [type, ...rules].join(', ')
  const shown = categories.slice(0, SHOWN).map(String).join(' ')
  const more = categories.length > SHOWN ? ` and ${categories.length - SHOWN} more` : ''
  return [type, ...rules, `categories ${shown}${more}`, `others ${unknown}`].join(', ')
}
