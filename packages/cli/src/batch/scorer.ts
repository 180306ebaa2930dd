import type { Decision, FieldError, ModelSchema } from '@millwright/contracts'
import { type Answer, type Cell, type Executable, type Method, RowError } from '@millwright/engine'
import type { Manners } from '@millwright/inference/convert'
import { compileDecision, type DecisionRule } from '@millwright/inference/decision'
import { faultOf, runFrame } from '@millwright/inference/run-frame'
import {
  createRowReader,
  type Fault,
  pointerTo,
  type RowReader,
  type Slab,
} from '@millwright/inference/validate'

/** A column that the answers add to the rows. */
export type OutputColumn = {
  readonly name: string
  readonly type: 'number' | 'integer' | 'boolean' | 'text'
}
/** Values of one column, in the order of the rows. */
export type Values = Float64Array | readonly Cell[]

/** Rows of a piece of the input. `read` fills a place of the slab; what is wrong, or undefined when nothing is. */
export type PieceRows = {
  readonly count: number
  read(reader: RowReader, index: number, slab: Slab, at: number): readonly Fault[] | undefined
}

/** A row that gets no answer, and why, in the words of the API; pointers are into the row. */
type Reject = { readonly index: number; readonly errors: readonly FieldError[] }

/** `values` by output column, for the rows that are `good`. */
export type Scored = {
  readonly good: readonly number[]
  readonly rejects: readonly Reject[]
  readonly values: readonly Values[]
}

export type Scorer = {
  /** Columns that the model reads. */
  readonly names: readonly string[]
  readonly outputs: readonly OutputColumn[]
  score(rows: PieceRows): Scored
}

export type ScorerOptions = {
  readonly schema: ModelSchema
  readonly decision: Decision | null
  readonly manners: Manners
}

/** Predicts rows as a gateway does. @throws RangeError when schema or decision do not fit the model */
export function createScorer(executable: Executable, options: ScorerOptions): Scorer {
  const { inputs } = executable.program
  const reader = createRowReader(options.schema, inputs, options.manners)
  const answering = createAnswering(executable, options)
  const { methods } = answering
  return {
    names: reader.names,
    outputs: answering.outputs,
    score(rows) {
      const first = readRows(reader, rows, undefined)
      const together = runFrame(executable, reader.frameOf(first.slab, first.good.length), methods)
      if (!(together instanceof RowError))
        return { ...first, values: answering.valuesOf(together, first.good.length) }
      const refused = new Map<number, RowError>()
      for (const [at, index] of first.good.entries()) {
        const alone = runFrame(executable, reader.frameOfRow(first.slab, at), methods)
        if (alone instanceof RowError) refused.set(index, alone)
      }
      const { good, slab, rejects } = readRows(reader, rows, refused)
      const answers = executable.run(reader.frameOf(slab, good.length), methods)
      return { good, rejects, values: answering.valuesOf(answers, good.length) }
    },
  }
}

function readRows(reader: RowReader, rows: PieceRows, refused: ReadonlyMap<number, RowError> | undefined) {
  const slab = reader.createSlab(rows.count)
  const good: number[] = []
  const rejects: Reject[] = []
  for (let index = 0; index < rows.count; index++) {
    const error = refused?.get(index)
    const faults = error === undefined ? rows.read(reader, index, slab, good.length) : [faultOf(error)]
    if (faults === undefined) good.push(index)
    else rejects.push({ index, errors: faults.map(errorOf) })
  }
  return { slab, good, rejects }
}

const errorOf = ({ field, code, message }: Fault): FieldError => ({
  pointer: field === '' ? '' : pointerTo(field),
  code,
  message,
})

/** Some columns that are made of an answer together. */
type Part = {
  readonly outputs: readonly OutputColumn[]
  valuesOf(answers: readonly Answer[], rows: number): Values[]
}

/** The prediction, one probability for each class, and what a decision says. */
function createAnswering(executable: Executable, { schema, decision }: ScorerOptions) {
  const { outputs } = executable.program
  const label = outputs.find(({ name }) => name === 'predict') ?? outputs[0]
  if (label === undefined) throw new RangeError('the program has no outputs')
  const rule = decision === null ? undefined : compileDecision(decision, schema)
  const hasProbabilities = schema.classes.length === 1 && outputs.some(({ name }) => name === 'predict_proba')
  const classes = hasProbabilities ? schema.classes[0]! : []
  const methods: Method[] = [
    ...new Set([label.name, ...(hasProbabilities ? ['predict_proba'] : []), ...(rule ? [rule.method] : [])]),
  ]
  const [width] = executable
    .run({ rows: 0, numbers: new Float64Array(0), cells: [] }, methods)
    .filter(({ name }) => name === label.name)
    .map(({ parts }) => parts[0]!.shape[1])
  const parts: Part[] = [
    columnsOf(label.name, namesOf('prediction', width), typeOf(label.dtype)),
    columnsOf(
      'predict_proba',
      classes.map((name) => `probability_${name}`),
      'number',
    ),
    ...(rule === undefined ? [] : [decisionPart(rule, decision!)]),
  ]
  return {
    methods,
    outputs: parts.flatMap((part) => part.outputs),
    valuesOf: (answers: readonly Answer[], rows: number): Values[] =>
      parts.flatMap((part) => part.valuesOf(answers, rows)),
  }
}

const namesOf = (name: string, width: number | undefined): string[] =>
  width === undefined ? [name] : Array.from({ length: width }, (_, i) => `${name}_${i}`)

function typeOf(dtype: string): OutputColumn['type'] {
  if (/^u?int/.test(dtype)) return 'integer'
  if (dtype.startsWith('float')) return 'number'
  return dtype === 'bool' ? 'boolean' : 'text'
}

const pick = (answers: readonly Answer[], method: Method): Answer =>
  answers.find(({ name }) => name === method)!

/** The columns of one method's answer. */
function columnsOf(method: Method, names: readonly string[], type: OutputColumn['type']): Part {
  return {
    outputs: names.map((name) => ({ name, type })),
    valuesOf(answers, rows) {
      if (names.length === 0) return []
      const { data } = pick(answers, method).parts[0]!
      return names.map((_, column) => strided(data, { column, width: names.length, rows }))
    },
  }
}

type Stride = { readonly column: number; readonly width: number; readonly rows: number }

function strided(data: Values, { column, width, rows }: Stride): Values {
  const values: Float64Array | Cell[] =
    data instanceof Float64Array ? new Float64Array(rows) : new Array(rows)
  for (let row = 0; row < rows; row++) values[row] = data[row * width + column]!
  return values
}

function decisionPart(rule: DecisionRule, { threshold, bands = [] }: Decision): Part {
  const outputs: OutputColumn[] = [{ name: 'score', type: 'number' }]
  if (threshold !== undefined) outputs.push({ name: 'outcome', type: 'text' })
  if (bands.length > 0) outputs.push({ name: 'band', type: 'text' })
  return {
    outputs,
    valuesOf(answers, rows) {
      const answer = pick(answers, rule.method)
      const score = new Float64Array(rows)
      const outcome: Cell[] = []
      const band: Cell[] = []
      for (let row = 0; row < rows; row++) {
        const decided = rule.decide(answer, row)
        score[row] = decided.score
        outcome.push(decided.outcome ?? null)
        band.push(decided.band ?? null)
      }
      return outputs.map(({ name }) => (name === 'score' ? score : name === 'outcome' ? outcome : band))
    },
  }
}
