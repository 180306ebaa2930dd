import { RowError } from '../errors.ts'
import { type CodeTest, type PatternNode, parsePattern, shortest } from './pattern-syntax.ts'

/** What a text of a million characters may cost: a pattern that tries every way to fail is stopped. */
const FREE_STEPS = 1_000_000
const STEPS_PER_CHARACTER = 64
/** Repeats of one group within one match; every one is a few frames of the stack. */
const DEEPEST = 500

/** Pieces of a pattern, repeats of groups written out. */
const MOST_MATCHERS = 10_000

/** Takes the token text[start, end). */
type Emit = (text: string, start: number, end: number) => void

/** Calls `emit` with every match in a text, or with what its capture matched: `re.findall`. */
export type Finder = (text: string, emit: Emit) => void

/** The state of one search. */
type Search = { text: string; steps: number; depth: number; from: number; to: number; built: number }

/** Matches from a place on, everything that follows included; the end, or −1. */
type Matcher = (at: number) => number

/**
 * A finder for a pattern in Python's syntax, by backtracking in Python's order. It counts its steps, so that no pattern
 * can hold the process up on any text.
 * @throws RangeError when the pattern is not one we read, or matches nothing at all somewhere
 */
export function compilePattern(source: string): Finder {
  const tree = parsePattern(source)
  if (shortest(tree) === 0) throw new RangeError('token pattern: matches the empty text')
  const search: Search = { text: '', steps: 0, depth: 0, from: -1, to: -1, built: 0 }
  const match = build(tree, (at) => at, search)
  const captures = hasCapture(tree)
  return (text, emit) => {
    search.text = text
    search.steps = FREE_STEPS + STEPS_PER_CHARACTER * text.length
    for (let at = 0; at < text.length; ) {
      search.depth = 0
      search.from = -1
      const end = match(at)
      if (end < 0) {
        at += text.codePointAt(at)! > 0xffff ? 2 : 1
        continue
      }
      if (!captures) emit(text, at, end)
      else if (search.from < 0) emit('', 0, 0)
      else emit(text, search.from, search.to)
      at = end
    }
  }
}

function step(search: Search): void {
  if (--search.steps < 0) throw new RowError('the token pattern needs too many steps on this text', 0)
}

function build(node: PatternNode, next: Matcher, search: Search): Matcher {
  if (++search.built > MOST_MATCHERS) throw new RangeError('token pattern: is too large')
  switch (node.is) {
    case 'char':
      return (at) => {
        step(search)
        const after = advance(search.text, at, node.test)
        return after < 0 ? -1 : next(after)
      }
    case 'assert':
      return (at) => (node.holds(search.text, at) ? next(at) : -1)
    case 'sequence':
      return node.parts.reduceRight((rest, part) => build(part, rest, search), next)
    case 'choice':
      return firstOf(node.options.map((option) => build(option, next, search)))
    case 'capture':
      return capture(node.body, next, search)
    case 'look': {
      const body = build(node.body, (at) => at, search)
      return (at) => (body(at) >= 0 === node.wanted ? next(at) : -1)
    }
    case 'repeat': {
      if (node.body.is !== 'char') return repeatGroup(node, next, search)
      return (node.lazy ? repeatLazily : repeatGreedily)(node, node.body.test, next, search)
    }
  }
}

/** The place after one character of a class; −1 when there is none. */
function advance(text: string, at: number, test: CodeTest): number {
  const code = text.codePointAt(at)
  if (code === undefined || !test(code)) return -1
  return at + (code > 0xffff ? 2 : 1)
}

const firstOf =
  (options: readonly Matcher[]): Matcher =>
  (at) => {
    for (const option of options) {
      const end = option(at)
      if (end >= 0) return end
    }
    return -1
  }

function capture(body: PatternNode, next: Matcher, search: Search): Matcher {
  let from = -1
  const inner = build(
    body,
    (at) => {
      const before = [search.from, search.to] as const
      search.from = from
      search.to = at
      const end = next(at)
      if (end < 0) [search.from, search.to] = before
      return end
    },
    search,
  )
  return (at) => {
    from = at
    return inner(at)
  }
}

type Repeat = PatternNode & { readonly is: 'repeat' }

/** One character repeated: as many as there are, then one less at a time. */
function repeatGreedily({ min, max }: Repeat, test: CodeTest, next: Matcher, search: Search): Matcher {
  return (at) => {
    let end = at
    let count = 0
    for (let after = at; count < max; count++) {
      step(search)
      after = advance(search.text, end, test)
      if (after < 0) break
      end = after
    }
    for (; count >= min; count--) {
      step(search)
      const found = next(end)
      if (found >= 0) return found
      end -= isPairBefore(search.text, end) ? 2 : 1
    }
    return -1
  }
}

/** One character repeated: as few as will do. */
function repeatLazily({ min, max }: Repeat, test: CodeTest, next: Matcher, search: Search): Matcher {
  return (at) => {
    let end = at
    for (let count = 0; ; count++) {
      step(search)
      const found = count < min ? -1 : next(end)
      if (found >= 0 || count === max) return found
      end = advance(search.text, end, test)
      if (end < 0) return -1
    }
  }
}

const isPairBefore = (text: string, at: number): boolean => at >= 2 && text.codePointAt(at - 2)! > 0xffff

/** Of a group: what must be there is written out, what may be is tried once more each time. */
function repeatGroup({ body, min, max, lazy }: Repeat, next: Matcher, search: Search): Matcher {
  let rest: Matcher
  if (max === Number.POSITIVE_INFINITY) {
    const again: Matcher = (at) => {
      step(search)
      if (++search.depth > DEEPEST) throw new RowError('the token pattern repeats too often in this text', 0)
      const end = inOrder(at)
      search.depth--
      return end
    }
    const once = build(body, again, search)
    const inOrder = lazy ? firstOf([next, once]) : firstOf([once, next])
    rest = again
  } else {
    rest = next
    for (let i = min; i < max; i++) {
      const once = build(body, rest, search)
      rest = lazy ? firstOf([next, once]) : firstOf([once, next])
    }
  }
  for (let i = 0; i < min; i++) rest = build(body, rest, search)
  return rest
}

function hasCapture(node: PatternNode): boolean {
  switch (node.is) {
    case 'capture':
      return true
    case 'sequence':
      return node.parts.some(hasCapture)
    case 'choice':
      return node.options.some(hasCapture)
    default:
      return false
  }
}
