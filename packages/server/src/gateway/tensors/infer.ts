import type { FieldError } from '@millwright/contracts'
import type { Cell, Method } from '@millwright/engine'
import { describe } from '@millwright/inference/convert'
import { pick } from '../../answer-json.ts'
import type { DoorDeps } from '../door.ts'
import { inferWhole, type WholeInference } from '../infer-whole.ts'
import type { PredictedRow } from '../predicted-row.ts'
import { invalidFields } from '../rows.ts'
import type { RowRun } from '../run-rows.ts'
import type { Served } from '../served.ts'
import { type Datatype, datatypeOf, type Elements } from './datatype.ts'

/** An output of a model. */
export type OutputTensor = {
  readonly name: string
  readonly datatype: Datatype
  readonly shape: readonly number[]
  readonly elements: Elements
}

/** `outputs`: the methods to answer; all are the model's. */
export type TensorInference = WholeInference & { readonly outputs: readonly Method[] }

/**
 * Predicts rows as one whole and gives the answers as tensors, `[rows, 1]` or `[rows, columns]`, in the order asked. A
 * method with several outputs gives a tensor for each: `predict_proba-0`, `predict_proba-1` ….
 * @throws MillwrightError TOO_MANY_ROWS, VALIDATION_FAILED
 */
export function inferTensors(
  deps: DoorDeps,
  served: Served,
  inference: TensorInference,
): OutputTensor[] | Promise<OutputTensor[]> {
  const answer = (rows: readonly PredictedRow[]): OutputTensor[] => {
    const runs = rows.map(({ run }) => run)
    return inference.outputs.flatMap((method) => tensorsOf(served, method, runs))
  }
  const asked = { ...inference, outputs: besidesDefaults(served, inference.outputs) }
  const rows = inferWhole(deps, served, asked)
  return rows instanceof Promise ? rows.then(answer) : answer(rows)
}

/** What is run anyway need not be asked for, and is not logged twice. */
function besidesDefaults({ defaults }: Served, outputs: readonly Method[]): Method[] | undefined {
  const others = outputs.filter((method) => !defaults.includes(method))
  return others.length === 0 ? undefined : others
}

/** Answered when nothing else is asked for: the prediction, and the probabilities of a classifier. */
export const defaultOutputs = ({ labelMethod, methods }: Served): Method[] =>
  labelMethod !== 'predict_proba' && methods.includes('predict_proba')
    ? [labelMethod, 'predict_proba']
    : [labelMethod]

/** A method by the name a client uses: `output-0`, `output_0` … are the default outputs in their order. */
export function methodNamed(served: Served, name: unknown, pointer: string): Method {
  const number = typeof name === 'string' ? /^output[-_]+(\d{1,3})$/.exec(name)?.[1] : undefined
  const method = number === undefined ? name : defaultOutputs(served)[Number(number)]
  if (typeof method === 'string' && served.methods.includes(method)) return method as Method
  const error: FieldError = {
    pointer,
    code: 'unknown_output',
    message: `outputs: the model has ${served.methods.join(', ')}, got ${describe(name)}`,
  }
  throw invalidFields([error])
}

function tensorsOf(served: Served, method: Method, runs: readonly RowRun[]): OutputTensor[] {
  const [first] = runs
  if (first === undefined) return [emptyTensor(served, method)]
  const { list, dtype, parts } = pick(first.answers, method)
  return parts.map((part, index) => {
    const [, width = 1] = part.shape
    return {
      name: list ? `${method}-${index}` : method,
      datatype: datatypeOf(dtype),
      shape: [runs.length, width],
      elements:
        part.shape[0] === runs.length
          ? part.data
          : join(
              runs.map(({ answers, row }) => ({ data: pick(answers, method).parts[index]!.data, row })),
              width,
            ),
    }
  })
}

/** No rows, no answers: still a tensor of the right type. */
function emptyTensor(served: Served, method: Method): OutputTensor {
  const declared = served.routed.version.schema.outputs.find(({ name }) => name === method)
  return { name: method, datatype: datatypeOf(declared?.dtype ?? ''), shape: [0, 1], elements: [] }
}

/** Answers to rows that were run in several blocks. */
function join(rows: readonly { data: Elements; row: number }[], width: number): Elements {
  const elements = new Array<Cell>(rows.length * width)
  rows.forEach(({ data, row }, position) => {
    for (let column = 0; column < width; column++)
      elements[position * width + column] = data[row * width + column]!
  })
  return elements
}
