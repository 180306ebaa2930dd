import { describe, isObject } from '@millwright/inference/convert'
import { decodeUtf8, parseJsonWithNaN } from '../../../inference/json-body.ts'
import type { DoorDeps, DoorRequest } from '../../door.ts'
import { columnsOf, faultAt } from '../../row-forms/columns.ts'
import { rowsOfColumns, rowsOfList } from '../../row-forms/records.ts'
import { invalidFields, type RowSource } from '../../rows.ts'
import type { Served } from '../../served.ts'

/**
 * The rows of a request to TorchServe, where every handler has its own form: `instances` or `inputs`, a list of rows, or
 * one object; as the body, or as the file `data` of a form. The content type says nothing else.
 * @throws MillwrightError INVALID_JSON, VALIDATION_FAILED
 */
export function parsePredictions(deps: DoorDeps, served: Served, { exchange, body }: DoorRequest): RowSource {
  const columns = columnsOf(deps, served)
  const document = parseJsonWithNaN(
    decodeUtf8(fileOf(body, exchange.header('content-type'))),
    deps.limits.jsonDepth,
  )
  if (Array.isArray(document)) return rowsOfList(document, columns, '')
  if (!isObject(document)) throw wrongType('', 'expected rows: a list or an object', document)
  const [field] = ['instances', 'inputs'].filter((name) => Object.hasOwn(document, name))
  if (field === undefined || columns.known.has(field)) return rowsOfList([document], columns, '')
  const rows = document[field]
  if (Array.isArray(rows)) return rowsOfList(rows, columns, `/${field}`)
  if (isObject(rows)) return rowsOfColumns(rows, columns, `/${field}`)
  throw wrongType(`/${field}`, `${field}: expected a list of rows or an object of columns`, rows)
}

const wrongType = (pointer: string, expected: string, got: unknown) =>
  invalidFields([faultAt(pointer, 'wrong_type', `${expected}, got ${describe(got)}`)])

const BOUNDARY = /^multipart\/form-data\s*;(?:.*;)?\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i
const FORM_PARTS = 64
const NAMED_DATA = /^content-disposition:[^\r\n]*;\s*name="?data"?\s*(?:;|$)/im

/** The part `data` of a form (RFC 7578), or a body that is no form. @throws MillwrightError VALIDATION_FAILED */
function fileOf(body: Buffer, contentType = ''): Buffer {
  const [, quoted, plain] = BOUNDARY.exec(contentType) ?? []
  const boundary = quoted ?? plain
  if (boundary === undefined) return body
  const delimiter = Buffer.from(`\r\n--${boundary}`)
  const form = Buffer.concat([Buffer.from('\r\n'), body])
  let start = form.indexOf(delimiter)
  for (let part = 0; part < FORM_PARTS && start !== -1; part++) {
    const end = form.indexOf(delimiter, start + delimiter.length)
    const bytes = form.subarray(start + delimiter.length, end === -1 ? start : end)
    const headEnd = bytes.indexOf('\r\n\r\n')
    if (headEnd !== -1 && NAMED_DATA.test(bytes.toString('latin1', 0, headEnd)))
      return bytes.subarray(headEnd + 4)
    start = end
  }
  throw wrongType('', 'expected a form with a part named data', 'another form')
}
