import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RowError } from '../errors.ts'
import { type AnalyserAttrs, buildAnalyser } from './analyser.ts'
import { ACCENTS } from './characters.ts'
import { hashColumn, murmur } from './murmur.ts'
import { compilePattern } from './pattern.ts'
import { buildScanner } from './scanner.ts'
import { ENGLISH_STOP_WORDS } from './stop-words.ts'

type Options = {
  readonly ngram_range?: [number, number]
  readonly stop_words?: 'english' | string[]
  readonly analyzer?: string
  readonly lowercase?: boolean
  readonly strip_accents?: string
}
type Oracle = {
  readonly texts: string[]
  readonly patterns: Record<string, string[][]>
  readonly analysers: { options: Options; tokens: string[][] }[]
  readonly lower: string[]
  readonly unicode: string[]
  readonly ascii: string[]
  readonly hashes: Record<string, number>
}
const oracle = JSON.parse(readFileSync(new URL('./fixtures/tokens.json', import.meta.url), 'utf8')) as Oracle

const attrsOf = (options: Options): AnalyserAttrs => ({
  lowercase: options.lowercase ?? true,
  accents: options.strip_accents ?? '',
  unit: options.analyzer ?? 'word',
  pattern: '(?u)\\b\\w\\w+\\b',
  stopWords: options.stop_words === 'english' ? ENGLISH_STOP_WORDS : (options.stop_words ?? []),
  fewest: options.ngram_range?.[0] ?? 1,
  most: options.ngram_range?.[1] ?? 1,
})
const PLAIN = attrsOf({})

type TokensOf = (attrs: AnalyserAttrs, text: unknown) => string[]

const analysedTokens: TokensOf = (attrs, text) => {
  const tokens: string[] = []
  buildAnalyser(attrs)(text, (token) => tokens.push(token))
  return tokens
}

const scannedTokens: TokensOf = (attrs, text) => {
  const { codes, spans } = buildScanner(attrs)(text)
  const slice = (start: number, end: number): string =>
    Array.from(codes.points.subarray(start, end), (point) => String.fromCodePoint(point)).join('')
  return Array.from({ length: spans.count }, (_, i) => slice(spans.starts[i]!, spans.ends[i]!))
}

const FORMS: readonly [string, TokensOf][] = [
  ['analysed', analysedTokens],
  ['scanned', scannedTokens],
]
const byCodePoint = (a: string, b: string): number => {
  const [left, right] = [a, b].map((text) => Array.from(text, (char) => char.codePointAt(0)!))
  const at = left!.findIndex((code, i) => code !== right![i])
  return at < 0 ? left!.length - right!.length : left![at]! - (right![at] ?? -1)
}

describe('as Python does it', () => {
  test.each(Object.entries(oracle.patterns))(
    'the pattern %s finds what re.findall finds',
    (pattern, found) => {
      const find = compilePattern(pattern)

      const ours = oracle.texts.map((text) => {
        const tokens: string[] = []
        find(text, (whole, start, end) => tokens.push(whole.slice(start, end)))
        return tokens
      })

      expect(ours).toEqual(found)
    },
  )

  describe.each(FORMS)('%s', (_, tokensOf) => {
    test.each(oracle.analysers)('$options makes the same tokens', ({ options, tokens }) => {
      const ours = oracle.texts.map((text) => tokensOf(attrsOf(options), text).sort(byCodePoint))

      expect(ours).toEqual(tokens)
    })
  })

  test('lower case and accents are the same', () => {
    expect(oracle.texts.map((text) => text.toLowerCase())).toEqual(oracle.lower)
    expect(oracle.texts.map(ACCENTS.unicode!)).toEqual(oracle.unicode)
    expect(oracle.texts.map(ACCENTS.ascii!)).toEqual(oracle.ascii)
  })

  test('hashes are the same', () => {
    const ours = Object.fromEntries(Object.keys(oracle.hashes).map((text) => [text, murmur(text)]))

    expect(ours).toEqual(oracle.hashes)
  })

  test('the one hash whose magnitude overflows has the column scikit-learn gives it', () => {
    expect(hashColumn(-(2 ** 31), 7)).toBe(2)
  })
})

