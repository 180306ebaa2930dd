import { MillwrightError } from '@millwright/contracts/errors'
import type { DoorDeps } from './door.ts'
import type { Exchange } from './exchange.ts'
import type { Served } from './served.ts'

/** @throws MillwrightError TOO_MANY_ROWS */
export function assertRows(rows: number, limit: number): void {
  if (rows > limit) throw new MillwrightError('TOO_MANY_ROWS', { rows, limit })
}

/** The deployment's own limit, below the server's. @throws MillwrightError BODY_TOO_LARGE */
export function assertBodyBytes(body: Buffer, { routed }: Served): void {
  const limitBytes = routed.limits?.bodyBytes
  if (limitBytes !== undefined && body.length > limitBytes)
    throw new MillwrightError('BODY_TOO_LARGE', { limitBytes })
}

/** @throws MillwrightError TOO_MANY_REQUESTS */
export function assertConcurrency({ routed, usage }: Served): void {
  const limit = routed.limits?.concurrency
  if (limit !== undefined && usage.inFlight >= limit)
    throw new MillwrightError('TOO_MANY_REQUESTS', { name: routed.name, limit })
}

/** Counts a request of its key for the deployment. @throws MillwrightError RATE_LIMITED */
export function assertRate(
  { rates, table }: Pick<DoorDeps, 'rates' | 'table'>,
  { routed }: Served,
  exchange: Exchange,
): void {
  const rate = routed.limits?.ratePerKey
  if (rate !== undefined && !exchange.isJob)
    rates.take(routed.name, table().keys.find(exchange)?.id ?? '', rate)
}

const JSON_TYPE = /^application\/(?:[a-z0-9!#$&^_.+-]+\+)?json[ \t]*(?:;|$)/i

/** @throws MillwrightError UNSUPPORTED_MEDIA_TYPE unless the body is said to be JSON */
export function assertJsonType(exchange: Exchange): void {
  const mediaType = exchange.header('content-type')
  if (mediaType === 'application/json') return
  if (mediaType === undefined) throw unsupported('content-type application/json', 'none')
  if (!JSON_TYPE.test(mediaType)) throw unsupported('content-type application/json', mediaType)
}

const unsupported = (expected: string, got: string): MillwrightError =>
  new MillwrightError('UNSUPPORTED_MEDIA_TYPE', { expected, got: got.slice(0, 64) })
