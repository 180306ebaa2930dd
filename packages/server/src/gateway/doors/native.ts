import type { FieldError } from '@millwright/contracts'
import type { Method } from '@millwright/engine'
import { describe, isObject } from '@millwright/inference/convert'
import { pointerTo } from '@millwright/inference/validate'
import { decisionJson, field } from '../../answer-json.ts'
import { decodeUtf8, parseJson } from '../../inference/json-body.ts'
import { jsonString } from '../../json-text.ts'
import type { InferRequest } from '../dataplane.ts'
import { createPredictDoor, type DoorDeps, type DoorRequest } from '../door.ts'
import { assertJsonType, assertRows } from '../limits.ts'
import { readyOf } from '../precomputed/routes.ts'
import { type FailedRow, isFailed, type PredictedRow, type RowResult } from '../predicted-row.ts'
import type { Reply } from '../replies.ts'
import type { GatewayRoute } from '../route.ts'
import { invalidFields, listOfRows, type RowSource, SingleRow, tableOfColumns } from '../rows.ts'
import type { Served } from '../served.ts'
import { sharedUnit } from '../split.ts'

/** Our own API: fields, types and ranges are the schema's; bad rows of several fail alone. */
export const nativeRoutes = (deps: DoorDeps): GatewayRoute[] => [
  {
    path: '/api/v1/deployments/{name}/predict',
    methods: ['POST'],
    door: 'native',
    permission: 'predict',
    answer: createPredictDoor(
      deps,
      {
        door: 'native',
        assertHead: assertJsonType,
        read: (body) => parseJson(decodeUtf8(body), deps.limits.jsonDepth),
        unitOf: unitOfRequest,
      },
      (served, request, content) => {
        const predict = (asked: unknown) => predictNative(deps, served, request, asked)
        return isObject(content) && content.key !== undefined
          ? answerKey(served, content, predict)
          : predict(content)
      },
    ),
  },
]

/** `subject` or `subjects`, else the column that the deployment names; the same in all rows. */
function unitOfRequest(body: unknown, column: string | undefined): string | undefined {
  if (!isObject(body)) return undefined
  const { subject, subjects, row, rows, columns } = body
  if (subject !== undefined || subjects !== undefined) return sharedUnit(listOf(subjects ?? subject))
  if (column === undefined) return undefined
  if (isObject(columns)) return sharedUnit(listOf(columns[column]))
  return sharedUnit(listOf(rows ?? row).map((item) => (isObject(item) ? item[column] : undefined)))
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value])

/**
 * An answer that stands ready, where the version that is chosen would give the same. Without a row to compute it from, one
 * that is stale, and says so.
 * @throws MillwrightError VALIDATION_FAILED, PRECOMPUTED_NOT_FOUND, PRECOMPUTED_UNREADABLE
 */
async function answerKey(
  served: Served,
  { key, ...content }: Record<string, unknown>,
  predict: (content: unknown) => Reply | Promise<Reply>,
): Promise<Reply> {
  if (typeof key !== 'string')
    throw invalidFields([wrong('/key', `key: expected text, got ${describe(key)}`)])
  if (Object.keys(content).length === 0) return readyOf(served).get(key)
  if (content.row === undefined) throw invalidFields([wrong('/key', 'key: expected alone, or with "row"')])
  if (content.outputs !== undefined) return predict(content)
  return (await served.ready?.fresh(key)) ?? predict(content)
}

/**
 * `PredictRequest` in, `PredictAnswer` out, later when the rows are many or a host runs the model.
 * @throws MillwrightError INVALID_JSON, VALIDATION_FAILED, TOO_MANY_ROWS
 */
function predictNative(
  { plane, maxRows }: DoorDeps,
  served: Served,
  { body, exchange, startedAt, signal }: DoorRequest,
  content: unknown,
): Reply | Promise<Reply> {
  const asked = parseRequest(content, served)
  assertRows(asked.rows.count, served.routed.limits?.rows ?? maxRows)
  const { rows, outputs, ids, subjects } = asked
  const request: InferRequest = {
    rows,
    requestId: exchange.id,
    startedAt,
    manners: 'strict',
    outputs,
    ids,
    subjects,
    signal,
    span: exchange.span,
    bodyBytes: body.length,
  }
  const answer = (results: readonly RowResult[]): Reply => ({ body: answerOf(served, asked.rows, results) })
  return rows.count <= served.nowRows
    ? answer(plane.inferNow(served, request))
    : plane.infer(served, request).then(answer)
}

type Asked = {
  readonly rows: RowSource
  readonly ids: readonly string[] | undefined
  readonly subjects: readonly string[] | undefined
  readonly outputs: readonly Method[] | undefined
}

const FIELDS = ['row', 'rows', 'columns', 'id', 'ids', 'subject', 'subjects', 'outputs']
const ROW_FIELDS = ['row', 'rows', 'columns']
/** Longest id of a prediction or subject, in characters. */
const ID_CHARACTERS = 256
const OUTPUTS = 16

