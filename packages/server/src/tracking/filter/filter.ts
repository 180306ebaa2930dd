import {
  type Attribute,
  type Entity,
  KIND_NAMES,
  type Kind,
  type Operand,
  type Operator,
} from './entities.ts'
import { FilterError, isTokenOf, type Token, tokensOf } from './tokens.ts'

/** One condition of a filter; all must hold. */
export type Clause = {
  readonly kind: Kind
  readonly key: string
  readonly operator: Operator
  readonly value: string | number | readonly string[]
}

const KINDS: readonly Kind[] = ['metric', 'param', 'tag', 'attribute', 'dataset']
/** As messages call them. */
const WORDS: Readonly<Record<Kind, string>> = {
  ...{ metric: 'metric', param: 'parameter', tag: 'tag', attribute: 'attribute', dataset: 'dataset' },
}
/** Most conditions in one filter. */
const CLAUSES = 100

/**
 * Reads a search filter: `metrics.rmse < 0.5 AND params."max depth" = '6'`.
 * @throws FilterError that says which condition cannot be read, and why
 */
export function parseFilter(text: string, entity: Entity): Clause[] {
  const tokens = tokensOf(text)
  const clauses: Clause[] = []
  let position = 0
  const next = (): Token | undefined => tokens[position++]
  while (position < tokens.length) {
    if (clauses.length === CLAUSES) throw new FilterError(`A filter may have at most ${CLAUSES} conditions`)
    if (clauses.length > 0) expectAnd(next(), text)
    const name = readName(next, text)
    const operator = readOperator(next, text)
    const operand = operandOf(entity, name)
    if (!operand.operators.includes(operator))
      throw new FilterError(
        `'${operator}' cannot compare ${WORDS[name.kind]} '${name.key}'; valid operators are ${operand.operators.join(', ')}`,
      )
    const { key = name.key } = operand as Partial<Attribute>
    const value = readValue(next, { ...operand, operator, kind: name.kind })
    clauses.push({ kind: name.kind, key, operator, value })
  }
  return clauses
}

/** The same filter, as it would be written first. */
export const printFilter = (clauses: readonly Clause[]): string =>
  clauses
    .map(({ kind, key, operator, value }) => {
      const shown =
        typeof value === 'number' ? `${value}` : typeof value === 'string' ? quoted(value) : listOf(value)
      return `${kind}.\`${key.replaceAll('`', '``')}\` ${operator} ${shown}`
    })
    .join(' AND ')

const quoted = (value: string): string => `'${value.replaceAll("'", "''")}'`
const listOf = (values: readonly string[]): string => `(${values.map(quoted).join(', ')})`

type Name = { readonly kind: Kind; readonly key: string }
type Next = () => Token | undefined

const invalid = (rest: string) => new FilterError(`Invalid clause(s) in filter string: '${rest}'`)

function expectAnd(token: Token | undefined, text: string): void {
  if (token?.type !== 'word' || token.text.toUpperCase() !== 'AND') throw invalid(token?.text ?? text)
}

/** `entity.key`, or the name of an attribute. */
function readName(next: Next, text: string): Name {
  const token = next()
  if (token?.type !== 'name' && token?.type !== 'word') throw invalid(token?.text ?? text)
  if (token.entity === undefined) return { kind: 'attribute', key: token.text }
  const kind = KIND_NAMES[token.entity]
  if (kind === undefined)
    throw new FilterError(
      `Invalid entity type '${token.entity}'. Valid values are [${KINDS.map((one) => `'${WORDS[one]}'`).join(', ')}]`,
    )
  return { kind, key: token.text }
}

function operandOf({ open, named }: Entity, { kind, key }: Name): Operand {
  const any = open[kind]
  if (any !== undefined) return any
  const keys = named[kind]
  if (keys === undefined) {
    const valid = KINDS.filter((one) => open[one] ?? named[one]).map((one) => `'${WORDS[one]}'`)
    throw new FilterError(`Invalid entity type '${WORDS[kind]}'. Valid values are [${valid.join(', ')}]`)
  }
  if (Object.hasOwn(keys, key)) return keys[key]!
  const valid = [...new Set(Object.values(keys).map((one) => `'${one.key}'`))].sort()
  throw new FilterError(
    `Invalid ${WORDS[kind]} key '${key}' specified. Valid keys are '{${valid.join(', ')}}'`,
  )
}

function readOperator(next: Next, text: string): Operator {
  const token = next()
  if (token?.type === 'operator') return token.text as Operator
  const word = token?.type === 'word' ? token.text.toUpperCase() : undefined
  if (word === 'LIKE' || word === 'ILIKE' || word === 'IN') return word
  if (word === 'NOT') {
    const second = next()
    if (second?.type === 'word' && second.text.toUpperCase() === 'IN') return 'NOT IN'
  }
  throw invalid(token?.text ?? text)
}

type Expected = Operand & { readonly operator: Operator; readonly kind: Kind }

function readValue(next: Next, { type, operator, kind }: Expected): Clause['value'] {
  if (operator === 'IN' || operator === 'NOT IN') return readList(next)
  const token = next()
  const got = token?.raw ?? 'nothing'
  if (type === 'number') {
    if (token?.type === 'number') return Number(token.text)
    throw new FilterError(`Expected numeric value type for ${WORDS[kind]}. Found ${got}`)
  }
  if (token?.type === 'string') return token.text
  throw new FilterError(
    `Expected a quoted string value for ${WORDS[kind]} (e.g. 'my-value'). Got value ${got}`,
  )
}

function readList(next: Next): string[] {
  const wrong = (token: Token | undefined) =>
    new FilterError(`Expected a list of quoted strings (e.g. ('a', 'b')). Got ${token?.raw ?? 'nothing'}`)
  const open = next()
  if (!isTokenOf(open, '(')) throw wrong(open)
  const values: string[] = []
  for (;;) {
    const value = next()
    if (value?.type !== 'string') throw wrong(value)
    values.push(value.text)
    const after = next()
    if (isTokenOf(after, ')')) return values
    if (!isTokenOf(after, ',')) throw wrong(after)
  }
}
