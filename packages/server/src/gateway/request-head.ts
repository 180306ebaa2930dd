import { isRequestId } from './exchange.ts'

/** What the fast path knows of a request before its body. */
export type RequestHead = {
  /** As asked, with the query. */
  readonly url: string
  readonly bodyBytes: number
  /** By names in small letters. */
  readonly fields: ReadonlyMap<string, string>
  /** The caller's, if it is one. */
  readonly requestId: string | undefined
}

/** RFC 9112, sections 3 and 5, of which only what cannot be read in two ways: no folding, no bare line ends, ASCII. */
const HEAD = /^POST (\/[!-~]*) HTTP\/1\.1((?:\r\n[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~]*)+)$/
/** Change how a body is framed or coded, or ask for more than an answer. */
const LEFT_TO_NODE = new Set(['content-encoding', 'expect', 'te', 'trailer', 'transfer-encoding', 'upgrade'])
const LENGTH = /^[0-9]{1,6}$/

/**
 * Reads the head of a plain POST, without the empty line that ends it.
 * @returns undefined for everything that is not as plain as can be; node:http knows what to make of it
 */
export function parseHead(text: string): RequestHead | undefined {
  const [, url, lines] = HEAD.exec(text) ?? []
  if (url === undefined || lines === undefined) return undefined
  const fields = new Map<string, string>()
  for (const line of lines.slice(2).split('\r\n')) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    if (fields.has(name) || LEFT_TO_NODE.has(name)) return undefined
    fields.set(name, line.slice(colon + 1).trim())
  }
  const length = fields.get('content-length')
  const staysOpen = (fields.get('connection') ?? 'keep-alive').toLowerCase() === 'keep-alive'
  if (!fields.has('host') || !staysOpen || length === undefined || !LENGTH.test(length)) return undefined
  const requestId = fields.get('request-id')
  return {
    url,
    bodyBytes: Number(length),
    fields,
    requestId: isRequestId(requestId) ? requestId : undefined,
  }
}
