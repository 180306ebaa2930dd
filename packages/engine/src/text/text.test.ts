import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { RowError } from '../errors.ts'
import { type AnalyserAttrs, buildAnalyser } from './analyser.ts'
import { ACCENTS } from './characters.ts'
import { hashColumn, murmur } from './murmur.ts'
import { compilePattern } from './pattern.ts'
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

function tokensOf(attrs: AnalyserAttrs, text: unknown): string[] {
  const tokens: string[] = []
  buildAnalyser(attrs)(text, (whole, start, end) => tokens.push(whole.slice(start, end)))
  return tokens
}
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

  test.each(oracle.analysers)('$options analyses to the same tokens', ({ options, tokens }) => {
    const ours = oracle.texts.map((text) => tokensOf(attrsOf(options), text).sort(byCodePoint))

    expect(ours).toEqual(tokens)
  })

  test('any pattern that is only words is found the fast way and the long way alike', () => {
    const long = { ...PLAIN, pattern: '(?:\\b\\w\\w+\\b)' }

    const [fast, slow] = [PLAIN, long].map((attrs) => oracle.texts.map((text) => tokensOf(attrs, text)))

    expect(fast).toEqual(slow)
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

describe('hostile texts and patterns', () => {
  test.each([
    ['a'.repeat(2 ** 20), 1],
    ['ab '.repeat(300_000), 300_000],
    ['\ud800'.repeat(2 ** 20), 0],
    ['👩‍👩‍👧 '.repeat(100_000), 0],
    ['\0'.repeat(2 ** 20), 0],
  ])('a text of a megabyte is analysed', (text, count) => {
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
