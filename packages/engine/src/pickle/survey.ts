import { type Limits, overLimit } from '../bytes/limits.ts'
import { ModelError } from '../errors.ts'
import { type Inert, InertObject, NdArray } from './values.ts'

/**
 * Walks everything that hangs below `root` once and refuses what would trouble a recursive reader:
 * containers nested deeper than `maxDepth`, and containers that hold themselves.
 */
export function survey(root: Inert, limits: Limits): void {
  const open = new Set<Inert>()
  const done = new Set<Inert>()
  const stack: { value: Inert; children: Inert[]; next: number }[] = []
  const enter = (value: Inert): void => {
    if (value === null || typeof value !== 'object' || done.has(value)) return
    if (open.has(value)) throw new ModelError('corrupt', 'the file has an object that contains itself')
    const children = childrenOf(value)
    if (children === undefined) return
    if (stack.length >= limits.maxDepth) throw overLimit('levels of nesting', limits.maxDepth)
    open.add(value)
    stack.push({ value, children, next: 0 })
  }
  enter(root)
  for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
    if (frame.next < frame.children.length) enter(frame.children[frame.next++]!)
    else {
      open.delete(frame.value)
      done.add(frame.value)
      stack.pop()
    }
  }
}

/** undefined: cannot hold anything. */
function childrenOf(value: Inert): Inert[] | undefined {
  if (Array.isArray(value)) return value
  if (value instanceof Map) return [...value.keys(), ...value.values()]
  if (value instanceof Set) return [...value]
  if (value instanceof NdArray) return Array.isArray(value.data) ? value.data : undefined
  if (!(value instanceof InertObject)) return undefined
  const { args, state, items, entries } = value
  return [...args, state, ...(items ?? []), ...(entries === undefined ? [] : [entries])]
}
