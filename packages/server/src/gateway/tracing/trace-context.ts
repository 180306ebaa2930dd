import type { Exchange } from '../exchange.ts'

/** What a caller says of the trace that his request is a part of (W3C Trace Context). */
export type TraceContext = {
  /** 32 hexadecimal digits. */
  readonly traceId: string
  /** The caller's span: 16 hexadecimal digits. */
  readonly spanId: string
  readonly isSampled: boolean
  /** `tracestate`, handed on as it came. */
  readonly state: string | undefined
}

/** Version, trace, span, flags; later versions may add to them. */
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const NO_ID = /^0+$/
const SAMPLED = 1
/** What of a `tracestate` is handed on; a longer one is not. */
const STATE = /^[\x20-\x7e]{1,512}$/

/** undefined: the caller says nothing, or nothing that can be read; then a new trace begins. */
export function readTraceContext(exchange: Pick<Exchange, 'header'>): TraceContext | undefined {
  const given = exchange.header('traceparent')
  if (given === undefined) return undefined
  const [, version, traceId, spanId, flags, more] = TRACEPARENT.exec(given) ?? []
  if (traceId === undefined || spanId === undefined || version === 'ff') return undefined
  if ((version === '00' && more !== undefined) || NO_ID.test(traceId) || NO_ID.test(spanId)) return undefined
  const state = exchange.header('tracestate')
  return {
    traceId,
    spanId,
    isSampled: (Number.parseInt(flags!, 16) & SAMPLED) === SAMPLED,
    state: state !== undefined && STATE.test(state) ? state : undefined,
  }
}

/** The same, handed on to whom we call. */
export function headersOf({ traceId, spanId, isSampled, state }: TraceContext): Record<string, string> {
  const traceparent = `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`
  return state === undefined ? { traceparent } : { traceparent, tracestate: state }
}
