import { type Entity, KIND_NAMES, type Kind } from './entities.ts'
import { FilterError, type Token, tokensOf } from './tokens.ts'

/** What results are sorted by, first. */
export type Order = { readonly kind: Kind; readonly key: string; readonly isDescending: boolean }

const SORTED: readonly Kind[] = ['metric', 'param', 'tag', 'attribute']

/**
 * Reads `metrics.rmse DESC`. Without a direction it ascends.
 * @throws FilterError that shows what cannot be read
 */
export function parseOrder(text: string, entity: Entity): Order {
  const wrong = new FilterError(`Invalid ordering key in order_by clause '${text}'.`)
  const [name, direction, ...rest] = tokensOf(text)
  if (name === undefined || rest.length > 0) throw wrong
  const kind = name.entity === undefined ? 'attribute' : KIND_NAMES[name.entity]
  const isName = name.type === 'name' || name.type === 'word'
  if (!isName || kind === undefined || !SORTED.includes(kind)) throw wrong
  const key = entity.open[kind] === undefined ? keyOf(kind, name.text, entity) : name.text
  return { kind, key, isDescending: isDescending(direction, wrong) }
}

/** What the name of an attribute means. */
function keyOf(kind: Kind, name: string, { named, sorted }: Entity): string {
  const keys = new Map([
    ...Object.entries(named[kind] ?? {}).map(([one, { key }]) => [one, key] as const),
    ...(kind === 'attribute' ? Object.entries(sorted ?? {}) : []),
  ])
  const key = keys.get(name)
  if (key !== undefined) return key
  const valid = [...new Set(keys.values())].map((one) => `'${one}'`).join(', ')
  throw new FilterError(`Invalid order_by key '${name}' specified. Valid keys are '{${valid}}'`)
}

function isDescending(token: Token | undefined, wrong: FilterError): boolean {
  const word = token?.text.toUpperCase()
  if (word === undefined || word === 'ASC') return false
  if (word === 'DESC') return true
  throw wrong
}

/** @throws FilterError when two sort by the same */
export function parseOrders(texts: readonly string[], entity: Entity): Order[] {
  const orders = texts.map((text) => parseOrder(text, entity))
  orders.forEach(({ kind, key }, index) => {
    if (orders.findIndex((other) => other.kind === kind && other.key === key) < index)
      throw new FilterError(`\`order_by\` contains duplicate fields: ${texts.join(', ')}`)
  })
  return orders
}
