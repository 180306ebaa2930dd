import { createHmac, timingSafeEqual } from 'node:crypto'
import { MlflowError } from '../tracking/errors.ts'

/** Signs addresses, so that whoever has one may do what it says until it expires, and nothing else. */
export type Signer = {
  /** The query of an address. @param what it allows @param expiresAt in seconds since 1970 */
  readonly sign: (what: string, expiresAt: number) => string
  /** @throws MlflowError PERMISSION_DENIED when the query was not made for this, or is too old */
  readonly assertSigned: (what: string, query: URLSearchParams) => void
}

/** @param key of the data folder, so addresses outlive the process */
export function createSigner(key: Buffer, now: () => number): Signer {
  const signatureOf = (what: string, expires: string): Buffer =>
    createHmac('sha256', key).update(`${expires}\n${what}`).digest()

  return {
    sign: (what, expiresAt) =>
      `expires=${expiresAt}&signature=${signatureOf(what, String(expiresAt)).toString('base64url')}`,
    assertSigned(what, query) {
      const expires = query.get('expires') ?? ''
      const given = Buffer.from(query.get('signature') ?? '', 'base64url')
      const expected = signatureOf(what, expires)
      if (given.length !== expected.length || !timingSafeEqual(given, expected))
        throw denied('The signature in this address is not for what it asks; ask for a new address')
      if (Number(expires) * 1000 <= now()) throw denied('This address has expired; ask for a new one')
    },
  }
}

const denied = (message: string): MlflowError => new MlflowError('PERMISSION_DENIED', message)
