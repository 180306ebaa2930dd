import { MillwrightError } from '@millwright/contracts'

const READS = new Set(['GET', 'HEAD', 'OPTIONS'])
const LOOPBACK = /^(?:localhost|.+\.localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

export const isLoopback = (host: string): boolean => LOOPBACK.test(host) || host === '::1'

type Asked = {
  readonly method: string
  readonly headers: { readonly origin?: string | undefined; readonly host?: string | undefined }
}

/**
 * Requests that change something are not taken from pages of other origins, nor, when only this machine is listened
 * to, under a name that merely resolves to it (DNS rebinding).
 * @throws MillwrightError FOREIGN_ORIGIN
 */
export function assertOwnOrigin({ method, headers }: Asked, boundToLoopback: boolean): void {
  if (READS.has(method)) return
  const { origin, host = '' } = headers
  if (origin !== undefined && hostOf(origin) !== host.toLowerCase())
    throw new MillwrightError('FOREIGN_ORIGIN', { origin })
  const name = host.replace(/:\d+$/, '').toLowerCase()
  if (boundToLoopback && !isLoopback(name)) throw new MillwrightError('FOREIGN_ORIGIN', { origin: host })
}

/** `null`, which sandboxed pages send, is nobody's origin. */
const hostOf = (origin: string): string | undefined =>
  URL.canParse(origin) ? new URL(origin).host : undefined
