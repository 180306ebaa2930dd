import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  decodeLikePython,
  decodeUtf8,
  parseJson,
  parseJsonWithNaN,
  parseKeepingNumbers,
} from './json-body.ts'
import { describeJsonFault } from './json-fault.ts'

test('the place of a fault is found wherever JSON.parse finds one, and nowhere else', () => {
  const pieces = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '"',
    '1',
    '-',
    '01',
    'true',
    'nul',
    ' ',
    '\\',
    '\u0001',
    '1e',
    '.5',
  )
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
      const text = parts.join('')
      let isJson = true
      try {
        JSON.parse(text)
      } catch {
        isJson = false
      }
      const found = describeJsonFault(text)
      expect(found.startsWith('expected') || found === 'it is empty').toBe(!isJson)
    }),
    { numRuns: 2000 },
  )
})

test('a fault is placed, not quoted', () => {
  const text = '{\n  "iban": "DE89 3704",\n  "age": 4x5\n}'

  expect(() => parseJson(text, 64)).toThrowErrorMatchingInlineSnapshot(
    `[MillwrightError: the body is not JSON: expected "," or "}" at position 35 (line 3, column 11)]`,
  )
})

describe('nesting', () => {
  const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`

  test('is taken to 64 levels, not to 65', () => {
    expect(() => parseJson(nested(64), 64)).not.toThrow()
    expect(() => parseJson(nested(65), 64)).toThrow(/nested deeper than 64 levels at position 64/)
  })

  test('is not counted inside strings', () => {
    const text = JSON.stringify([`${'['.repeat(500)}\\"${'{'.repeat(500)}`, 'x\\'])

    expect(parseJson(text, 64)).toEqual(JSON.parse(text))
  })

  test('costs no stack, however deep', () => {
    expect(() => parseJson('['.repeat(1_000_000), 64)).toThrow(/nested deeper/)
  })
})

test('numbers can be kept as they were spelt', () => {
  expect(parseKeepingNumbers('{"a":[1.50,12345678901234567890],"b":"1"}')).toMatchInlineSnapshot(`
    {
      "a": [
        NumberLiteral {
          "source": "1.50",
        },
        NumberLiteral {
          "source": "12345678901234567890",
        },
      ],
      "b": "1",
    }
  `)
})

describe('bytes', () => {
  const text = '{"a":"é"}'

  test.each([
    ['UTF-8', Buffer.from(text)],
    ['UTF-8 with a mark', Buffer.from(`\ufeff${text}`)],
    ['UTF-16 with a mark', Buffer.from(`\ufeff${text}`, 'utf16le')],
    ['UTF-16 without', Buffer.from(text, 'utf16le')],
    ['UTF-16 the other way round', Buffer.from(text, 'utf16le').swap16()],
  ])('of %s are read as Python reads them', (_name, bytes) => {
    expect(decodeLikePython(bytes)).toBe(text)
  })

  test('that are not UTF-8 are refused', () => {
    expect(() => decodeUtf8(Buffer.from([0x22, 0xff, 0x22]))).toThrow(/not UTF-8/)
  })
})

describe('tokens of Python', () => {
  test.each([
    ['[NaN, -Infinity, Infinity]', [null, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]],
    ['["NaN", NaN, "a \\" NaN \\\\", NaN]', ['NaN', null, 'a " NaN \\', null]],
    ['{"NaN": NaN}', { NaN: null }],
  ])('%s', (text, value) => {
    expect(parseJsonWithNaN(text, 64)).toEqual(value)
  })

  test.each(['[NaNs]', '[-NaN]', '["NaN]', 'NaN NaN'])('%s is refused', (text) => {
    expect(() => parseJsonWithNaN(text, 64)).toThrow('the body is not JSON')
  })

  // Looked through anew from each quote, it would take hours.
  test('a string of a million quotes that does not end is refused', () => {
    expect(() => parseJsonWithNaN(`["${'\\"'.repeat(1_000_000)}`, 64)).toThrow('the body is not JSON')
  })
})
