import { gunzip, inflate } from 'node:zlib'
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

/** Hands over what a body was before it was compressed, of at most `limitBytes`; works off the event loop. */
export function uncompress(encoding: string, body: Buffer, limitBytes: number, done: BodyDone): void {
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
