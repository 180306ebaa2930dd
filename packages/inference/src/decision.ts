import type { CellValue, Decision, ModelSchema } from '@millwright/contracts'
import type { Answer, Cell, Method } from '@millwright/engine'

export type Decided = {
  readonly score: number
  /** Undefined without a threshold. */
  readonly outcome: 'positive' | 'negative' | undefined
  readonly band: string | undefined
}

/** A deployment's decision, ready to be applied to the answers of its model. */
export type DecisionRule = {
  /** The method the score is read from. */
  readonly method: Method
  /** The score is a probability: within 0 and 1. */
  readonly isProbability: boolean
  decide(answer: Answer, row: number): Decided
}

/** Methods a score is read from when the decision names none, the first the model has. */
const SCORED: readonly string[] = ['predict_proba', 'decision_function', 'predict']

/**
 * score = probability of `positive` (default: the last class), or the value of a method that gives one number a row.
 * @throws RangeError when the model has no such method, class or number
 */
export function compileDecision(decision: Decision, schema: ModelSchema): DecisionRule {
  const methods = schema.outputs.map((output) => output.name)
  const method = decision.output ?? SCORED.find((name) => methods.includes(name)) ?? 'none'
  const output = schema.outputs.find((candidate) => candidate.name === method)
  if (output === undefined)
    throw new RangeError(`decision: the model has no output "${method}"; it has ${methods.join(', ')}`)
  const classes = schema.classes[0] ?? []
  if (schema.classes.length > 1)
    throw new RangeError('decision: the model answers several outputs at once, which a decision cannot score')
  const column = columnOf(decision.positive, { method, classes })
  const { threshold, bands = [] } = decision
  return {
    method: method as Method,
    isProbability: method === 'predict_proba',
    decide(answer, row) {
      const score = scoreOf(answer, row, column)
      const outcome = threshold === undefined ? undefined : score > threshold ? 'positive' : 'negative'
      const band = bands.find(({ above }) => above === undefined || score > above)
      return { score, outcome, band: band?.name }
    },
  }
}

type Scored = { readonly method: string; readonly classes: readonly CellValue[] }

/** Index of the positive class among the columns of the score's method; 0 for one number a row. */
function columnOf(positive: CellValue | undefined, { method, classes }: Scored): number {
  const isClassifier = classes.length > 0
  if (isClassifier && method === 'predict')
    throw new RangeError(
      'decision: predict gives a class, not a score; use predict_proba or decision_function',
    )
  if (!isClassifier) return 0
  const index = positive === undefined ? classes.length - 1 : classes.indexOf(positive)
  if (index === -1)
    throw new RangeError(
      `decision: the model has no class ${JSON.stringify(positive)}; it has ${JSON.stringify(classes)}`,
    )
  if (method !== 'predict_proba' && classes.length === 2) {
    if (index === 0)
      throw new RangeError(`decision: ${method} of two classes scores the second one; name it as positive`)
    return 0
  }
  return index
}

function scoreOf(answer: Answer, row: number, column: number): number {
  const part = answer.parts[0]!
  const width = part.shape[1] ?? 1
  const score: Cell = part.data[row * width + column]!
  return typeof score === 'number' ? score : Number.NaN
}
