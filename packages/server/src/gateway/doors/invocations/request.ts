import { describe, isObject } from '@millwright/inference/convert'
import { decodeLikePython, decodeUtf8, parseJsonWithNaN } from '../../../inference/json-body.ts'
import type { DoorDeps, DoorRequest } from '../../door.ts'
import { type Columns, columnsOf, faultAt } from '../../row-forms/columns.ts'
import { rowsOfCsv } from '../../row-forms/csv.ts'
import { rowsOfNamedLists } from '../../row-forms/lists.ts'
import { rowsOfColumns, rowsOfList } from '../../row-forms/records.ts'
import { invalidFields, type RowSource } from '../../rows.ts'
import type { Served } from '../../served.ts'
import type { Media } from './media.ts'

/** The fields of a body that hold rows, of which it has one, and how each is read. */
const FORMS: Readonly<Record<string, (value: unknown, columns: Columns) => RowSource>> = {
  dataframe_split: parseSplit,
  dataframe_records: (value, columns) => parseList('dataframe_records', value, columns),
  instances: (value, columns) =>
    isObject(value) ? rowsOfColumns(value, columns, '/instances') : parseList('instances', value, columns),
  inputs: (value, columns) =>
    isObject(value) ? rowsOfColumns(value, columns, '/inputs') : parseList('inputs', value, columns),
}

/**
 * The rows of a request to MLflow's scoring server. `params` are read by no model, and left alone as MLflow leaves them.
 * @throws MillwrightError INVALID_JSON, VALIDATION_FAILED
 */
export function parseInvocation(
  deps: DoorDeps,
  served: Served,
  { body }: DoorRequest,
  media: Media,
): RowSource {
  const columns = columnsOf(deps, served, true)
  if (media.form === 'csv') return rowsOfCsv(decodeUtf8(body), columns, media.header)
  const document = parseJsonWithNaN(decodeLikePython(body), deps.limits.jsonDepth)
  // SageMaker's containers take the rows alone.
  if (Array.isArray(document)) return rowsOfList(document, columns, '')
  const expected = `expected an object with one of ${Object.keys(FORMS).join(', ')}`
  if (!isObject(document)) throw wrongType('', expected, document)
  const given = Object.keys(FORMS).filter((name) => document[name] !== undefined)
  const [form] = given
  if (form === undefined || given.length > 1)
    throw invalidFields([
      faultAt('', 'wrong_type', `${expected}, got ${given.join(' and ') || 'none of them'}`),
    ])
  return FORMS[form]!(document[form], columns)
}

const wrongType = (pointer: string, expected: string, got: unknown) =>
  invalidFields([faultAt(pointer, 'wrong_type', `${expected}, got ${describe(got)}`)])

function parseList(form: string, value: unknown, columns: Columns): RowSource {
  if (Array.isArray(value)) return rowsOfList(value, columns, `/${form}`)
  throw wrongType(`/${form}`, `${form}: expected a list of rows`, value)
}

const SPLIT_FIELDS = ['columns', 'index', 'data']

/** pandas' `to_dict(orient="split")`; the index says nothing to a model. */
function parseSplit(value: unknown, columns: Columns): RowSource {
  const pointer = '/dataframe_split'
  if (!isObject(value)) throw wrongType(pointer, 'dataframe_split: expected an object', value)
  const extra = Object.keys(value).filter((name) => !SPLIT_FIELDS.includes(name))
  if (extra.length > 0)
    throw invalidFields([
      faultAt(
        pointer,
        'unknown_field',
        `dataframe_split: expected data, columns and index, got ${describe(extra[0])}`,
      ),
    ])
  const { columns: header, data } = value
  if (!Array.isArray(data)) throw wrongType(`${pointer}/data`, 'data: expected a list of rows', data)
  if (header !== undefined && !(Array.isArray(header) && header.every((name) => typeof name === 'string')))
    throw wrongType(`${pointer}/columns`, 'columns: expected a list of names', header)
  const places = { headerAt: `${pointer}/columns`, listsAt: `${pointer}/data` }
  return rowsOfNamedLists({ header: header as string[] | undefined, lists: data, ...places }, columns)
}
