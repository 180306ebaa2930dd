import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ExportTraceServiceRequest } from '../src/gateway/tracing/messages.ts'

type AnyValue = {
  readonly stringValue?: string
  readonly intValue?: string
  readonly doubleValue?: number
  readonly boolValue?: boolean
}
type KeyValue = { readonly key: string; readonly value: AnyValue }
type WireSpan = {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly traceState?: string
  readonly name: string
  readonly kind: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: readonly KeyValue[]
  readonly status?: { readonly code: number; readonly message: string }
}
type ExportRequest = {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] }
    readonly scopeSpans: readonly { readonly spans: readonly WireSpan[] }[]
  }[]
}
export type ReceivedSpan = Omit<WireSpan, 'attributes'> & {
  readonly attributes: Readonly<Record<string, unknown>>
  readonly resource: Readonly<Record<string, unknown>>
}

const nativeOf = ({ stringValue, intValue, doubleValue, boolValue }: AnyValue): unknown =>
  stringValue ?? doubleValue ?? boolValue ?? Number(intValue)
const objectOf = (pairs: readonly KeyValue[]) =>
  Object.fromEntries(pairs.map(({ key, value }) => [key, nativeOf(value)]))

const spansOf = ({ resourceSpans }: ExportRequest): ReceivedSpan[] =>
  resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        ...span,
        attributes: objectOf(span.attributes),
        resource: objectOf(resource.attributes),
      })),
    ),
  )

/** As the `content-type` says. */
const decode = (type: string | undefined, body: Buffer): ExportRequest =>
  (type === 'application/json'
    ? JSON.parse(body.toString())
    : ExportTraceServiceRequest.decode(body)) as ExportRequest

/** A receiver of OTLP over HTTP. `statuses`: how it answers its first requests; then with 200. */
export async function openOtlpReceiver(statuses: readonly number[] = []) {
  const left = [...statuses]
  const requests: { path: string; headers: IncomingHttpHeaders; spans: ReceivedSpan[] }[] = []
  const server = createServer((incoming, answer) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      const status = left.shift() ?? 200
      const spans = spansOf(decode(incoming.headers['content-type'], Buffer.concat(chunks)))
      requests.push({
        path: incoming.url ?? '',
        headers: incoming.headers,
        spans: status === 200 ? spans : [],
      })
      answer.writeHead(status, { 'content-type': 'application/json', 'retry-after': '0' }).end('{}')
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    /** Of all that was taken, as they began. */
    spans: (): ReceivedSpan[] =>
      requests
        .flatMap(({ spans }) => spans)
        .toSorted((a, b) => Number(BigInt(a.startTimeUnixNano) - BigInt(b.startTimeUnixNano))),
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
