import { isIP } from 'node:net'
import { MillwrightError } from '@millwright/contracts/errors'
import type { Asker } from './credential.ts'

/** Which names the server answers to. */
export type AccessPolicy = {
  /** Only this machine is listened to. */
  readonly boundToLoopback: boolean
  readonly loginRequired: boolean
  /** Names besides its own, in small letters. */
  readonly allowedHosts: readonly string[]
}

const LOOPBACK = /^(?:localhost|.+\.localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)$/
const READS = new Set(['GET', 'HEAD', 'OPTIONS'])

export const isLoopback = (host: string): boolean => LOOPBACK.test(host)

/**
 * Requests are not taken under a name that somebody else may have made to resolve here (DNS rebinding), nor from pages of
 * other sites. A page that a link leads to may be opened from anywhere.
 * @throws MillwrightError HOST_NOT_ALLOWED, FOREIGN_ORIGIN
 */
export function assertOwnOrigin(method: string, asker: Asker, policy: AccessPolicy): void {
  const host = asker.header('host')?.toLowerCase()
  // HTTP/1.0 has none; a browser always sends one.
  if (host !== undefined && !isOwnHost(nameOf(host), policy))
    throw new MillwrightError('HOST_NOT_ALLOWED', { host: host.slice(0, 256) })
  const origin = asker.header('origin')
  if (origin !== undefined && !READS.has(method) && !isOwnPage(origin, host, policy))
    throw new MillwrightError('FOREIGN_ORIGIN', { origin: origin.slice(0, 256) })
  if (asker.header('sec-fetch-site') === 'cross-site' && asker.header('sec-fetch-mode') !== 'navigate')
    throw new MillwrightError('FOREIGN_ORIGIN', { origin: origin?.slice(0, 256) ?? 'another site' })
}

/** An address in numbers cannot be made to resolve elsewhere; where a key is asked for, a name is of no use without it. */
function isOwnHost(name: string, { boundToLoopback, loginRequired, allowedHosts }: AccessPolicy): boolean {
  if (isLoopback(name) || allowedHosts.includes(name)) return true
  if (boundToLoopback) return false
  return isIP(name.replace(/^\[|\]$/g, '')) !== 0 || (loginRequired && allowedHosts.length === 0)
}

/** `null`, which sandboxed pages send, is nobody's page. */
function isOwnPage(origin: string, host: string | undefined, { allowedHosts }: AccessPolicy): boolean {
  if (!URL.canParse(origin)) return false
  const page = new URL(origin)
  return page.host !== '' && (page.host === host || allowedHosts.includes(page.hostname))
}

const nameOf = (host: string): string => host.replace(/:\d*$/, '')
