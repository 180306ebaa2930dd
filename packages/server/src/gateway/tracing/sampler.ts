import type { Config } from '../../config.ts'
import type { TraceContext } from './trace-context.ts'

/** Whether a trace is recorded. */
export type Sampler = (parent: TraceContext | undefined, traceId: string) => boolean

/** The last 13 digits of an id are an integer below 2^52: all services draw the same lot for a trace. */
const DIGITS = 13

/** @param ratio share of new traces, in [0, 1] */
export function createSampler(name: Config['OTEL_TRACES_SAMPLER'], ratio: number): Sampler {
  const share = name.endsWith('traceidratio') ? ratio : name.endsWith('always_on') ? 1 : 0
  const bound = share * 16 ** DIGITS
  const draw: Sampler = (_parent, traceId) => Number.parseInt(traceId.slice(-DIGITS), 16) < bound
  if (!name.startsWith('parentbased_')) return draw
  return (parent, traceId) => parent?.isSampled ?? draw(parent, traceId)
}
