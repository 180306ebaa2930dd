import { isIP } from 'node:net'
import { isPublicAddress } from './public-address.ts'

/** Where something is posted to. */
export type Receiver = {
  readonly url: URL
  /** Its host was allowed by name: it may be inside, and plain HTTP. */
  readonly isListed: boolean
}

/** `hooks.example.com, 10.0.0.7:9000`: hosts, with ports where they are not usual. */
export const parseHosts = (text: string): string[] =>
  text
    .split(',')
    .map((host) => host.trim().toLowerCase())
    .filter((host) => host !== '')

/**
 * @param hosts those allowed by name; any other must be asked by HTTPS and be no address of an inner network. What its name
 *   resolves to is looked at when it is connected to.
 * @returns undefined: nothing is posted there
 */
export function receiverOf(text: string, hosts: readonly string[]): Receiver | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || url.username !== '' || url.password !== '') return undefined
  const isListed = hosts.includes(url.host)
  if (isListed) return url.protocol === 'https:' || url.protocol === 'http:' ? { url, isListed } : undefined
  const name = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (url.protocol !== 'https:' || (isIP(name) !== 0 && !isPublicAddress(name))) return undefined
  return { url, isListed }
}
