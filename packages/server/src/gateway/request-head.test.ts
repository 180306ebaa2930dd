import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseHead } from './request-head.ts'

const LINES = [
  'POST /predict?x=1 HTTP/1.1',
  'Host: a',
  'Content-Type:\tapplication/json ',
  'Content-Length: 17',
]
const headOf = (...lines: readonly string[]): string => lines.join('\r\n')
const FIELDS = [
  ['host', 'a'],
  ['content-type', 'application/json'],
  ['content-length', '17'],
] as const
const PLAIN = { url: '/predict?x=1', bodyBytes: 17, fields: new Map(FIELDS), requestId: undefined }

test('a plain POST is read', () => {
  expect(parseHead(headOf(...LINES))).toEqual(PLAIN)
  expect(parseHead(headOf(...LINES, 'request-id: r-1', 'CONNECTION: Keep-Alive', 'x-y:'))).toEqual({
    ...PLAIN,
    fields: new Map<string, string>([
      ...FIELDS,
      ['request-id', 'r-1'],
      ['connection', 'Keep-Alive'],
      ['x-y', ''],
    ]),
    requestId: 'r-1',
  })
})

test.each([
  ['another method', LINES.with(0, 'PUT /predict HTTP/1.1')],
  ['an older protocol', LINES.with(0, 'POST /predict HTTP/1.0')],
  ['a whole address', LINES.with(0, 'POST http://a/predict HTTP/1.1')],
  ['two spaces', LINES.with(0, 'POST  /predict HTTP/1.1')],
  ['a control character in the address', LINES.with(0, 'POST /pre\u0001dict HTTP/1.1')],
  ['no host', LINES.toSpliced(1, 1)],
  ['no length', LINES.toSpliced(3, 1)],
  ['two lengths', [...LINES, 'content-length: 17']],
  ['a signed length', LINES.with(3, 'Content-Length: +17')],
  ['a hexadecimal length', LINES.with(3, 'Content-Length: 0x11')],
  ['a list of lengths', LINES.with(3, 'Content-Length: 17, 17')],
  ['a huge length', LINES.with(3, 'Content-Length: 99999999999')],
  ['two hosts', [...LINES, 'host: b']],
  ['chunks', [...LINES, 'Transfer-Encoding: chunked']],
  ['a question before the body', [...LINES, 'Expect: 100-continue']],
  ['a coded body', [...LINES, 'Content-Encoding: gzip']],
  ['another protocol', [...LINES, 'Upgrade: h2c']],
  ['a connection that ends', [...LINES, 'Connection: close']],
  ['a field without a name', [...LINES, ': x']],
  ['a name with a space', [...LINES, 'X Y: z']],
  ['a space before the colon', [...LINES, 'Transfer-Encoding : chunked']],
  ['a line without a colon', [...LINES, 'nonsense']],
  ['a folded line', [...LINES, ' folded']],
  ['a bare line feed', [...LINES, 'X: a\nTransfer-Encoding: chunked']],
  ['a bare carriage return', [...LINES, 'X: a\rY: b']],
  ['a zero byte', [...LINES, 'X: a\u0000']],
  ['a character beyond ASCII', [...LINES, 'X: \u00e9']],
  ['no lines', LINES.slice(0, 1)],
])('%s is left to node:http', (_, lines) => {
  expect(parseHead(headOf(...lines))).toBeUndefined()
})

test('no text takes long or throws', () => {
  const noise = fc.array(fc.constantFrom(...LINES, ' ', '\t', ':', '\r\n', 'a', '\u0000'), { maxLength: 400 })

  fc.assert(
    fc.property(noise, (parts) => [undefined, 'object'].includes(parseHead(parts.join('')) && 'object')),
  )
  parseHead(headOf(LINES[0]!, `X:${' '.repeat(2000)}`, `Y${'\t'.repeat(100_000)}`))
})
