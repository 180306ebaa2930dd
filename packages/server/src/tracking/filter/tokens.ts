/** A filter that cannot be read; the message is for its author. */
export class FilterError extends Error {}

/**
 * `text` without quotes; `raw` as it stands there; `entity`: what stands before the first dot of a name.
 * A word may be a name, an operator or AND.
 */
export type Token = {
  readonly type: 'name' | 'word' | 'string' | 'number' | 'operator' | 'sign'
  readonly text: string
  readonly raw: string
  readonly entity?: string
}

const KEY = '`(?:[^`]|``)*`|"(?:[^"]|"")*"'
const PATTERNS: readonly (readonly [Token['type'], RegExp])[] = [
  ['name', new RegExp(`([A-Za-z_]+)\\.(${KEY}|[\\w./:-]+)|(${KEY})`, 'uy')],
  ['word', /[A-Za-z_]\w*/uy],
  ['string', /'(?:[^']|'')*'/uy],
  ['number', /[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/uy],
  ['operator', />=|<=|!=|=|>|</uy],
  ['sign', /[(),]/uy],
]
const SPACE = /\s*/uy
/** Of what cannot be read, as much is shown. */
const SHOWN = 100

/** @throws FilterError at the first character that belongs to nothing */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  let position = skip(text, 0)
  while (position < text.length) {
    const token = tokenAt(text, position, tokens.at(-1))
    if (token === undefined)
      throw new FilterError(`Invalid clause(s) in filter string: '${text.slice(position, position + SHOWN)}'`)
    tokens.push(token)
    position = skip(text, position + token.raw.length)
  }
  return tokens
}

function skip(text: string, position: number): number {
  SPACE.lastIndex = position
  return position + SPACE.exec(text)![0].length
}

/** After an operator a text in double quotes is a value, elsewhere a name. */
function tokenAt(text: string, position: number, before: Token | undefined): Token | undefined {
  const isValue = before !== undefined && isBeforeValue(before)
  for (const [type, pattern] of PATTERNS) {
    pattern.lastIndex = position
    const match = pattern.exec(text)
    if (match === null) continue
    const [raw, entity, key, bare] = match
    if (type === 'string') return { type, raw, text: unquoted(raw) }
    if (type !== 'name') return { type, raw, text: raw }
    if (isValue && bare?.startsWith('"')) return { type: 'string', raw, text: unquoted(raw) }
    return { type, raw, text: unquoted(key ?? bare!), ...(entity !== undefined && { entity }) }
  }
  return undefined
}

const isBeforeValue = ({ type, text }: Token): boolean =>
  type === 'operator' || type === 'sign' || (type === 'word' && /^(?:i?like|in)$/iu.test(text))

function unquoted(raw: string): string {
  const quote = raw[0]!
  return /['"`]/u.test(quote) ? raw.slice(1, -1).replaceAll(quote + quote, quote) : raw
}

export const isTokenOf = (token: Token | undefined, sign: string): boolean =>
  token?.type === 'sign' && token.text === sign
