import { RowError } from '../errors.ts'
import { ACCENTS, collapseSpaces, splitAtSpaces } from './characters.ts'
import { compilePattern } from './pattern.ts'
import { MOST_TOKENS, tooManyTokens } from './spans.ts'

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

/** Longest text that is analysed, in UTF-16 units. */
export const LONGEST_TEXT = 2 ** 20
/** Longest n-gram. */
const MOST_UNITS = 32

type Emit = (token: string) => void
/** Calls `emit` with every token of a text. @throws RowError for what is not text, or too much of it */
export type Analyser = (cell: unknown, emit: Emit) => void

/** @throws RangeError for attributes that are not those of an analyser */
export function buildAnalyser(attrs: AnalyserAttrs): Analyser {
  const { unit, fewest, most } = attrs
  const tokens = Object.hasOwn(UNITS, unit) ? UNITS[unit]!(attrs) : undefined
  if (tokens === undefined || !Object.hasOwn(ACCENTS, attrs.accents))
    throw new RangeError('analyser: unknown unit or accents')
  if (
    !Number.isInteger(fewest) ||
    !Number.isInteger(most) ||
    fewest < 1 ||
    most < fewest ||
    most > MOST_UNITS
  )
    throw new RangeError(`analyser: n-grams of ${fewest} to ${most} units; up to ${MOST_UNITS} are served`)
  return (cell, emit) => tokens(foldText(cell, attrs), limited(emit))
}

/** A cell's text in lower case and without accents, as asked for. @throws RowError for what is not text, or too long */
export function foldText(cell: unknown, { lowercase, accents }: AnalyserAttrs): string {
  if (typeof cell !== 'string') throw new RowError('is not text', 0)
  if (cell.length > LONGEST_TEXT)
    throw new RowError(`text of ${cell.length} characters; at most ${LONGEST_TEXT} are read`, 0)
  return ACCENTS[accents]!(lowercase ? cell.toLowerCase() : cell)
}

const UNITS: Readonly<Record<string, (attrs: AnalyserAttrs) => (text: string, emit: Emit) => void>> = {
  word({ pattern, stopWords, fewest, most }) {
    const find = compilePattern(pattern)
    const stops = new Set(stopWords)
    return (text, emit) => {
      const words: string[] = []
      const take = limited((word) => words.push(word))
      find(text, (found, start, end) => take(found.slice(start, end)))
      emitRuns({ units: words.filter((word) => !stops.has(word)), between: ' ', fewest, most }, emit)
    }
  },
  char:
    ({ fewest, most }) =>
    (text, emit) =>
      emitRuns({ units: Array.from(collapseSpaces(text)), between: '', fewest, most }, emit),
  char_wb:
    ({ fewest, most }) =>
    (text, emit) => {
      for (const word of splitAtSpaces(text)) {
        const units = Array.from(` ${word} `)
        // A word shorter than n is taken whole, once.
        const shortest = Math.min(fewest, units.length)
        emitRuns({ units, between: '', fewest: shortest, most: Math.min(most, units.length) }, emit)
      }
    },
}

type Runs = {
  readonly units: readonly string[]
  readonly between: string
  readonly fewest: number
  readonly most: number
}

/** Every run of `fewest` to `most` units. */
function emitRuns({ units, between, fewest, most }: Runs, emit: Emit): void {
  for (let size = fewest; size <= most; size++)
    for (let i = 0; i + size <= units.length; i++) emit(units.slice(i, i + size).join(between))
}

function limited(emit: Emit): Emit {
  let count = 0
  return (token) => {
    if (++count > MOST_TOKENS) throw tooManyTokens()
    emit(token)
  }
}
