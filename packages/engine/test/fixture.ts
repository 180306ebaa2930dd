import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Answer, Cell, Frame, Program } from '../src/ir/program.ts'

/** A golden case: a folder of model files with inputs and the source library's own answers. */
export type GoldenCase = {
  readonly name: string
  readonly folder: string
  readonly meta: GoldenMeta
}

type GoldenMeta = {
  readonly library: string
  readonly version: string
  readonly estimator?: string
  readonly contract: string
  readonly contracts?: Readonly<Record<string, string>>
  readonly files: Readonly<Record<string, unknown>>
  readonly input_as?: string
  readonly globals?: readonly string[]
  /** Answers that a booster's own file cannot give. */
  readonly wrapper_only?: readonly string[]
  /** Rows that are not compared, as `known-differences.json` says why. */
  readonly leftOut?: readonly number[]
}

/** Where the library's answers depend on the machine or on numpy's version, so that nobody else's can equal them. */
type KnownDifference = {
  /** Names of cases, or what they start with. */
  readonly cases: readonly string[]
  readonly contracts?: Readonly<Record<string, string>>
  readonly rows?: readonly number[]
  readonly why: string
}

const KNOWN_DIFFERENCES = JSON.parse(
  readFileSync(new URL('./known-differences.json', import.meta.url), 'utf8'),
) as KnownDifference[]

type GoldenColumn = {
  readonly name: string
  readonly dtype: string
  readonly null?: 'NaN' | 'None'
  /** Of a pandas category, in code order. */
  readonly categories?: readonly Cell[]
}
export type GoldenRow = readonly (Cell | undefined)[]
export type GoldenInput = { readonly columns: readonly GoldenColumn[]; readonly rows: readonly GoldenRow[] }

/** All cases `<library>-<version>/<case>` below a folder. */
export function listCases(root: string): GoldenCase[] {
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && /-\d/.test(entry.name))
    .flatMap((library) =>
      readdirSync(join(root, library.name)).map((name) => readCase(root, `${library.name}/${name}`)),
    )
}

export function readCase(root: string, name: string): GoldenCase {
  const folder = join(root, name)
  const meta = readJson(folder, 'meta.json') as GoldenMeta
  const known = KNOWN_DIFFERENCES.find(({ cases }) => cases.some((start) => name.startsWith(start)))
  if (known === undefined) return { name, folder, meta }
  const contracts = { ...meta.contracts, ...known.contracts }
  return { name, folder, meta: { ...meta, contracts, leftOut: known.rows ?? [] } }
}

function readJson(folder: string, file: string): unknown {
  return JSON.parse(readFileSync(join(folder, file), 'utf8'))
}

export function readInput(golden: GoldenCase): GoldenInput {
  const input = readJson(golden.folder, 'input.json') as GoldenInput
  return { ...input, rows: withoutLeftOut(golden, input.rows) }
}

export function readExpected(golden: GoldenCase): Record<string, unknown> {
  const expected = readJson(golden.folder, 'expected.json') as Record<string, unknown>
  const answers = Object.entries(expected).map(([method, values]) => [
    method,
    Array.isArray(values) ? withoutLeftOut(golden, values) : values,
  ])
  return Object.fromEntries(answers)
}

function withoutLeftOut<T>({ meta: { leftOut = [] } }: GoldenCase, rows: readonly T[]): readonly T[] {
  return leftOut.length === 0 ? rows : rows.filter((_, row) => !leftOut.includes(row))
}

export function readErrorRows(golden: GoldenCase): { row: GoldenRow; error: string }[] {
  if (!existsSync(join(golden.folder, 'errors.json'))) return []
  return readJson(golden.folder, 'errors.json') as { row: GoldenRow; error: string }[]
}

