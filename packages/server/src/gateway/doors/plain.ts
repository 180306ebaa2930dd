import { type MillwrightError, sentenceOf } from '@millwright/contracts/errors'
import { describe, isObject } from '@millwright/inference/convert'
import { decisionJson, field } from '../../answer-json.ts'
import { decodeLikePython, decodeUtf8, parseJson, parseKeepingNumbers } from '../../inference/json-body.ts'
import type { RespondTemplate, RespondValues } from '../../inference/respond.ts'
import { jsonString } from '../../json-text.ts'
import type { InferRequest } from '../dataplane.ts'
import { createPredictDoor, type DoorDeps, type DoorRequest } from '../door.ts'
import { assertJsonType } from '../limits.ts'
import { isFailed, type PredictedRow, type RowResult } from '../predicted-row.ts'
import type { Reply, Worded } from '../replies.ts'
import type { GatewayRoute } from '../route.ts'
import { invalidFields, SingleRow } from '../rows.ts'
import type { Served, ServedRespond } from '../served.ts'
import { unitText } from '../split.ts'

const ROOT: readonly string[] = []

/** Versions of the API that a deployment may pin. */
const PINS = ['v1', 'v2', 'v3', 'v4', 'v5', 'v6', 'v7', 'v8', 'v9']

/** One row in, the deployment's own JSON out: the callers of yesterday's application do not change. */
export function plainRoutes(deps: DoorDeps): GatewayRoute[] {
  const manner = { door: 'plain', assertHead: assertJsonType, word: wordPlain, unitOf } as const
  const answer = createPredictDoor<Given>(
    deps,
    { ...manner, read: (body, served) => read(body, served, deps) },
    (served, request, given) => predictPlain(deps, served, request, given),
  )
  const route = (path: string, pin?: string): GatewayRoute => ({
    path,
    methods: ['POST'],
    door: 'plain',
    permission: 'predict',
    answer: pin === undefined ? answer : (exchange, params) => answer(exchange, { ...params, pin }),
  })
  return [
    ...['/predict', '/predict/{name}'].map((path) => route(path)),
    ...PINS.flatMap((pin) => [route(`/${pin}/predict`, pin), route(`/${pin}/predict/{name}`, pin)]),
  ]
}

/** @throws MillwrightError INVALID_JSON, VALIDATION_FAILED */
function read(body: Buffer, { respond }: Served, { limits }: DoorDeps): Given {
  const text = respond?.lenient ? decodeLikePython(body) : decodeUtf8(body)
  const row = parseJson(text, limits.jsonDepth)
  if (!isObject(row))
    throw invalidFields([
      {
        pointer: '',
        code: 'wrong_type',
        message: `expected an object with one field per column, got ${describe(row)}`,
      },
    ])
  return { row, text }
}

const unitOf = ({ row }: Given, column: string | undefined): string | undefined =>
  column !== undefined && Object.hasOwn(row, column) ? unitText(row[column]) : undefined

/** @throws MillwrightError VALIDATION_FAILED */
function predictPlain(
  { plane }: DoorDeps,
  served: Served,
  { body, exchange, startedAt, signal }: DoorRequest,
  given: Given,
): Reply | Promise<Reply> {
  const request: InferRequest = {
    rows: new SingleRow(given.row, ROOT),
    requestId: exchange.id,
    startedAt,
    manners: served.respond?.lenient ? 'lenient' : 'strict',
    signal,
    span: exchange.span,
    bodyBytes: body.length,
  }
  const answer = ([result]: readonly RowResult[]): Reply => ({ body: answerOf(served, result!, given) })
  return served.nowRows > 0
    ? answer(plane.inferNow(served, request))
    : plane.infer(served, request).then(answer)
}

type Given = { readonly row: Record<string, unknown>; readonly text: string }

function answerOf(served: Served, result: RowResult, { row, text }: Given): string {
  if (isFailed(result)) throw invalidFields(result.errors)
  if (served.respond === undefined) return nativeShape(served, result)
  const { name: deployment, model, version } = served.routed
  return served.respond.body.write({
    deployment,
    model,
    version: version.label,
    score: result.decided?.score,
    outcome: outcomeOf(result),
    label: result.label,
    labelIsFloat: served.labelIsFloat,
    band: result.decided?.band,
    id: result.id,
    input: (name) => inputOf(row, name, text),
  })
}

const outcomeOf = ({ decided }: PredictedRow): 0 | 1 | undefined =>
  decided?.outcome === undefined ? undefined : decided.outcome === 'positive' ? 1 : 0

const namesOf = ({ routed }: Served) => ({
  deployment: routed.name,
  model: routed.model,
  version: routed.version.label,
})

/** A field as the caller wrote it: numbers are read again from the text, digit by digit. */
function inputOf(row: Record<string, unknown>, name: string, text: string): unknown {
  const value = Object.hasOwn(row, name) ? row[name] : undefined
  const mayHoldNumbers = typeof value === 'number' || (typeof value === 'object' && value !== null)
  return mayHoldNumbers ? (parseKeepingNumbers(text) as Record<string, unknown>)[name] : value
}

function nativeShape(served: Served, row: PredictedRow): string {
  const decision = served.decision && row.decided && decisionJson(row.decided)
  const { id, labelJson, probabilitiesJson } = row
  return `{"prediction":${labelJson}${field('probabilities', probabilitiesJson)}${field('decision', decision)},"id":${jsonString(id)},"version":${JSON.stringify(served.routed.version.label)}}`
}

/** An error in the shape the deployment's callers expect; undefined when it has none. */
function wordPlain(error: MillwrightError, served: Served | undefined): Worded | undefined {
  const template = served?.respond?.error
  if (served === undefined || template === undefined) return undefined
  const status = error.status === 415 ? 400 : error.status
  return { status, body: write(template, served, { error: messageOf(error, served.respond!) }) }
}

const write = (template: RespondTemplate, served: Served, values: Partial<RespondValues>): string =>
  template.write({ ...namesOf(served), ...values })

/** One sentence: the first missing field as the template words it, else the first fault and how many more there are. */
function messageOf(error: MillwrightError, { missing }: ServedRespond): string {
  const faults = error.fields ?? []
  const absent = faults.find((fault) => fault.code === 'missing')
  if (absent !== undefined && missing !== undefined)
    return missing.replaceAll('$field', () => absent.pointer.slice(1).replace(/~1/g, '/').replace(/~0/g, '~'))
  return sentenceOf(error)
}

/** Body of GET /health in the deployment's own words; undefined when it has none. */
export function plainHealth(served: Served | undefined): string | undefined {
  const template = served?.respond?.health
  return template && served ? write(template, served, {}) : undefined
}
