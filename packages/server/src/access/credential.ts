import { isSecret } from './secret.ts'

/** A request, as far as who sends it is asked: its headers, by their names in small letters. */
export type Asker = {
  header(name: string): string | undefined
  /** Where the request comes from, where that is known. */
  readonly address?: string | undefined
}

/** The texts in which a key may have been sent. */
export const sentIn = (asker: Asker): string[] =>
  [asker.header('authorization'), asker.header('x-api-key')].filter((sent) => sent !== undefined)

const SCHEME = /^(bearer|basic) +([!-~]+)$/i

/**
 * The key in a header: `Authorization: Bearer KEY`, the password of `Authorization: Basic …` for programs that know only
 * that, or `X-Api-Key: KEY`. Undefined for what has not the form of a key.
 */
export function readSecret(sent: string): string | undefined {
  const [, scheme, value] = SCHEME.exec(sent.trim()) ?? []
  const text =
    scheme === undefined ? sent.trim() : scheme.toLowerCase() === 'basic' ? passwordOf(value!) : value!
  return isSecret(text) ? text : undefined
}

/** `user:password` in Base64 (RFC 7617). */
function passwordOf(encoded: string): string {
  const text = Buffer.from(encoded, 'base64').toString('latin1')
  return text.slice(text.indexOf(':') + 1)
}
