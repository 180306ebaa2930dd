/**
 * Says where text stops being JSON (RFC 8259), without quoting it: error messages of JSON.parse show pieces of the
 * body, and bodies hold personal data. Runs only after JSON.parse has refused.
 */
export function describeJsonFault(text: string): string {
  if (text.trim() === '') return 'it is empty'
  const fault = findFault(text)
  if (fault === undefined) return 'it could not be read'
  const before = text.slice(0, fault.at)
  const line = before.split('\n').length
  const column = fault.at - before.lastIndexOf('\n')
  return `expected ${fault.expected} at position ${fault.at} (line ${line}, column ${column})${hintAt(text, fault.at)}`
}

type Fault = { readonly at: number; readonly expected: string }

const SPACE = /[ \t\n\r]*/y
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const WORD = /true|false|null/y
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y
const NON_FINITE = /[+-]?(?:NaN|Infinity|inf|nan)/y

function hintAt(text: string, at: number): string {
  NON_FINITE.lastIndex = at
  if (NON_FINITE.test(text))
    return '; JSON has no NaN and no Infinity: send null or the word in quotes where the field takes it'
  if (text[at] === "'") return '; strings are written in double quotes'
  return ''
}

/** What may come next: a value, a value or the end of a list, a key or the end of an object, a key, or what follows a value. */
type Expecting = 'value' | 'value or ]' | 'key or }' | 'key' | 'rest'

function findFault(text: string): Fault | undefined {
  const open: string[] = []
  let at = 0
  let expecting: Expecting = 'value'
  const skip = (pattern: RegExp): boolean => {
    pattern.lastIndex = at
    if (!pattern.test(text)) return false
    at = pattern.lastIndex
    return true
  }
  for (;;) {
    skip(SPACE)
    const step = stepAt(text, { at, expecting, open, skip })
    if ('expected' in step) return step
    at = step.at ?? at
    expecting = step.next
    if (step.done) return undefined
  }
}

type Step = { readonly next: Expecting; readonly at?: number; readonly done?: true }
type Scan = {
  readonly at: number
  readonly expecting: Expecting
  readonly open: string[]
  readonly skip: (pattern: RegExp) => boolean
}

function stepAt(text: string, scan: Scan): Step | Fault {
  if (scan.expecting === 'rest') return stepAfterValue(text, scan)
  const character = text[scan.at]
  if (scan.expecting === 'key or }' && character === '}') return close(scan)
  if (scan.expecting === 'value or ]' && character === ']') return close(scan)
  if (scan.expecting === 'key' || scan.expecting === 'key or }') return stepKey(text, scan)
  if (character === '{' || character === '[') {
    scan.open.push(character)
    return { next: character === '{' ? 'key or }' : 'value or ]', at: scan.at + 1 }
  }
  if (character === '"') {
    const end = stringEnd(text, scan.at)
    return typeof end === 'number' ? { next: 'rest', at: end } : end
  }
  if (scan.skip(NUMBER) || scan.skip(WORD)) return { next: 'rest' }
  return { at: scan.at, expected: 'a value' }
}

function stepAfterValue(text: string, { at, open }: Scan): Step | Fault {
  const container = open.at(-1)
  if (container === undefined)
    return at === text.length ? { next: 'rest', done: true } : { at, expected: 'the end' }
  const character = text[at]
  if (character === ',') return { next: container === '{' ? 'key' : 'value', at: at + 1 }
  const closing = container === '{' ? '}' : ']'
  if (character !== closing) return { at, expected: `"," or "${closing}"` }
  open.pop()
  return { next: 'rest', at: at + 1 }
}

function close({ at, open }: Scan): Step {
  open.pop()
  return { next: 'rest', at: at + 1 }
}

function stepKey(text: string, { at }: Scan): Step | Fault {
  if (text[at] !== '"') return { at, expected: 'a field name in double quotes' }
  const end = stringEnd(text, at)
  if (typeof end !== 'number') return end
  SPACE.lastIndex = end
  SPACE.test(text)
  const colon = SPACE.lastIndex
  return text[colon] === ':' ? { next: 'value', at: colon + 1 } : { at: colon, expected: '":"' }
}

/** Index behind the closing quote of the string at `start`, or what is wrong inside it. */
function stringEnd(text: string, start: number): number | Fault {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 34) return at + 1
    if (code < 32) return { at, expected: 'no bare control character in a string' }
    if (code === 92) {
      ESCAPE.lastIndex = at
      if (!ESCAPE.test(text)) return { at, expected: 'a valid escape' }
      at = ESCAPE.lastIndex - 1
    }
  }
  return { at: text.length, expected: 'the end of a string' }
}
