import { MillwrightError } from '@millwright/contracts/errors'
import type { Exchange } from '../../exchange.ts'
import type { Header } from '../../row-forms/csv.ts'

/** How the rows of an invocation are written. */
export type Media = { readonly form: 'json' } | { readonly form: 'csv'; readonly header: Header | undefined }

/** `curl -d` says the last of them around JSON, and some clients say nothing. */
const JSON_TYPES = /^(?:application\/(?:[a-z0-9.-]+\+)?json|application\/x-www-form-urlencoded|)$/
const SUPPORTED = 'content-type application/json or text/csv in UTF-8, without other parameters'
const UTF8 = [undefined, 'utf-8', 'utf8']
const HEADERS = [undefined, 'present', 'absent']

/**
 * What the content type says; names are not case-sensitive (RFC 9110), and CSV may say if it has a header (RFC 4180).
 * @throws MillwrightError UNSUPPORTED_MEDIA_TYPE
 */
export function readMedia(exchange: Exchange): Media {
  const given = exchange.header('content-type') ?? ''
  const [type = '', ...parts] = given
    .toLowerCase()
    .split(';')
    .map((part) => part.trim())
  const parameters = parts.filter((part) => part !== '').map(parseParameter)
  const { charset, header, ...others } = Object.fromEntries(parameters)
  const isKnown = Object.keys(others).length === 0 && UTF8.includes(charset)
  if (isKnown && header === undefined && JSON_TYPES.test(type)) return { form: 'json' }
  if (isKnown && HEADERS.includes(header) && type === 'text/csv')
    return { form: 'csv', header: header as Header | undefined }
  throw new MillwrightError('UNSUPPORTED_MEDIA_TYPE', {
    expected: SUPPORTED,
    got: given.slice(0, 64),
  })
}

function parseParameter(text: string): [name: string, value: string] {
  const [name = '', ...value] = text.split('=')
  return [
    name.trim(),
    value
      .join('=')
      .trim()
      .replace(/^"(.*)"$/, '$1'),
  ]
}

/** What the caller wants to read: CSV, JSON, or, undefined, whatever is usual. */
export function readAccept(exchange: Exchange): Media['form'] | undefined {
  const [, first = '*/*'] = /^\s*([^,;\s]+)/.exec(exchange.header('accept') ?? '') ?? []
  if (first === '*/*') return undefined
  return first.toLowerCase() === 'text/csv' ? 'csv' : 'json'
}
