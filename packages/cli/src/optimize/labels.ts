import type { Cell, Program } from '@millwright/engine'
import { CommandError } from '../command.ts'
import type { Table } from '../rows.ts'
import { printable } from '../terminal.ts'

/** What is true of every row: the class by its place among the model's, or a number. */
export type Labels = {
  /** Labels of the model's classes, in its order; undefined: the answers are numbers. */
  readonly classes: readonly Cell[] | undefined
  readonly values: Float64Array
}

export type LabelledRows = {
  /** Every row of the file, without the target. */
  readonly table: Table
  readonly labels: Labels
  /** Places of the rows in the file; those without an answer are left out. */
  readonly places: readonly number[]
}

/** Below this no interval is worth looking at. */
const FEWEST_ROWS = 30

/** The columns without the target, and the target of the rows that have one. @throws CommandError for a target that is not there or does not fit */
export function splitTarget(table: Table, target: string, program: Program): LabelledRows {
  const column = table.columns.findIndex(({ name }) => name === target)
  if (column < 0)
    throw new CommandError(`the rows have no column ${JSON.stringify(printable(target))}`, [
      `they have ${table.columns
        .slice(0, 20)
        .map(({ name }) => printable(name))
        .join(', ')}`,
    ])
  if (program.classes.length > 1)
    throw new CommandError(`the model answers ${program.classes.length} columns of classes at once`, [
      'optimize judges one target; train one model per target',
    ])
  const [classes] = program.classes
  const read = classes === undefined ? readNumber : readClass(classes)
  const kept = [...table.rows.entries()].filter(([, row]) => !isMissing(row[column] ?? null))
  if (kept.length < FEWEST_ROWS)
    throw new CommandError(`${kept.length} rows have a ${target}; at least ${FEWEST_ROWS} are needed`, [
      'intervals of so few rows would tell nothing: give more labelled rows',
    ])
  const values = Float64Array.from(kept, ([row, cells]) => read(cells[column]!, { row, target }))
  if (values.every((value) => value === values[0]) && isJudgedByClass({ classes, values }))
    throw new CommandError(`every row has the same ${target}`, [
      'give rows of every class: with one alone no model can be told from another',
    ])
  return {
    table: {
      ...table,
      columns: table.columns.toSpliced(column, 1),
      rows: table.rows.map((row) => row.toSpliced(column, 1)),
    },
    labels: { classes, values },
    places: kept.map(([place]) => place),
  }
}

/** Two numbers 0 and 1 are classes, also where the model does not know: boosters alone answer a probability. */
export const isJudgedByClass = ({ classes, values }: Labels): boolean =>
  classes !== undefined || values.every((value) => value === 0 || value === 1)

/** Most classes whose shares are listed. */
const LISTED = 6

/** How often each class is there: `0 in 82.0 %, 1 in 18.0 % of them`; nothing for numbers. */
export function describeShares(labels: Labels): string {
  if (!isJudgedByClass(labels)) return ''
  const shares = sharesOf(labels).map(({ label, share }) => `${label} in ${(100 * share).toFixed(1)} %`)
  const more = shares.length > LISTED ? ' …' : ''
  return `, ${shares.slice(0, LISTED).join(', ')}${more} of them`
}

/** Share of the rows of each class, in the order of the classes. */
export function sharesOf({ classes = [0, 1], values }: Labels): { label: string; share: number }[] {
  const counts = new Float64Array(classes.length)
  for (const index of values) counts[index]!++
  return classes.map((label, i) => ({ label: printable(String(label)), share: counts[i]! / values.length }))
}

type Place = { readonly row: number; readonly target: string }

const isMissing = (value: Cell): boolean =>
  value === null || value === '' || Number.isNaN(value) || value === 'NaN' || value === 'nan'

function readNumber(value: Cell, { row, target }: Place): number {
  const number = typeof value === 'string' && value.trim() === '' ? Number.NaN : Number(value)
  if (Number.isFinite(number)) return number
  throw new CommandError(`row ${row + 1}: ${target} is ${show(value)}, and the model answers numbers`, [
    'choose the column the model was trained to predict',
  ])
}

const readClass =
  (classes: readonly Cell[]) =>
  (value: Cell, { row, target }: Place): number => {
    const index = classes.findIndex((label) => isLabel(label, value))
    if (index >= 0) return index
    const known = classes.slice(0, 10).map(show).join(', ')
    throw new CommandError(`row ${row + 1}: ${target} is ${show(value)}, and the model knows ${known}`, [
      'choose the column the model was trained to predict, with the labels it was trained on',
    ])
  }

/** A file of text spells numbers and booleans. */
function isLabel(label: Cell, value: Cell): boolean {
  if (label === value) return true
  if (typeof label === 'string') return label === String(value)
  if (typeof value === 'string' && /^(true|false)$/i.test(value))
    return Number(label) === Number(value.toLowerCase() === 'true')
  return value !== null && String(value).trim() !== '' && Number(value) === Number(label)
}

const show = (value: Cell): string => printable(JSON.stringify(value)).slice(0, 60)