const characters = 'abzAZ09_.- \t\n\0\x1c\x85\xa0éßİﬁΣς³中\u0301\u0345\u0334\ud83d\ude00\u2028\ufdfa'
const documents = fc.string({
  unit: fc.constantFrom(...characters.split(''), 'ab', ' ab ', '😀'),
  maxLength: 40,
})
const analysers: fc.Arbitrary<AnalyserAttrs> = fc
  .record({
    lowercase: fc.boolean(),
    accents: fc.constantFrom('', 'unicode', 'ascii'),
    unit: fc.constantFrom('word', 'char', 'char_wb'),
    pattern: fc.constantFrom('(?u)\\b\\w\\w+\\b', '\\w+', '[^ ]+', '.', '[a-z ]+', '(\\w)\\w|\\S'),
    stopWords: fc.constantFrom([], ['ab', 'a', 'é'], ['']),
    fewest: fc.integer({ min: 1, max: 4 }),
    more: fc.integer({ min: 0, max: 3 }),
  })
  .map(({ more, ...attrs }) => ({ ...attrs, most: attrs.fewest + more }))

test('what is scanned is what is analysed', () => {
  fc.assert(
    fc.property(analysers, fc.array(documents, { maxLength: 4 }), (attrs, texts) => {
      const scan = (text: string) => scannedTokens(attrs, text).sort(byCodePoint)
      const analyse = (text: string) => analysedTokens(attrs, text).sort(byCodePoint)

      expect(texts.map(scan)).toEqual(texts.map(analyse))
    }),
    { numRuns: 1000 },
  )
})

test('storage that a long text needed is given back', () => {
  const scan = buildScanner({ ...PLAIN, unit: 'char', most: 2 })
  scan('é '.repeat(2 ** 18))

  const { codes, spans } = scan('é')

  expect([codes.points.length, spans.starts.length, spans.ends.length]).toEqual([256, 256, 256])
})

describe.each(FORMS)('hostile texts, %s', (_, tokensOf) => {
  test.each([
    ['a'.repeat(2 ** 20), 1],
    ['ab '.repeat(300_000), 300_000],
    ['\ud800'.repeat(2 ** 20), 0],
    ['👩‍👩‍👧 '.repeat(100_000), 0],
    ['\0'.repeat(2 ** 20), 0],
    ['\ufdfa'.repeat(2 ** 20), 1],
  ])('a text of a megabyte becomes tokens', (text, count) => {
    expect(tokensOf(PLAIN, text)).toHaveLength(count)
  })

  test.each([[null], [Number.NaN], [5], [true], [['a']], ['a'.repeat(2 ** 20 + 1)]])(
    'what is not a text, or too long, is refused',
    (cell) => {
      expect(() => tokensOf(PLAIN, cell)).toThrow(RowError)
    },
  )

  test('more n-grams than there is room for are refused', () => {
    const attrs = { ...PLAIN, unit: 'char', most: 32 }

    expect(() => tokensOf(attrs, 'ab '.repeat(300_000))).toThrow(RowError)
  })
})

test.each([
  [{ unit: 'char_wb', most: 32 }, 'abcdefghijklmnopqrstuvwxyz '.repeat(30_000)],
  [{ unit: 'word', most: 32 }, 'ab '.repeat(300_000)],
  [{ pattern: '\\w', accents: 'unicode', fewest: 2, most: 2 }, '\ufdfa'.repeat(2 ** 19)],
])('more than there is room for is refused by %o', (options, text) => {
  expect(() => scannedTokens({ ...PLAIN, ...options }, text)).toThrow(RowError)
})

describe('hostile patterns', () => {
  test.each([['(?:a+)+$'], ['(?:a|a)*b'], ['a*a*a*a*a*b'], ['(?:(?:a){10}){10}b'], ['.*.*=.*']])(
    '%s is stopped on a text made for it',
    (pattern) => {
      const find = compilePattern(pattern)
      const tokens: string[] = []

      const search = () =>
        find(`${'a'.repeat(100_000)}!`, (whole, start, end) => tokens.push(whole.slice(start, end)))

      expect(search).toThrow(RowError)
    },
  )

  test.each([
    '(?i)a',
    '(?s).',
    '(?P<n>a)',
    '(a)(b)',
    '(a)+',
    '(a)\\1',
    '(?<=a)b',
    'a*',
    '(?:a*)*b',
    'a++',
    'a**',
    'a{2000}',
    '(?:(?:(?:(?:ab){1000}){1000}){1000}){1000}',
    '[a',
    '(a',
    'a)',
    '\\q',
    '\\1',
    '*a',
    '[z-a]',
    '\\',
    `${'(?:'.repeat(30)}a${')'.repeat(30)}`,
  ])('the pattern %s is not read', (pattern) => {
    expect(() => compilePattern(pattern)).toThrow(RangeError)
  })
})
