import type { Budget } from '../bytes/limits.ts'
import { overLimit } from '../bytes/limits.ts'
import { ModelError } from '../errors.ts'
import type { Doc } from './document.ts'

/** Longest text that V8 makes of one file. */
const MAX_TEXT_BYTES = 2 ** 29 - 64

/**
 * JSON as Python and XGBoost write it: bare NaN, Infinity and -Infinity are numbers. Otherwise strict; the last of
 * equal keys counts.
 * @throws ModelError corrupt | limit
 */
export function readJson(bytes: Uint8Array, budget: Budget): Doc {
  if (bytes.length > MAX_TEXT_BYTES) throw overLimit('bytes of JSON', MAX_TEXT_BYTES)
  return parseJson(new TextDecoder().decode(bytes), budget)
}

export function parseJson(text: string, budget: Budget): Doc {
  const parser = new JsonParser(text, budget)
  return parser.document()
}

const NUMBER = /-?(?:(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?|Infinity)|NaN/y
/** All white space is below the next character. */
const SPACE_CODE = 0x20
const SPACE = /[ \t\r\n]*/y
/** By their first character. */
const WORDS: ReadonlyMap<string | undefined, { readonly text: string; readonly value: Doc }> = new Map([
  ['t', { text: 'true', value: true }],
  ['f', { text: 'false', value: false }],
  ['n', { text: 'null', value: null }],
])

class JsonParser {
  readonly #text: string
  readonly #budget: Budget
  #at = 0
  #depth = 0

  constructor(text: string, budget: Budget) {
    this.#text = text
    this.#budget = budget
  }

  document(): Doc {
    const value = this.#value()
    this.#space()
    if (this.#at < this.#text.length) throw this.#wrong()
    return value
  }

  #value(): Doc {
    this.#space()
    this.#budget.operation()
    const start = this.#text[this.#at]
    if (start === '{') return this.#nested(() => this.#object())
    if (start === '[') return this.#nested(() => this.#array())
    if (start === '"') return this.#string()
    const word = WORDS.get(start)
    if (word === undefined) return Number(this.#match(NUMBER))
    if (!this.#text.startsWith(word.text, this.#at)) throw this.#wrong()
    this.#at += word.text.length
    return word.value
  }

  #object(): Map<string, Doc> {
    const result = new Map<string, Doc>()
    while (!this.#ends('}', result.size === 0)) {
      this.#space()
      const key = this.#string()
      this.#space()
      if (this.#text[this.#at++] !== ':') throw this.#wrong()
      result.set(key, this.#value())
      this.#budget.elements(2)
    }
    return result
  }

  #array(): Doc[] {
    const result: Doc[] = []
    while (!this.#ends(']', result.length === 0)) {
      result.push(this.#value())
      this.#budget.elements(1)
    }
    return result
  }

  /** The closing character, or the comma before the next item, which is consumed too. */
  #ends(close: string, first: boolean): boolean {
    this.#space()
    const next = this.#text[this.#at]
    if (next === close) {
      this.#at++
      return true
    }
    if (first) return false
    if (next !== ',') throw this.#wrong()
    this.#at++
    return false
  }

  #nested<T>(read: () => T): T {
    this.#budget.container()
    const { maxDepth } = this.#budget.limits
    if (++this.#depth > maxDepth) throw overLimit('levels of nesting', maxDepth)
    this.#at++
    const value = read()
    this.#depth--
    return value
  }

  #string(): string {
    const start = this.#at
    if (this.#text[start] !== '"') throw this.#wrong()
    let end = this.#text.indexOf('"', start + 1)
    while (end > 0 && this.#isEscaped(end)) end = this.#text.indexOf('"', end + 1)
    if (end < 0) throw this.#wrong()
    this.#at = end + 1
    const token = this.#text.slice(start + 1, end)
    return token.includes('\\') ? this.#unescape(token) : token
  }

  /** Is the character at `at` behind an odd number of backslashes? */
  #isEscaped(at: number): boolean {
    let before = at
    while (this.#text[before - 1] === '\\') before--
    return (at - before) % 2 === 1
  }

  #unescape(token: string): string {
    try {
      return JSON.parse(`"${token}"`) as string
    } catch {
      throw this.#wrong()
    }
  }

  #space(): void {
    if (this.#text.charCodeAt(this.#at) > SPACE_CODE) return
    SPACE.lastIndex = this.#at
    SPACE.test(this.#text)
    this.#at = SPACE.lastIndex
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const [token] = pattern.exec(this.#text) ?? []
    if (token === undefined) throw this.#wrong()
    this.#at = pattern.lastIndex
    return token
  }

  #wrong(): ModelError {
    return new ModelError('corrupt', `the JSON of the file is broken at character ${this.#at}`, {
      hint: 'copy it again, it was probably cut on the way',
    })
  }
}
