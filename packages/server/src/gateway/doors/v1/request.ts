import type { Method } from '@millwright/engine'
import { describe, isObject } from '@millwright/inference/convert'
import { decodeUtf8, parseJsonWithNaN } from '../../../inference/json-body.ts'
import type { DoorDeps } from '../../door.ts'
import { assertRows } from '../../limits.ts'
import { columnsOf, faultAt } from '../../row-forms/columns.ts'
import { rowsOfColumns, rowsOfList } from '../../row-forms/records.ts'
import { invalidFields, type RowSource } from '../../rows.ts'
import type { Served } from '../../served.ts'

export type AskedPrediction = {
  readonly rows: RowSource
  readonly method: Method
  /** They came under `inputs`, TensorFlow Serving's column form. */
  readonly isColumnForm: boolean
}

/**
 * A body of `:predict`: `instances` (rows) or `inputs` (rows or columns). With both, `instances` counts, as in KServe.
 * @throws MillwrightError INVALID_JSON, VALIDATION_FAILED
 */
export function parsePredict(deps: DoorDeps, served: Served, body: Buffer): AskedPrediction {
  const { instances, inputs, signature_name: signature } = parseObject(deps, body, 'instances or inputs')
  const method = methodOf(served, signature)
  const columns = columnsOf(deps, served)
  if (instances !== undefined) {
    if (!Array.isArray(instances))
      throw wrongType('/instances', 'instances: expected a list of rows', instances)
    return { rows: rowsOfList(instances, columns, '/instances'), method, isColumnForm: false }
  }
  if (Array.isArray(inputs))
    return { rows: rowsOfList(inputs, columns, '/inputs'), method, isColumnForm: true }
  if (isObject(inputs)) return { rows: rowsOfColumns(inputs, columns, '/inputs'), method, isColumnForm: true }
  if (inputs === undefined) throw wrongType('', 'expected instances or inputs', inputs)
  throw wrongType('/inputs', 'inputs: expected a list of rows or an object of columns', inputs)
}

/**
 * A body of `:classify` or `:regress`: `examples`, with what they have in common in `context`.
 * @throws MillwrightError INVALID_JSON, VALIDATION_FAILED
 */
export function parseExamples(deps: DoorDeps, served: Served, body: Buffer): RowSource {
  const { examples, context = {} } = parseObject(deps, body, 'examples')
  if (!Array.isArray(examples)) throw wrongType('/examples', 'examples: expected a list of objects', examples)
  const columns = columnsOf(deps, served)
  assertRows(examples.length, columns.maxRows)
  if (!isObject(context) || Object.keys(context).length > columns.names.length)
    throw wrongType('/context', 'context: expected an object of columns', context)
  const bad = examples.findIndex((example) => !isObject(example))
  if (bad !== -1) throw wrongType(`/examples/${bad}`, 'examples: expected an object', examples[bad])
  const whole = examples.map((example) => ({ ...context, ...(example as object) }))
  const rows = rowsOfList(whole, columns, '/examples')
  if (rows.count === examples.length) return rows
  throw wrongType('/examples', 'examples: expected one value of each column, got lists of several', examples)
}

function parseObject({ limits }: DoorDeps, body: Buffer, expected: string): Record<string, unknown> {
  const document = parseJsonWithNaN(decodeUtf8(body), limits.jsonDepth)
  if (isObject(document)) return document
  throw wrongType('', `expected an object with ${expected}`, document)
}

const wrongType = (pointer: string, expected: string, got: unknown) =>
  invalidFields([faultAt(pointer, 'wrong_type', `${expected}, got ${describe(got)}`)])

/** A signature is a method of the model; the usual names of the only one are the prediction. */
function methodOf(served: Served, signature: unknown): Method {
  if (signature === undefined || signature === '' || signature === 'serving_default')
    return served.labelMethod
  if (typeof signature === 'string' && served.methods.includes(signature)) return signature as Method
  const known = ['serving_default', ...served.methods].join(', ')
  throw wrongType('/signature_name', `signature_name: expected one of ${known}`, signature)
}
