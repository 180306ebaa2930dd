import { MillwrightError } from '@millwright/contracts/errors'

/**
 * The sha256 a sender promises, in hex: `Digest: sha-256=…` (RFC 3230, base64; hex is taken too), or `Content-Digest:
 * sha-256=:…:` (RFC 9530).
 * Other algorithms are not looked at. @throws MillwrightError VALIDATION_FAILED
 */
export function parseDigestHeader(header: string | string[] | undefined): string | undefined {
  const values = [header ?? []].flat().flatMap((line) => line.split(','))
  const value = values
    .map((part) => /^\s*sha-256=:?(.*?):?\s*$/i.exec(part)?.[1])
    .find((part) => part !== undefined)
  if (value === undefined) return undefined
  if (/^[0-9a-f]{64}$/i.test(value)) return value.toLowerCase()
  const bytes = Buffer.from(value, 'base64')
  if (bytes.length === 32) return bytes.toString('hex')
  const message = 'expected Digest: sha-256=, then 32 bytes in base64 or hex'
  throw new MillwrightError(
    'VALIDATION_FAILED',
    { count: 1 },
    { fields: [{ pointer: '/header/digest', code: 'format', message }] },
  )
}
