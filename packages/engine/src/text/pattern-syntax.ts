import { isDigit, isSpace, isWord } from './characters.ts'

/** Whether a code point is one of a class. */
export type CodeTest = (code: number) => boolean

/** A parsed pattern. `at` of an assertion: whether it holds between two places of the text. */
export type PatternNode =
  | { readonly is: 'char'; readonly test: CodeTest }
  | { readonly is: 'assert'; readonly holds: (text: string, at: number) => boolean }
  | { readonly is: 'sequence'; readonly parts: readonly PatternNode[] }
  | { readonly is: 'choice'; readonly options: readonly PatternNode[] }
  | { readonly is: 'capture'; readonly body: PatternNode }
  | { readonly is: 'look'; readonly body: PatternNode; readonly wanted: boolean }
  | {
      readonly is: 'repeat'
      readonly body: PatternNode
      readonly min: number
      readonly max: number
      readonly lazy: boolean
    }

const not =
  (test: CodeTest): CodeTest =>
  (code) =>
    !test(code)

const CLASSES: Readonly<Record<string, CodeTest>> = {
  w: isWord,
  W: not(isWord),
  d: isDigit,
  D: not(isDigit),
  s: isSpace,
  S: not(isSpace),
}

const CONTROLS: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  f: '\f',
  v: '\v',
  a: '\x07',
}

const codeBefore = (text: string, at: number): number => {
  const code = text.charCodeAt(at - 1)
  const pair = code >= 0xdc00 && code < 0xe000 && at > 1 ? text.codePointAt(at - 2)! : 0
  return pair > 0xffff ? pair : code
}

function isBoundary(text: string, at: number): boolean {
  const before = at > 0 && isWord(codeBefore(text, at))
  const after = at < text.length && isWord(text.codePointAt(at)!)
  return before !== after
}

const atEnd = (text: string, at: number): boolean => at === text.length

const ASSERTIONS: Readonly<Record<string, (text: string, at: number) => boolean>> = {
  b: isBoundary,
  B: (text, at) => text.length > 0 && !isBoundary(text, at),
  A: (_, at) => at === 0,
  Z: atEnd,
}

const QUANTIFIER = /^(?:[*+?]|\{(\d+)\}|\{(\d*),(\d*)\})/
const MOST_REPEATS = 1000
const DEEPEST = 20

/**
 * Parses the part of Python's `re` syntax that means here what it means there: no flags but `(?u)`, no references,
 * named, atomic or conditional groups, no lookbehind, at most one capture and that not repeated.
 * @throws RangeError naming what is not read
 */
export function parsePattern(source: string): PatternNode {
  return new PatternParser(source.replace(/^\(\?u\)/, '')).parse()
}

class PatternParser {
  readonly #source: string
  #at = 0
  #captures = 0
  #depth = 0

  constructor(source: string) {
    this.#source = source
  }

