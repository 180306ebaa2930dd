import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/** Where things lie in the data folder. The one place that knows. */
export type DataLayout = {
  readonly root: string
  readonly database: string
  readonly blobs: string
  /** Half-received uploads; emptied at start. */
  readonly incoming: string
  /** Parts of uploads under way: one folder per upload. */
  readonly parts: string
  /** What addresses that this server gives out are signed with, and secrets of webhooks are kept with. */
  readonly signingKey: string
  readonly routing: string
  /** Segments gateways write: one folder per gateway slot. */
  readonly segments: string
  /** Parquet files: deployment=…/date=…/hour=…/ */
  readonly predictions: string
  /** Requests to be answered later, and their answers. */
  readonly jobs: string
  /** Held by the running supervisor. */
  readonly lock: string
  /** Sockets: control's API, control's internal channel, small requests relayed to it, one per gateway for its metrics. */
  readonly controlSocket: string
  readonly internalSocket: string
  readonly relaySocket: string
  readonly gatewaySocket: (slot: number) => string
}

/** Longest path of a unix socket that every platform takes, in bytes. */
const SOCKET_PATH_LIMIT = 100

export function layoutOf(dataFolder: string): DataLayout {
  const root = resolve(dataFolder)
  const sockets = socketFolder(root)
  return {
    root,
    database: join(root, 'millwright.db'),
    blobs: join(root, 'blobs'),
    incoming: join(root, 'incoming'),
    parts: join(root, 'parts'),
    signingKey: join(root, 'signing.key'),
    routing: join(root, 'routing.json'),
    segments: join(root, 'segments'),
    predictions: join(root, 'predictions'),
    jobs: join(root, 'jobs'),
    lock: join(root, 'lock'),
    controlSocket: join(sockets, 'control.sock'),
    internalSocket: join(sockets, 'internal.sock'),
    relaySocket: join(sockets, 'relay.sock'),
    gatewaySocket: (slot) => join(sockets, `gateway-${slot}.sock`),
  }
}

/** `run/` in the data folder, or a short private folder when that would be too long for a socket. */
function socketFolder(root: string): string {
  const inside = join(root, 'run')
  if (Buffer.byteLength(join(inside, 'gateway-9999.sock')) <= SOCKET_PATH_LIMIT) return inside
  const name = createHash('sha256').update(root).digest('hex').slice(0, 16)
  return join(tmpdir(), `millwright-${name}`)
}
