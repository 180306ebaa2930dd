import type { PromotionRule } from './promotion.ts'

/*
 * Rules as people write them, one a line:
 *   roc_auc >= production + 0.002 on dataset 5f1c…      log_loss < 0.4
 *   tag reviewed = yes      self-check on 100 rows      latency p99 <= 2 ms      size <= 50 MB
 *   schema compatible with production                   approvals 2 by ana, ben
 * Words that hold spaces or signs, and metrics that are named like a rule, stand in double quotes.
 */

type Of<K extends PromotionRule['kind']> = Extract<PromotionRule, { kind: K }>
type Token = { readonly text: string; readonly quoted: boolean }

const TOKEN = /\s*(?:("(?:[^"\\]|\\.)*")|(>=|<=|>|<|=|,)|([^\s"<>=,]+))/y
const PLAIN = /^[^\s"<>=,+-][^\s"<>=,]*$/
const FIRST_WORDS = ['tag', 'self-check', 'latency', 'size', 'schema', 'approvals']

/** A number and its unit, written together. */
const QUANTITY = /(?<=^[\d.]+)(?=(?:ms|MB)$)/

const isWord = (text: string): boolean => PLAIN.test(text) && !QUANTITY.test(text)
const word = (text: string): string => (isWord(text) ? text : JSON.stringify(text))
const listed = (...parts: readonly (string | false | undefined)[]): string =>
  parts.filter((part) => part !== false && part !== undefined).join(' ')

const PRINT: { readonly [K in PromotionRule['kind']]: (rule: Of<K>) => string } = {
  metric: ({ metric, compare, bound, dataset }) =>
    listed(
      FIRST_WORDS.includes(metric) ? JSON.stringify(metric) : word(metric),
      compare,
      'value' in bound ? String(bound.value) : aliasText(bound),
      dataset !== undefined && `on dataset ${word(dataset)}`,
    ),
  tag: ({ key, value }) => listed('tag', word(key), value !== undefined && `= ${word(value)}`),
  'self-check': ({ rows }) => listed('self-check', rows !== undefined && `on ${rows} rows`),
  latency: ({ quantile, mostMs }) => `latency ${quantile} <= ${mostMs} ms`,
  size: ({ mostMb }) => `size <= ${mostMb} MB`,
  schema: ({ alias }) => `schema compatible with ${word(alias)}`,
  approvals: ({ count, by }) =>
    listed('approvals', String(count), by !== undefined && `by ${by.map(word).join(', ')}`),
}

/** The alias is quoted where it could be read as a number. */
function aliasText({ alias, plus }: { readonly alias: string; readonly plus: number }): string {
  const name = Number.isNaN(Number(alias)) ? word(alias) : JSON.stringify(alias)
  return listed(name, plus !== 0 && `${plus > 0 ? '+' : '-'} ${Math.abs(plus)}`)
}

export const printRule = (rule: PromotionRule): string => PRINT[rule.kind](rule as never)

/** Reads what `printRule` writes. @throws RangeError that says what was expected where */
export function parseRule(text: string): PromotionRule {
  const words = wordsOf(text)
  const first = words.peek()
  const kind = first?.quoted === false && FIRST_WORDS.includes(first.text) ? first.text : 'metric'
  if (kind !== 'metric') words.next()
  const rule = PARSE[kind]!(words)
  words.end()
  return rule
}

type Words = ReturnType<typeof wordsOf>

