import { hash, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'

/**
 * The text of an API key: a prefix that names its kind, 30 random characters (178 bits), and 6 of their CRC-32, so that
 * a mistyped one is known without looking it up and a scanner knows one from a random word: `mw[psd]_[0-9A-Za-z]{36}`.
 */
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const RANDOM_CHARACTERS = 30
const CHECK_CHARACTERS = 6
const SECRET = /^mw[psd]_[0-9A-Za-z]{36}$/

export function createSecret(prefix: string): string {
  const text = prefix + randomText(RANDOM_CHARACTERS)
  return text + checksumOf(text)
}

/** Evenly distributed letters and digits. */
export function randomText(characters: number): string {
  let text = ''
  while (text.length < characters)
    // Bytes beyond the last whole alphabet would favour its first characters.
    for (const byte of randomBytes(characters))
      if (byte < 4 * ALPHABET.length && text.length < characters) text += ALPHABET[byte % ALPHABET.length]
  return text
}

/** Whether a text has the form of a key, its checksum included. Says nothing of any key there is. */
export const isSecret = (text: string): boolean =>
  SECRET.test(text) && checksumOf(text.slice(0, -CHECK_CHARACTERS)) === text.slice(-CHECK_CHARACTERS)

/** What is kept of a secret. Its 178 random bits need neither salt nor a slow hash. */
export const hashOf = (secret: string): string => hash('sha256', secret)

function checksumOf(text: string): string {
  let rest = crc32(text)
  let digits = ''
  for (let i = 0; i < CHECK_CHARACTERS; i++) {
    digits = ALPHABET[rest % ALPHABET.length] + digits
    rest = Math.floor(rest / ALPHABET.length)
  }
  return digits
}