/** Rows of a case as the program reads them. Columns are matched by name, or by position when no name fits. */
export function frameOf(
  program: Program,
  columns: readonly GoldenColumn[],
  rows: readonly GoldenRow[],
): Frame {
  const position = new Map(columns.map((column, i) => [column.name, i]))
  const byName = program.inputs.every((column) => position.has(column.name))
  const numbers: number[] = []
  const cells: Cell[] = []
  for (const row of rows)
    program.inputs.forEach((column, i) => {
      const at = byName ? position.get(column.name)! : i
      const value = row[at] ?? null
      if (column.kind === 'number') numbers.push(toNumber(codeOf(value, columns[at]!)))
      else cells.push(toCell(value, columns[at]!))
    })
  return { rows: rows.length, numbers: Float64Array.from(numbers), cells }
}

const NAMED: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
}

function toNumber(value: Cell): number {
  if (value === null) return Number.NaN
  if (typeof value === 'string') {
    if (value in NAMED) return NAMED[value]!
    throw new TypeError(`text ${JSON.stringify(value)} in a number column`)
  }
  return Number(value)
}

/** A model that reads numbers gets the codes of a category, as from pandas. */
function codeOf(value: Cell, { categories }: GoldenColumn): Cell {
  if (categories === undefined || value === null) return value
  const code = categories.indexOf(value)
  return code < 0 ? null : code
}

function toCell(value: Cell, column: GoldenColumn): Cell {
  if (column.dtype === 'json') return JSON.stringify(value)
  if (value === null) return column.null === 'NaN' ? Number.NaN : null
  const numeric = column.dtype.startsWith('float') || column.dtype.startsWith('int')
  return numeric && typeof value === 'string' ? toNumber(value) : value
}

/** Differences between an answer and the library's, under a contract; empty when it holds. */
export function differences(answer: Answer, expected: unknown, contract: string): string[] {
  const ours = answer.parts.flatMap((part) => Array.from(part.data as ArrayLike<Cell>))
  const theirs = flatten(expected)
  if (ours.length !== theirs.length) return [`${ours.length} values, expected ${theirs.length}`]
  const single = answer.dtype.includes('float32')
  const largest = theirs.reduce<number>((most, value) => Math.max(most, magnitude(value)), 1)
  return ours.flatMap((value, i) => {
    const want = theirs[i]!
    return close(value, want, { contract, single, largest })
      ? []
      : [`[${i}] ${String(value)} expected ${String(want)}`]
  })
}

const magnitude = (value: Cell): number =>
  typeof value === 'number' && Number.isFinite(value) ? Math.abs(value) : 0

function flatten(value: unknown): Cell[] {
  if (Array.isArray(value)) return value.flatMap(flatten)
  if (typeof value === 'string' && value in NAMED) return [NAMED[value]!]
  return [value as Cell]
}

type Tolerance = { readonly contract: string; readonly single: boolean; readonly largest: number }

function close(ours: Cell, theirs: Cell, tolerance: Tolerance): boolean {
  if (typeof theirs === 'boolean' && typeof ours === 'number') return ours === Number(theirs)
  if (typeof ours !== 'number' || typeof theirs !== 'number') return ours === theirs
  if (Number.isNaN(ours) || Number.isNaN(theirs)) return Number.isNaN(ours) && Number.isNaN(theirs)
  if (ours === theirs) return true
  if (tolerance.contract.startsWith('exp'))
    return Math.abs(Math.exp(ours) - Math.exp(theirs)) <= Number(tolerance.contract.slice('exp'.length))
  const distance = Math.abs(ours - theirs)
  switch (tolerance.contract) {
    case 'ulp4':
      return ulps(ours, theirs, tolerance.single) <= 4
    case 'abs1e-15':
      return distance <= 1e-15 || ulps(ours, theirs, tolerance.single) <= 8
    case 'abs1e-13':
      return distance <= 1e-13 * tolerance.largest || distance <= 1e-12 * Math.abs(theirs)
    case 'rel1e-5':
      return distance <= 1e-6 || distance <= 1e-5 * Math.abs(theirs)
    default:
      return false
  }
}

function ulps(a: number, b: number, single: boolean): number {
  if (single) {
    const view = new Int32Array(new Float32Array([a, b]).buffer)
    return Math.abs(view[0]! - view[1]!)
  }
  const view = new BigInt64Array(new Float64Array([a, b]).buffer)
  const distance = view[0]! - view[1]!
  return Number(distance < 0n ? -distance : distance)
}
