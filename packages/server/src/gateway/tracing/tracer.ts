import { randomFillSync } from 'node:crypto'
import type { Exchange } from '../exchange.ts'
import type { GatewayRoute } from '../route.ts'
import type { Sampler } from './sampler.ts'
import { Span, type SpanSink } from './span.ts'
import { readTraceContext } from './trace-context.ts'

export type Tracer = {
  /** The span of a request that came by a route; undefined when its trace is not sampled. */
  readonly open: (exchange: Exchange, route: Pick<GatewayRoute, 'path' | 'door'>) => Span | undefined
}

export type TracerOptions = { readonly sampler: Sampler; readonly add: (span: Span) => void }

export function createTracer({ sampler, add }: TracerOptions): Tracer {
  const nextId = createHexSource()
  const sink: SpanSink = { nextSpanId: () => nextId(8), add }
  return {
    open(exchange, { path, door }) {
      const parent = readTraceContext(exchange)
      const traceId = parent?.traceId ?? nextId(16)
      if (!sampler(parent, traceId)) return undefined
      const isRpc = door === 'grpc'
      const start = {
        name: isRpc ? path.slice(1) : `${exchange.method} ${path}`,
        kind: 'server' as const,
        parentId: parent?.spanId,
        startedAt: exchange.startedAt,
      }
      const span = new Span(sink, { traceId, state: parent?.state }, start)
      const { attributes } = span
      if (isRpc) {
        const [, service = '', method = ''] = path.split('/')
        Object.assign(attributes, { 'rpc.system': 'grpc', 'rpc.service': service, 'rpc.method': method })
      } else {
        attributes['http.request.method'] = exchange.method
        attributes['http.route'] = path
      }
      attributes['millwright.door'] = door
      attributes['millwright.request_id'] = exchange.id
      return span
    },
  }
}

/** What anyone may ask is whether the server lives, and machines ask it every few seconds; nobody looks for that. */
const isUntraced = ({ permission, door }: GatewayRoute): boolean =>
  permission === 'public' || door === 'metrics'

/** The same routes, where each request that is let in has its span. Without a tracer they are as they were. */
export const traced = <R extends GatewayRoute>(tracer: Tracer | undefined, routes: readonly R[]): R[] =>
  routes.map((route) =>
    tracer === undefined || isUntraced(route)
      ? route
      : {
          ...route,
          answer(exchange, params) {
            exchange.span = tracer.open(exchange, route)
            route.answer(exchange, params)
          },
        },
  )

/** Random bytes as hexadecimal digits, drawn from the operating system a page at a time. */
function createHexSource(): (bytes: number) => string {
  const pool = Buffer.alloc(4096)
  let at = pool.length
  return (bytes) => {
    if (at + bytes > pool.length) {
      randomFillSync(pool)
      at = 0
    }
    at += bytes
    return pool.toString('hex', at - bytes, at)
  }
}
