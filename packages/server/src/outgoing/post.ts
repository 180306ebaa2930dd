import { lookup } from 'node:dns'
import { request as plainRequest } from 'node:http'
import { request as secureRequest } from 'node:https'
import type { LookupFunction } from 'node:net'
import { isPublicAddress } from './public-address.ts'
import type { Receiver } from './receiver.ts'

/** Resolves names as `dns.lookup` does. */
type Resolve = typeof lookup

export type Post = {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
  readonly resolve?: Resolve
}

/** The code of the error for a name that resolves to an address which is not public. */
export const NOT_PUBLIC = 'ERR_NOT_PUBLIC'
/** The code for a receiver that did not answer in time. */
export const SILENT = 'ERR_SILENT'

/**
 * The addresses of a name, all of them public: the connection is made to one that was looked at, however the name resolves
 * a moment later.
 */
const publicLookup =
  (resolve: Resolve): LookupFunction =>
  (name, options, callback) =>
    resolve(name, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, [])
      if (!addresses.every(({ address }) => isPublicAddress(address)))
        return callback(failure(NOT_PUBLIC, `${name} is an address of an inner network`), [])
      const [first] = addresses
      return options.all ? callback(null, addresses) : callback(null, first!.address, first!.family)
    })

/**
 * Posts once, follows no redirect and reads nothing of the answer but its status.
 * @throws Error with a `code`: of the network, NOT_PUBLIC or SILENT
 */
export function post(
  { url, isListed }: Receiver,
  { headers, body, timeoutMs, signal, resolve }: Post,
): Promise<number> {
  const ask = url.protocol === 'https:' ? secureRequest : plainRequest
  return new Promise((taken, failed) => {
    const asked = ask(url, {
      method: 'POST',
      headers: { ...headers, 'content-length': Buffer.byteLength(body) },
      // A connection of its own: none that was made for another name, no proxy of the environment.
      agent: false,
      ...(signal && { signal }),
      ...(!isListed && { lookup: publicLookup(resolve ?? lookup) }),
    })
    const late = setTimeout(() => asked.destroy(failure(SILENT, 'no answer in time')), timeoutMs)
    asked.on('response', (answer) => {
      taken(answer.statusCode!)
      asked.destroy()
    })
    asked.on('error', failed)
    asked.on('close', () => clearTimeout(late))
    asked.end(body)
  })
}

const failure = (code: string, message: string): NodeJS.ErrnoException =>
  Object.assign(new Error(message), { code })
