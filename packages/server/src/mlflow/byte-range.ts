/** Bytes [start, end). */
export type ByteRange = { readonly start: number; readonly end: number }

const SINGLE = /^bytes=(\d*)-(\d*)$/

/**
 * The part of `bytes` bytes that a Range header asks for (RFC 9110, 14.2). Undefined: all of them, which is the answer to
 * what is no single range, too. `unsatisfiable`: there are no such bytes.
 */
export function parseRange(
  header: string | undefined,
  bytes: number,
): ByteRange | 'unsatisfiable' | undefined {
  const [, first, last] = SINGLE.exec(header?.trim() ?? '') ?? []
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined
  if (first === '') {
    const suffix = Math.min(Number(last), bytes)
    return suffix === 0 ? 'unsatisfiable' : { start: bytes - suffix, end: bytes }
  }
  const start = Number(first)
  const end = last === '' ? bytes : Math.min(Number(last) + 1, bytes)
  if (last !== '' && Number(last) < start) return undefined
  return start >= bytes ? 'unsatisfiable' : { start, end }
}

/** `If-None-Match` names this tag, weakly or not, or any. */
export const namesTag = (header: string, tag: string): boolean =>
  header.split(',').some((one) => one.trim() === '*' || one.trim().replace(/^W\//, '') === tag)
