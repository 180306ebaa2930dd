import type { PredictionRecord } from '@millwright/contracts'
import { NAME_PATTERN } from '@millwright/contracts/name-pattern'
import { jsonString } from '../json-text.ts'

/** What all predictions of one loaded version have in common. */
export type RecordSource = {
  readonly deployment: string
  readonly model: string
  readonly version: number
  readonly versionLabel: string
  /** sha256 of the model file. */
  readonly digest: string
  /** As what the version answered: stable, candidate, override, pinned, shadow. */
  readonly variant: string
  /** Share of units that the variant had when this one was assigned to it, in percent; null when nobody was. */
  readonly weight: number | null
}

/** One answered row. What ends in `Json` is JSON text already, so that a row is never turned into text twice. */
export type RecordRow = {
  readonly id: string
  readonly timeMs: number
  readonly featuresJson: string
  readonly outputsJson: string
  readonly decisionJson: string | null
  /** The number the decision looked at; null when there is none. */
  readonly score: number | null
  /** The predicted class or number, as text. */
  readonly label: string | null
  readonly latencyUs: number
  readonly subject: string | null
  readonly requestId: string
}

/** A logged row with the columns it has in storage. */
export type LoggedRow = RecordSource & RecordRow

/** Short keys of what a record says of the answer, its version and its request. */
export type WireCommon = {
  t: number
  u: number
  q: string
  d: string
  m: string
  v: number
  vl: string
  g: string
  a: string
  w?: number
}

/** Time and id come first, so a reader can place and skip a record without parsing it. */
type WireRecord = WireCommon & {
  i: string
  s?: string
  p?: number
  l?: string
  c?: unknown
  f: unknown
  o: unknown
}

/** The fixed part of a record; build it once per loaded version. */
export function encodeSource(source: RecordSource): string {
  const { deployment, model, version, versionLabel, digest, variant, weight } = source
  const common = { d: deployment, m: model, v: version, vl: versionLabel, g: digest, a: variant }
  return JSON.stringify(weight === null ? common : { ...common, w: weight }).slice(1, -1)
}

/** A record as JSON text. @param source from `encodeSource` */
export function encodeRecord(source: string, row: RecordRow): string {
  const { subject, score, label, decisionJson } = row
  let text = `{"t":${row.timeMs},"i":${jsonString(row.id)},"u":${row.latencyUs},"q":${jsonString(row.requestId)}`
  if (subject !== null) text += `,"s":${jsonString(subject)}`
  if (score !== null && Number.isFinite(score)) text += `,"p":${score}`
  if (label !== null) text += `,"l":${jsonString(label)}`
  if (decisionJson !== null) text += `,"c":${decisionJson}`
  return `${text},${source},"f":${row.featuresJson},"o":${row.outputsJson}}`
}

const TIME_START = '{"t":'.length

/** Time of an encoded record, read from its first characters. @returns NaN when it is not a record */
export function timeOfRecord(payload: Buffer): number {
  const end = payload.indexOf(',')
  return end === -1 ? Number.NaN : Number(payload.toString('latin1', TIME_START, end))
}

/** @returns undefined when the payload is not a record */
export function decodeRecord(payload: Buffer): LoggedRow | undefined {
  const wire = parseWire<WireRecord>(payload)
  if (typeof wire?.i !== 'string') return undefined
  return {
    ...sourceOf(wire),
    id: wire.i,
    timeMs: wire.t,
    featuresJson: JSON.stringify(wire.f),
    outputsJson: JSON.stringify(wire.o),
    decisionJson: wire.c === undefined ? null : JSON.stringify(wire.c),
    score: wire.p ?? null,
    label: wire.l ?? null,
    latencyUs: wire.u,
    subject: wire.s ?? null,
    requestId: wire.q,
  }
}

export const sourceOf = (wire: WireCommon): RecordSource => ({
  deployment: wire.d,
  model: wire.m,
  version: wire.v,
  versionLabel: wire.vl,
  digest: wire.g,
  variant: wire.a,
  weight: wire.w ?? null,
})

/** @returns undefined when it is not JSON of ours */
export function parseWire<Wire extends WireCommon>(json: Buffer): Wire | undefined {
  try {
    const wire = JSON.parse(json.toString()) as Wire
    const usable = Number.isSafeInteger(wire.t) && typeof wire.d === 'string' && NAME_PATTERN.test(wire.d)
    return usable ? wire : undefined
  } catch {
    return undefined
  }
}

/** A row in the shape the API shows. */
export function toPredictionRecord(row: LoggedRow): PredictionRecord {
  return {
    id: row.id,
    time: new Date(row.timeMs).toISOString(),
    deployment: row.deployment,
    model: row.model,
    version: row.version,
    version_label: row.versionLabel,
    digest: row.digest,
    variant: row.variant,
    weight: row.weight,
    features: JSON.parse(row.featuresJson),
    outputs: JSON.parse(row.outputsJson),
    decision: row.decisionJson === null ? null : JSON.parse(row.decisionJson),
    latency_us: row.latencyUs,
    subject: row.subject,
    request_id: row.requestId,
  }
}
