import { type Inert, InertObject, NdArray } from './values.ts'

const MOST_VALUES = 1_000_000

/** Names of the pipeline steps around the first call of one of `names` below `root`: `["step 'prep'", "step 'log'"]`. */
export function stepsToCall(root: Inert, names: readonly string[]): string[] {
  const seen = new Set<Inert>()
  const stack: { value: Inert; path: readonly string[] }[] = [{ value: root, path: [] }]
  for (let next = stack.pop(); next !== undefined && seen.size < MOST_VALUES; next = stack.pop()) {
    const { value, path } = next
    if (value === null || typeof value !== 'object' || seen.has(value)) continue
    seen.add(value)
    if (value instanceof InertObject && value.called && isOneOf(value, names)) return [...path]
    const inner = isNamedStep(value) ? [...path, `step '${value[0]}'`] : path
    for (const child of heldBy(value)) stack.push({ value: child, path: inner })
  }
  return []
}

/** Calls of `getattr` are listed with what they would read. */
const isOneOf = ({ cls }: InertObject, names: readonly string[]): boolean =>
  names.some((name) => name === cls.qualified || name.startsWith(`${cls.qualified}(`))

/** ('name', estimator) or ('name', transformer, columns) */
const isNamedStep = (value: Inert): value is [string, InertObject, ...Inert[]] =>
  Array.isArray(value) && typeof value[0] === 'string' && value[1] instanceof InertObject && !value[1].called

/** Last first, so that the stack gives them in the order of the file. */
function heldBy(value: Inert): Inert[] {
  if (Array.isArray(value)) return value.toReversed()
  if (value instanceof Map) return [...value].flat().reverse()
  if (value instanceof Set) return [...value].reverse()
  if (value instanceof NdArray) return Array.isArray(value.data) ? value.data.toReversed() : []
  if (!(value instanceof InertObject)) return []
  const { args, state, items, entries } = value
  return [...args, state, ...(items ?? []), ...(entries === undefined ? [] : [entries])].reverse()
}