function wordsOf(text: string) {
  const tokens = tokensOf(text)
  let at = 0
  const fault = (expected: string): RangeError => {
    const token = tokens[at]
    const got = token === undefined ? 'the end' : JSON.stringify(token.text)
    return new RangeError(`rule ${JSON.stringify(text)}: expected ${expected}, got ${got}`)
  }
  const words = {
    fault,
    peek: (): Token | undefined => tokens[at],
    next: (): Token | undefined => tokens[at++],
    /** Takes these plain words when they come next. */
    takes: (...expected: readonly string[]): boolean => {
      const isNext = expected.every((one, i) => tokens[at + i]?.text === one && !tokens[at + i]!.quoted)
      if (isNext) at += expected.length
      return isNext
    },
    expect: (...expected: readonly string[]): void => {
      if (!words.takes(...expected)) throw fault(expected.join(' '))
    },
    oneOf: <T extends string>(...allowed: readonly T[]): T => {
      const found = allowed.find((one) => words.takes(one))
      if (found === undefined) throw fault(allowed.join(', '))
      return found
    },
    name: (what: string): string => {
      const token = tokens[at]
      if (token === undefined || (!token.quoted && !PLAIN.test(token.text))) throw fault(what)
      at++
      return token.text
    },
    number: (what: string): number => {
      const token = tokens[at]
      const number = token === undefined || token.quoted ? Number.NaN : Number(token.text)
      if (!Number.isFinite(number)) throw fault(what)
      at++
      return number
    },
    end: (): void => {
      if (at < tokens.length) throw fault('the end of the rule')
    },
  }
  return words
}

/** @throws RangeError */
function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  TOKEN.lastIndex = 0
  while (text.slice(TOKEN.lastIndex).trim() !== '') {
    const from = TOKEN.lastIndex
    const [, quoted, sign, plain] = TOKEN.exec(text) ?? []
    if (quoted !== undefined) tokens.push({ text: unquote(quoted, text), quoted: true })
    else if (sign !== undefined) tokens.push({ text: sign, quoted: false })
    else if (plain !== undefined)
      for (const part of plain.split(QUANTITY)) tokens.push({ text: part, quoted: false })
    else
      throw new RangeError(
        `rule ${JSON.stringify(text)}: ${JSON.stringify(text.slice(from).trim())} is not closed`,
      )
  }
  return tokens
}

function unquote(quoted: string, rule: string): string {
  try {
    return JSON.parse(quoted) as string
  } catch {
    throw new RangeError(`rule ${JSON.stringify(rule)}: ${quoted} is no JSON string`)
  }
}

const PARSE: Readonly<Record<string, (words: Words) => PromotionRule>> = {
  metric: (words) => {
    const metric = words.name(
      'the name of a metric, or one of tag, self-check, latency, size, schema, approvals',
    )
    const compare = words.oneOf('>=', '>', '<=', '<')
    const bound = readBound(words)
    return words.takes('on')
      ? { kind: 'metric', metric, compare, bound, dataset: readDataset(words) }
      : { kind: 'metric', metric, compare, bound }
  },
  tag: (words) => {
    const key = words.name('the key of a tag')
    return words.takes('=') ? { kind: 'tag', key, value: words.name('a value') } : { kind: 'tag', key }
  },
  'self-check': (words) => {
    if (!words.takes('on')) return { kind: 'self-check' }
    const rows = words.number('how many rows')
    words.expect('rows')
    return { kind: 'self-check', rows }
  },
  latency: (words) => {
    const quantile = words.oneOf('p50', 'p99')
    words.expect('<=')
    const mostMs = words.number('milliseconds')
    words.expect('ms')
    return { kind: 'latency', quantile, mostMs }
  },
  size: (words) => {
    words.expect('<=')
    const mostMb = words.number('millions of bytes')
    words.expect('MB')
    return { kind: 'size', mostMb }
  },
  schema: (words) => {
    words.expect('compatible', 'with')
    return { kind: 'schema', alias: words.name('an alias') }
  },
  approvals: (words) => {
    const count = words.number('how many')
    if (!words.takes('by')) return { kind: 'approvals', count }
    const by = [words.name('a name')]
    while (words.takes(',')) by.push(words.name('a name'))
    return { kind: 'approvals', count, by }
  },
}

function readBound(words: Words): Of<'metric'>['bound'] {
  const next = words.peek()
  if (next?.quoted === false && Number.isFinite(Number(next.text))) return { value: words.number('a number') }
  const alias = words.name('a number, or the alias whose version is compared with')
  if (words.takes('+')) return { alias, plus: words.number('how much more') }
  return { alias, plus: words.takes('-') ? -words.number('how much less') : 0 }
}

function readDataset(words: Words): string {
  words.expect('dataset')
  return words.name('the digest of a dataset')
}
