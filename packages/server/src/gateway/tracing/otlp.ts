import { ExportTraceServiceRequest } from './messages.ts'
import type { Attributes, Span } from './span.ts'

const KINDS = { internal: 1, server: 2 } as const
const ERROR = 2

/** How spans are written for a receiver. */
export type Encoding = {
  readonly type: string
  readonly encode: (document: ReturnType<typeof describeTraces>) => string | Uint8Array<ArrayBuffer>
}

/** By the names of `OTEL_EXPORTER_OTLP_PROTOCOL`. */
export const ENCODINGS = {
  'http/protobuf': {
    type: 'application/x-protobuf',
    encode: (document) => new Uint8Array(ExportTraceServiceRequest.encode(document)),
  },
  'http/json': { type: 'application/json', encode: JSON.stringify },
} as const satisfies Readonly<Record<string, Encoding>>

/** An ExportTraceServiceRequest of OTLP. */
export const describeTraces = (spans: readonly Span[], resource: Attributes, version: string) => ({
  resourceSpans: [
    {
      resource: { attributes: keyValues(resource) },
      scopeSpans: [{ scope: { name: 'millwright', version }, spans: spans.map(spanJson(originMs())) }],
    },
  ],
})

/** When `performance.now()` was 0, by the clock as it goes now. */
const originMs = (): number => Date.now() - performance.now()

const spanJson = (origin: number) => (span: Span) => ({
  traceId: span.traceId,
  spanId: span.id,
  ...(span.state !== undefined && { traceState: span.state }),
  ...(span.parentId !== undefined && { parentSpanId: span.parentId }),
  name: span.name,
  kind: KINDS[span.kind],
  startTimeUnixNano: nanoseconds(origin, span.startedAt),
  endTimeUnixNano: nanoseconds(origin, span.endedAt),
  attributes: keyValues(
    span.failure === undefined ? span.attributes : { ...span.attributes, 'error.type': span.failure },
  ),
  ...(span.failure !== undefined && { status: { code: ERROR, message: span.failure } }),
})

/** A double holds a time of today to a quarter of a microsecond; its two parts hold it exactly. */
const nanoseconds = (origin: number, at: number): string =>
  String(BigInt(Math.round(origin * 1e3)) * 1000n + BigInt(Math.round(at * 1e6)))

const keyValues = (attributes: Attributes) =>
  Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }))

function anyValue(value: string | number | boolean) {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value }
}
