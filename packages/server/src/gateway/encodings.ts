import { constants, deflate, gunzip, gzip, inflate } from 'node:zlib'
import { MillwrightError } from '@millwright/contracts/errors'
import type { BodyDone } from './exchange.ts'

/** gzip (RFC 1952), and the zlib form of deflate (RFC 1950). */
const INFLATE = new Map([
  ['gzip', gunzip],
  ['deflate', inflate],
])

/** The compression a `content-encoding` names; undefined: none. */
export function readEncoding(header: string | undefined): string | undefined {
  const encoding = header?.trim().toLowerCase()
  return encoding === '' || encoding === 'identity' ? undefined : encoding
}

/** Small bodies may unpack to this, whatever their ratio: rows that are all alike are no bomb. */
const ALWAYS_BYTES = 1 << 20

type Inflation = { readonly inflatedBytes: number; readonly inflation: number }

/** Hands over what a body was before it was compressed, as far as that is allowed; works off the event loop. */
export function uncompress(
  encoding: string,
  body: Buffer,
  { inflatedBytes, inflation }: Inflation,
  done: BodyDone,
): void {
  const limitBytes = Math.min(inflatedBytes, Math.max(ALWAYS_BYTES, inflation * body.length))
  const decode = INFLATE.get(encoding)
  if (decode === undefined) {
    const params = { expected: 'content-encoding gzip, deflate or none', got: encoding.slice(0, 64) }
    done(new MillwrightError('UNSUPPORTED_MEDIA_TYPE', params), body)
    return
  }
  decode(body, { maxOutputLength: limitBytes }, (error, plain) => {
    if (error === null) done(undefined, plain)
    else if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      done(new MillwrightError('BODY_TOO_LARGE', { limitBytes }), body)
    else done(new MillwrightError('INVALID_ENCODING', { encoding }), body)
  })
}

const COMPRESS = { gzip, deflate }
type Encoding = keyof typeof COMPRESS

/** A shorter answer is sent sooner as it is: compressing takes longer than its bytes do. */
export const COMPRESSED_BYTES = 16 << 10

/**
 * The compression that an `accept-encoding` likes best of those there are (RFC 9110, 12.5.3); gzip when it likes both.
 * `identity` counts when it is liked better than either.
 */
export function chooseEncoding(header: string | undefined): Encoding | undefined {
  if (header === undefined) return undefined
  const weights = new Map(header.toLowerCase().split(',').map(parseWeight))
  const weightOf = (name: string, fallback: number): number => weights.get(name) ?? fallback
  const any = weightOf('*', 0)
  const [gzipped, deflated] = [weightOf('gzip', any), weightOf('deflate', any)]
  const best = Math.max(gzipped, deflated)
  if (best === 0 || best < weightOf('identity', 0)) return undefined
  return gzipped === best ? 'gzip' : 'deflate'
}

function parseWeight(text: string): [name: string, weight: number] {
  const [name = '', ...parameters] = text.split(';').map((part) => part.trim())
  const given = parameters.find((part) => part.startsWith('q='))
  const weight = given === undefined ? 1 : Number(given.slice(2))
  return [name, weight >= 0 && weight <= 1 ? weight : 0]
}

/** Hands over a body compressed, or nothing when that fails; works off the event loop. */
export function compress(
  encoding: Encoding,
  body: string | Uint8Array,
  done: (compressed: Buffer | undefined) => void,
): void {
  COMPRESS[encoding](body, { level: constants.Z_BEST_SPEED }, (error, compressed) =>
    done(error === null ? compressed : undefined),
  )
}
