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
  const { open, named } = entity
  const keys = named[kind]
  if (open[kind] === undefined && !(keys !== undefined && Object.hasOwn(keys, name.text)))
    throw new FilterError(
      `Invalid order_by key '${name.text}' specified. Valid keys are '{${Object.values(keys ?? {})
        .map(({ key }) => `'${key}'`)
        .join(', ')}}'`,
    )
  return { kind, key: keys?.[name.text]?.key ?? name.text, isDescending: isDescending(direction, wrong) }
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
