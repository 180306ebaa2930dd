import { isHosted, splitHosted } from './hosted.ts'
import { type Knowledge, knowledgeOf } from './knowledge.ts'
import { buildProbe, type Probe } from './probe.ts'
import type { Cell, Program } from './program.ts'
import { validateProgram } from './validate.ts'

/** One column a model reads, as clients are told. */
export type SchemaColumn = {
  readonly name: string
  readonly type: 'number' | 'integer' | 'boolean' | 'string' | 'object' | 'list' | 'any'
  /** A missing value is accepted. */
  readonly nullable: boolean
  /** What a missing value is to this column: a float NaN or Python's None. */
  readonly null: 'NaN' | 'None'
  /** ±∞ is accepted. */
  readonly infinite: boolean
  /** Categories seen in training, where the model knows them; without missing ones. */
  readonly categories?: readonly Cell[]
  /** What the model does with a category that was not seen in training. */
  readonly unknown: 'accepted' | 'refused'
}

/** Columns probed one by one; of the others only what holds for all of them at once is known. */
const MOST_PROBED = 512

/**
 * What a model accepts in each of its columns. Categories are read off the program; what happens to missing, infinite
 * and unseen values is tried out: a row the model accepts, with one value changed, raises or does not.
 * @throws RangeError when the program is not valid
 */
export function inputSchema(whole: Program): SchemaColumn[] {
  const program = isHosted(whole) ? splitHosted(whole).before : whole
  const types = validateProgram(program)
  const known = knowledgeOf(program, types)
  const probe = buildProbe(program, types, known)
  const columns = program.inputs.map((_, column) => column)
  const numeric = columns.filter((column) => program.inputs[column]!.kind === 'number')
  const acceptsNaN = acceptance(probe, numeric, Number.NaN)
  const acceptsInfinity = acceptance(probe, numeric, Number.POSITIVE_INFINITY)
  return program.inputs.map(({ name, kind }, column) => {
    const about = known[column]!
    const base = { name, ...categoriesOf(about), unknown: unknownRule(probe, about, column) }
    if (kind === 'number')
      return {
        ...base,
        type: about.form ?? numberType(about.categories, base.unknown),
        nullable: acceptsNaN.has(column),
        null: 'NaN',
        infinite: acceptsInfinity.has(column),
      }
    const type = cellType(probe, about, column)
    const missing = nullOf(probe, about, column)
    const infinite =
      !['string', 'boolean'].includes(type) && probe.accepts([column], Number.POSITIVE_INFINITY)
    return { ...base, type, ...missing, infinite }
  })
}

/** Columns in which a value is accepted: all when all at once are, else one by one. */
function acceptance(probe: Probe, columns: readonly number[], value: Cell): ReadonlySet<number> {
  if (probe.accepts(columns, value)) return new Set(columns)
  return new Set(columns.slice(0, MOST_PROBED).filter((column) => probe.accepts([column], value)))
}

const isMissing = (cell: Cell): boolean => cell === null || Number.isNaN(cell)

function categoriesOf({ categories }: Knowledge): { categories?: readonly Cell[] } {
  return categories === undefined ? {} : { categories: categories.filter((cell) => !isMissing(cell)) }
}

function unknownRule(probe: Probe, { categories }: Knowledge, column: number): SchemaColumn['unknown'] {
  if (categories === undefined || column >= MOST_PROBED) return 'accepted'
  return probe.accepts([column], unseen(categories)) ? 'accepted' : 'refused'
}

/** A value of the kind of the categories that is none of them. */
function unseen(categories: readonly Cell[]): Cell {
  if (categories.some((cell) => typeof cell === 'string')) return `${categories.join('')} and none of them`
  return categories.reduce<number>((most, cell) => Math.max(most, Number(cell) || 0), 0) + 1
}

const everyIs = (cells: readonly Cell[], type: string): boolean =>
  cells.length > 0 && cells.every((cell) => typeof cell === type)

/** Integers are certain only where nothing but known integers is accepted. */
function numberType(
  categories: readonly Cell[] | undefined,
  unknown: SchemaColumn['unknown'],
): SchemaColumn['type'] {
  const values = categories?.filter((cell) => !isMissing(cell)) ?? []
  if (everyIs(values, 'boolean')) return 'boolean'
  return unknown === 'refused' && values.length > 0 && values.every(Number.isInteger) ? 'integer' : 'number'
}

function cellType(probe: Probe, about: Knowledge, column: number): SchemaColumn['type'] {
  if (about.form !== undefined) return about.form
  const values = about.categories?.filter((cell) => !isMissing(cell)) ?? []
  if (everyIs(values, 'string')) return 'string'
  if (everyIs(values, 'number') || everyIs(values, 'boolean')) return numberType(values, 'accepted')
  if (values.length > 0) return 'any'
  const readAsNumber = !probe.accepts([column], 'text') && probe.accepts([column], 0)
  return readAsNumber ? 'number' : 'any'
}

/**
 * None where the model saw None, NaN where it saw NaN; else what an imputer looks for; else the one that is accepted,
 * None when both are.
 */
function nullOf(
  probe: Probe,
  { categories, marker }: Knowledge,
  column: number,
): Pick<SchemaColumn, 'null' | 'nullable'> {
  const accepted = { None: probe.accepts([column], null), NaN: probe.accepts([column], Number.NaN) }
  const seen = categories?.includes(null) ? 'None' : categories?.some(Number.isNaN) ? 'NaN' : marker
  const meant = seen ?? (accepted.None || !accepted.NaN ? 'None' : 'NaN')
  return { null: meant, nullable: accepted[meant] }
}