  parse(): PatternNode {
    const node = this.#choice()
    if (this.#at < this.#source.length) this.#fail('a bracket that closes nothing')
    return node
  }

  #choice(): PatternNode {
    if (++this.#depth > DEEPEST) this.#fail(`groups more than ${DEEPEST} deep`)
    const options = [this.#sequence()]
    while (this.#take('|')) options.push(this.#sequence())
    this.#depth--
    return options.length === 1 ? options[0]! : { is: 'choice', options }
  }

  #sequence(): PatternNode {
    const parts: PatternNode[] = []
    while (this.#at < this.#source.length && !['|', ')'].includes(this.#source[this.#at]!))
      parts.push(this.#repeated())
    return parts.length === 1 ? parts[0]! : { is: 'sequence', parts }
  }

  #repeated(): PatternNode {
    const captures = this.#captures
    const body = this.#atom()
    const match = QUANTIFIER.exec(this.#source.slice(this.#at))
    if (match === null) return body
    this.#at += match[0].length
    const lazy = this.#take('?')
    if (QUANTIFIER.test(this.#source.slice(this.#at))) this.#fail('a quantifier after a quantifier')
    if (this.#captures > captures) this.#fail('a repeated capture')
    if (shortest(body) === 0) this.#fail('a repeated empty match')
    const [min, max] = boundsOf(match)
    if (min > max || (max !== Number.POSITIVE_INFINITY && max > MOST_REPEATS) || min > MOST_REPEATS)
      this.#fail(`more than ${MOST_REPEATS} repeats`)
    return { is: 'repeat', body, min, max, lazy }
  }

  #atom(): PatternNode {
    const char = this.#next()
    if (char === '(') return this.#group()
    if (char === '[') return { is: 'char', test: this.#class() }
    if (char === '\\') return this.#escape()
    if (char === '.') return { is: 'char', test: (code) => code !== 0x0a }
    if (char === '^') return { is: 'assert', holds: (_, at) => at === 0 }
    if (char === '$') return { is: 'assert', holds: endsLine }
    if ('*+?'.includes(char)) this.#fail('a quantifier of nothing')
    return literal(char)
  }

  #group(): PatternNode {
    if (!this.#take('?')) {
      if (++this.#captures > 1) this.#fail('more than one capture')
      return { is: 'capture', body: this.#closed() }
    }
    const kind = this.#next()
    if (kind === ':') return this.#closed()
    if (kind !== '=' && kind !== '!') this.#fail(`a group that starts with (?${kind}`)
    const captures = this.#captures
    const body = this.#closed()
    if (this.#captures > captures) this.#fail('a capture that looks ahead')
    return { is: 'look', body, wanted: kind === '=' }
  }

  #closed(): PatternNode {
    const body = this.#choice()
    if (!this.#take(')')) this.#fail('a bracket that is not closed')
    return body
  }

  #escape(): PatternNode {
    const char = this.#next()
    const holds = Object.hasOwn(ASSERTIONS, char) ? ASSERTIONS[char] : undefined
    if (holds !== undefined) return { is: 'assert', holds }
    const test = Object.hasOwn(CLASSES, char) ? CLASSES[char] : undefined
    return test === undefined ? literal(this.#escaped(char)) : { is: 'char', test }
  }

  /** The character an escape stands for. */
  #escaped(char: string): string {
    if (Object.hasOwn(CONTROLS, char)) return CONTROLS[char]!
    const digits = { x: 2, u: 4, U: 8 }[char]
    if (digits !== undefined) {
      const hex = this.#source.slice(this.#at, this.#at + digits)
      const code = /^[\da-f]+$/i.test(hex) && hex.length === digits ? Number.parseInt(hex, 16) : -1
      if (code < 0 || code > 0x10ffff) this.#fail(`\\${char} without its digits`)
      this.#at += digits
      return String.fromCodePoint(code)
    }
    if (/[a-z0-9]/i.test(char)) this.#fail(`\\${char}`)
    return char
  }

  /** What stands between [ and ]. */
  #class(): CodeTest {
    const negated = this.#take('^')
    const tests: CodeTest[] = []
    for (let first = true; first || this.#source[this.#at] !== ']'; first = false) {
      const low = this.#member()
      const ranged = this.#source[this.#at] === '-' && this.#source[this.#at + 1] !== ']'
      if (!ranged) {
        tests.push(typeof low === 'number' ? (code) => code === low : low)
        continue
      }
      this.#at++
      const high = this.#member()
      if (typeof low !== 'number' || typeof high !== 'number' || low > high)
        this.#fail('a range of no characters')
      tests.push((code) => code >= low && code <= high)
    }
    this.#at++
    const any: CodeTest = (code) => tests.some((test) => test(code))
    return negated ? not(any) : any
  }

  #member(): number | CodeTest {
    const char = this.#next()
    if (char !== '\\') return char.codePointAt(0)!
    const escaped = this.#next()
    if (Object.hasOwn(CLASSES, escaped)) return CLASSES[escaped]!
    return escaped === 'b' ? 0x08 : this.#escaped(escaped).codePointAt(0)!
  }

  #next(): string {
    const code = this.#source.codePointAt(this.#at)
    if (code === undefined) this.#fail('an end too early')
    const char = String.fromCodePoint(code)
    this.#at += char.length
    return char
  }

  #take(char: string): boolean {
    const there = this.#source.startsWith(char, this.#at)
    if (there) this.#at += char.length
    return there
  }

  #fail(what: string): never {
    throw new RangeError(`token pattern: has ${what} at character ${this.#at}`)
  }
}

const literal = (char: string): PatternNode => {
  const wanted = char.codePointAt(0)!
  return { is: 'char', test: (code) => code === wanted }
}

/** `$`: at the end, or before a line feed that is the end */
const endsLine = (text: string, at: number): boolean =>
  atEnd(text, at) || (at === text.length - 1 && text[at] === '\n')

function boundsOf([text, exactly, from, to]: RegExpExecArray): [number, number] {
  if (text === '*') return [0, Number.POSITIVE_INFINITY]
  if (text === '+') return [1, Number.POSITIVE_INFINITY]
  if (text === '?') return [0, 1]
  if (exactly !== undefined) return [Number(exactly), Number(exactly)]
  return [Number(from), to === '' ? Number.POSITIVE_INFINITY : Number(to)]
}

/** Fewest characters that a node matches. */
export function shortest(node: PatternNode): number {
  switch (node.is) {
    case 'char':
      return 1
    case 'assert':
    case 'look':
      return 0
    case 'sequence':
      return node.parts.reduce((sum, part) => sum + shortest(part), 0)
    case 'choice':
      return Math.min(...node.options.map(shortest))
    case 'capture':
      return shortest(node.body)
    case 'repeat':
      return node.min * shortest(node.body)
  }
}