function parseRequest(body: unknown, served: Served): Asked {
  if (!isObject(body))
    throw invalidFields([wrong('', `expected an object with row, rows or columns, got ${describe(body)}`)])
  const unknown = Object.keys(body).filter((name) => !FIELDS.includes(name))
  if (unknown.length > 0)
    throw invalidFields(
      unknown.map((name) => ({
        pointer: pointerTo(name),
        code: 'unknown_field',
        message: `expected only ${FIELDS.join(', ')}; put the values of a row inside "row"`,
      })),
    )
  const rows = parseRows(body, served)
  return {
    rows,
    ids: parseTags(body, rows, { one: 'id', many: 'ids' }),
    subjects: parseTags(body, rows, { one: 'subject', many: 'subjects' }),
    outputs: body.outputs === undefined ? undefined : parseOutputs(body.outputs, served.methods),
  }
}

const ROW_BASE = ['row']

function parseRows(body: Record<string, unknown>, served: Served): RowSource {
  const given = ROW_FIELDS.filter((name) => body[name] !== undefined)
  if (given.length !== 1)
    throw invalidFields([
      wrong(
        '',
        `expected exactly one of row, rows and columns, got ${given.join(' and ') || 'none of them'}`,
      ),
    ])
  if (body.row !== undefined) return new SingleRow(body.row, ROW_BASE)
  if (body.columns !== undefined)
    return tableOfColumns(body.columns, served.readers.strict.names, served.routed.unit?.column)
  if (Array.isArray(body.rows)) return listOfRows(body.rows)
  throw invalidFields([wrong('/rows', `rows: expected a list of objects, got ${describe(body.rows)}`)])
}

/** Ids or subjects: one with a row, a list as long as the rows with several. */
function parseTags(
  body: Record<string, unknown>,
  rows: RowSource,
  names: { one: string; many: string },
): readonly string[] | undefined {
  const [expected, other] = rows.single ? [names.one, names.many] : [names.many, names.one]
  if (body[other] !== undefined)
    throw invalidFields([
      wrong(`/${other}`, `${other}: expected "${expected}" with ${rows.single ? 'one row' : 'several rows'}`),
    ])
  const value = body[expected]
  if (value === undefined) return undefined
  const tags: unknown[] = rows.single ? [value] : Array.isArray(value) ? value : [value]
  if (!rows.single && (!Array.isArray(value) || value.length !== rows.count))
    throw invalidFields([
      wrong(`/${expected}`, `${expected}: expected a list of ${rows.count}, got ${describe(value)}`),
    ])
  const bad = tags.findIndex((tag) => typeof tag !== 'string' || tag.length < 1 || tag.length > ID_CHARACTERS)
  if (bad === -1) return tags as string[]
  const pointer = rows.single ? `/${expected}` : `/${expected}/${bad}`
  throw invalidFields([
    wrong(pointer, `${expected}: expected 1 to ${ID_CHARACTERS} characters, got ${describe(tags[bad])}`),
  ])
}

function parseOutputs(value: unknown, methods: readonly string[]): readonly Method[] {
  if (!Array.isArray(value) || value.length > OUTPUTS)
    throw invalidFields([
      wrong(
        '/outputs',
        `outputs: expected a list of at most ${OUTPUTS} of ${methods.join(', ')}, got ${describe(value)}`,
      ),
    ])
  const errors = value.flatMap((name, index): FieldError[] =>
    methods.includes(name)
      ? []
      : [
          {
            ...wrong(
              `/outputs/${index}`,
              `outputs: the model has ${methods.join(', ')}, got ${describe(name)}`,
            ),
            code: 'unknown_output',
          },
        ],
  )
  if (errors.length > 0) throw invalidFields(errors)
  return [...new Set(value as Method[])]
}

const wrong = (pointer: string, message: string): FieldError => ({ pointer, code: 'wrong_type', message })

/** @throws MillwrightError VALIDATION_FAILED when not a single row was answered */
function answerOf(served: Served, rows: RowSource, results: readonly RowResult[]): string {
  const failed = results.filter(isFailed)
  if (failed.length > 0 && failed.length === results.length)
    throw invalidFields(failed.flatMap((row) => row.errors))
  if (rows.single) return `${served.answerHead},"prediction":${rowJson(served, results[0] as PredictedRow)}}`
  const entries = results.map((result) => (isFailed(result) ? failedJson(result) : rowJson(served, result)))
  return `${served.answerHead},"predictions":[${entries.join(',')}]}`
}

function rowJson(served: Served, row: PredictedRow): string {
  const decision = served.decision && row.decided && decisionJson(row.decided)
  return `{"id":${jsonString(row.id)},"prediction":${row.labelJson}${field('probabilities', row.probabilitiesJson)}${field('decision', decision)}${field('outputs', row.askedJson)}}`
}

const failedJson = ({ id, errors }: FailedRow): string =>
  JSON.stringify({ id, error: { code: 'VALIDATION_FAILED', errors } })
