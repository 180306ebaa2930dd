import { RowError } from '../errors.ts'
import { evaluateRow } from '../exec/reference.ts'
import { categoryHash } from '../ops/catboost.ts'
import { categoryCode } from '../ops/categories.ts'
import { check } from '../ops/checks.ts'
import { castToNumbers } from '../ops/columns.ts'
import { categoryIndex } from '../ops/encoding.ts'
import { checkCells, refuseMissing } from '../ops/imputing.ts'
import { interpolate } from '../ops/interpolate.ts'
import { categoricalLogJoint } from '../ops/naive-bayes.ts'
import { outlierClass } from '../ops/neighbours.ts'
import { tensorElements } from '../ops/onnx.ts'
import { boxCox } from '../ops/scaling.ts'
import { sparseCheck } from '../ops/sparse.ts'
import { splineBasis } from '../ops/splines.ts'
import { formOf, type Knowledge } from './knowledge.ts'
import type { Cell, Frame, Program, ProgramNode, ProgramOutput, ValueType } from './program.ts'

/** Tries values out in a row the model accepts. */
export type Probe = {
  /** Whether the row is still accepted with `value` in all of these columns. True when no accepted row was found. */
  accepts(columns: readonly number[], value: Cell): boolean
}

/** Operations that refuse rows. Only they and what they read is evaluated: no trees, no matrices. */
const GUARDS: ReadonlySet<string> = new Set(
  [
    check,
    checkCells,
    castToNumbers,
    categoryIndex,
    categoryCode,
    categoryHash,
    refuseMissing,
    boxCox,
    categoricalLogJoint,
    outlierClass,
    sparseCheck,
    tensorElements,
  ].map((op: { readonly name: string }) => op.name),
)

const isGuard = (node: ProgramNode): boolean =>
  GUARDS.has(node.op) ||
  formOf(node) !== undefined ||
  (node.op === interpolate.name && node.attrs.outside === 'raise') ||
  (node.op === splineBasis.name && node.attrs.outside === 'error')

/** Values a column may want, after its own categories and an imputer's fill. */
const USUAL: readonly Cell[] = [0, 1, -1, 10, 1000, '', null, Number.NaN]
const MOST_ATTEMPTS = 64

export function buildProbe(
  program: Program,
  types: readonly ValueType[],
  known: readonly Knowledge[],
): Probe {
  const parts = program.nodes.flatMap((node, ref) => (isGuard(node) ? [ref] : []))
  const outputs: ProgramOutput[] = [{ name: 'transform', parts, shape: 'list', dtype: 'float64' }]
  const raised = (values: readonly Cell[]): RowError | undefined => {
    try {
      evaluateRow({ program, types, frame: frameOf(program, values), row: 0 }, outputs)
      return undefined
    } catch (error) {
      if (error instanceof RowError) return error
      throw error
    }
  }
  const base = acceptedRow(program, known, raised)
  return {
    accepts(columns, value) {
      if (base === undefined) return true
      const changed = [...base]
      for (const column of columns) changed[column] = value
      return raised(changed) === undefined
    },
  }
}

/** A row that is accepted: every column starts with its first candidate; one that is blamed moves to its next. */
function acceptedRow(
  program: Program,
  known: readonly Knowledge[],
  raised: (values: readonly Cell[]) => RowError | undefined,
): Cell[] | undefined {
  const candidates = program.inputs.map(({ kind }, column) => {
    const { categories = [], fill } = known[column]!
    const own = [...categories.slice(0, 1), ...(fill === undefined ? [] : [fill]), ...USUAL]
    return kind === 'cell' ? own : own.map(Number).filter((value) => !Number.isNaN(value))
  })
  const chosen = candidates.map(() => 0)
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    const values = candidates.map((cells, column) => cells[chosen[column]!]!)
    const error = raised(values)
    if (error === undefined) return values
    const blamed = program.inputs.findIndex(({ name }) => name === error.field)
    if (blamed < 0 || chosen[blamed]! + 1 >= candidates[blamed]!.length) return undefined
    chosen[blamed]!++
  }
  return undefined
}

function frameOf(program: Program, values: readonly Cell[]): Frame {
  const ofKind = (kind: 'number' | 'cell'): Cell[] =>
    values.filter((_, column) => program.inputs[column]!.kind === kind)
  return { rows: 1, numbers: Float64Array.from(ofKind('number') as number[]), cells: ofKind('cell') }
}
