import { RowError } from '../errors.ts'
import { ACCENTS, collapseSpaces, isWord, splitAtSpaces } from './characters.ts'
import { compilePattern, type Emit, type Finder } from './pattern.ts'

/** How a text becomes tokens, in scikit-learn's terms. */
export type AnalyserAttrs = {
  lowercase: boolean
  /** '' none, 'unicode' or 'ascii'. */
  accents: string
  /** 'word', 'char' or 'char_wb'. */
  unit: string
  /** What a word is, in Python's syntax. */
  pattern: string
  /** Words left out before they are joined. */
  stopWords: readonly string[]
  /** Units in a token: from `fewest` to `most`. */
  fewest: number
  most: number
}

/** Longest text that is analysed, in UTF-16 units, and most tokens taken from one. */
const LONGEST_TEXT = 2 ** 20
const MOST_TOKENS = 2 ** 22
/** Longest n-gram. */
const MOST_UNITS = 32

/** Calls `emit` with every token of a text. @throws RowError for what is not text, or too much of it */
export type Analyser = (cell: unknown, emit: Emit) => void

const WHOLE_WORDS = /^(?:\(\?u\))?(?:\\b)?((?:\\w)+)\+(?:\\b)?$/

/** @throws RangeError for attributes that are not those of an analyser */
export function buildAnalyser(attrs: AnalyserAttrs): Analyser {
  const { lowercase, accents, unit, fewest, most } = attrs
  const strip = Object.hasOwn(ACCENTS, accents) ? ACCENTS[accents] : undefined
  const tokens = Object.hasOwn(UNITS, unit) ? UNITS[unit]!(attrs) : undefined
  if (strip === undefined || tokens === undefined) throw new RangeError('analyser: unknown unit or accents')
  if (
    !Number.isInteger(fewest) ||
    !Number.isInteger(most) ||
    fewest < 1 ||
    most < fewest ||
    most > MOST_UNITS
  )
    throw new RangeError(`analyser: n-grams of ${fewest} to ${most} units; up to ${MOST_UNITS} are served`)
  return (cell, emit) => {
    if (typeof cell !== 'string') throw new RowError('is not text', 0)
    if (cell.length > LONGEST_TEXT)
      throw new RowError(`text of ${cell.length} characters; at most ${LONGEST_TEXT} are read`, 0)
    tokens(strip(lowercase ? cell.toLowerCase() : cell), emit)
  }
}

const UNITS: Readonly<Record<string, (attrs: AnalyserAttrs) => Finder>> = {
  word: wordTokens,
  char:
    ({ fewest, most }) =>
    (text, emit) =>
      emitSlices(collapseSpaces(text), fewest, most, emit),
  char_wb:
    ({ fewest, most }) =>
    (text, emit) => {
      const words = splitAtSpaces(collapseSpaces(text))
      for (const word of words) emitWithinWord(` ${word} `, fewest, most, emit)
    },
}

function wordTokens({ pattern, stopWords, fewest, most }: AnalyserAttrs): Finder {
  const words = WHOLE_WORDS.exec(pattern)
  const find = words === null ? compilePattern(pattern) : wholeWords(words[1]!.length / 2)
  const stops = new Set(stopWords)
  if (most === 1 && stops.size === 0) return find
  return (text, emit) => {
    const kept: string[] = []
    find(text, (found, start, end) => {
      const word = found.slice(start, end)
      if (!stops.has(word)) kept.push(word)
    })
    if (kept.length * (most - fewest + 1) > MOST_TOKENS) throw tooMany()
    // A token of several words has one space between them.
    const joined = kept.join(' ')
    const starts = new Int32Array(kept.length + 1)
    for (const [i, word] of kept.entries()) starts[i + 1] = starts[i]! + word.length + 1
    for (let units = fewest; units <= most; units++)
      for (let i = 0; i + units <= kept.length; i++) emit(joined, starts[i]!, starts[i + units]! - 1)
  }
}

const tooMany = (): RowError => new RowError(`more than ${MOST_TOKENS} n-grams in one text`, 0)

/** Runs of at least that many characters of words: what `\b\w\w+\b` and its like find. */
const wholeWords =
  (shortest: number): Finder =>
  (text, emit) => {
    for (let at = 0; at < text.length; at++) {
      const start = at
      let characters = 0
      for (let size = wordUnits(text, at); size > 0; size = wordUnits(text, at)) {
        characters++
        at += size
      }
      if (characters >= shortest) emit(text, start, at)
    }
  }

/** UTF-16 units of the word character at a place; 0 when there is none. */
function wordUnits(text: string, at: number): number {
  const code = text.codePointAt(at)
  if (code === undefined || !isWord(code)) return 0
  return code > 0xffff ? 2 : 1
}

/** Half of a character beyond the first 65 536. */
const SURROGATE = /[\ud800-\udfff]/

/** Every slice of `fewest` to `most` characters (code points). */
function emitSlices(text: string, fewest: number, most: number, emit: Emit): void {
  if (text.length * (most - fewest + 1) > MOST_TOKENS) throw tooMany()
  if (!SURROGATE.test(text)) {
    for (let units = fewest; units <= most; units++)
      for (let end = units; end <= text.length; end++) emit(text, end - units, end)
    return
  }
  const starts = characterStarts(text)
  for (let units = fewest; units <= most; units++)
    for (let i = 0; i + units < starts.length; i++) emit(text, starts[i]!, starts[i + units]!)
}

/** The same of a padded word; a word shorter than n is taken whole, once. */
function emitWithinWord(word: string, fewest: number, most: number, emit: Emit): void {
  const characters = SURROGATE.test(word) ? characterStarts(word).length - 1 : word.length
  emitSlices(word, fewest, Math.min(most, characters), emit)
  if (fewest > characters) emit(word, 0, word.length)
}

/** Where every character starts, and the end. */
function characterStarts(text: string): Int32Array {
  const starts = new Int32Array(text.length + 1)
  let count = 0
  for (let at = 0; at < text.length; count++) {
    starts[count] = at
    at += text.codePointAt(at)! > 0xffff ? 2 : 1
  }
  starts[count] = text.length
  return starts.subarray(0, count + 1)
}
