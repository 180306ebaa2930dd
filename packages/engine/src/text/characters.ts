/**
 * Characters as Python's `re` and `str` see them. Compared with Python 3.11 (Unicode 14) on every assigned code point:
 * the classes, lower case, NFKD and combining classes are the same; letters that later versions of Unicode add are
 * known here before an older Python knows them.
 */

const IS_WORD = /^[\p{L}\p{N}_]$/u
const IS_DIGIT = /^\p{Nd}$/u
const SPACES = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000'
const IS_SPACE = new RegExp(`^[${SPACES}]$`, 'u')

/** A test of code points that asks a regular expression once about each. */
function remembered(pattern: RegExp): (code: number) => boolean {
  const answers = new Uint8Array(0x110000)
  return (code) => {
    const known = answers[code]!
    if (known !== 0) return known === 2
    const answer = pattern.test(String.fromCodePoint(code))
    answers[code] = answer ? 2 : 1
    return answer
  }
}

/** `\w`: letters, numbers of every kind and `_`; no marks. */
export const isWord = remembered(IS_WORD)

/** `\d`: decimal digits of every script */
export const isDigit = (code: number): boolean => IS_DIGIT.test(String.fromCodePoint(code))

/** `\s`, and what `str.split()` splits at */
export const isSpace = remembered(IS_SPACE)

const SPACE_RUNS = new RegExp(`[${SPACES}]{2,}`, 'gu')
const NOT_SPACE = new RegExp(`[^${SPACES}]+`, 'gu')

/** `re.sub(r"\s\s+", " ", text)` */
export const collapseSpaces = (text: string): string => text.replace(SPACE_RUNS, ' ')

/** `text.split()` */
export const splitAtSpaces = (text: string): readonly string[] => text.match(NOT_SPACE) ?? []

const NOT_ASCII = /[^\0-\x7f]/
const MARK = /\p{M}/gu
/** The one character of the highest combining class: any other one is sorted before it. */
const HIGHEST = '\u0345'

/** `unicodedata.combining(mark) != 0`, of a character that does not decompose: normalising moves those. */
const isCombining = (mark: string): boolean =>
  mark === HIGHEST || (HIGHEST + mark).normalize('NFD') !== HIGHEST + mark

/** What `strip_accents` does to a text, by its name; '' does nothing. */
export const ACCENTS: Readonly<Record<string, (text: string) => string>> = {
  '': (text) => text,
  unicode: (text) =>
    NOT_ASCII.test(text)
      ? text.normalize('NFKD').replace(MARK, (mark) => (isCombining(mark) ? '' : mark))
      : text,
  ascii: (text) => (NOT_ASCII.test(text) ? text.normalize('NFKD').replace(/[^\0-\x7f]/g, '') : text),
}
