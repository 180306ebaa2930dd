import { ModelError } from '../errors.ts'
import { cellsOf } from '../pickle/numpy.ts'
import { DType, GlobalRef, type Inert, InertObject, NdArray } from '../pickle/values.ts'

/** One value of a dictionary, list or tuple. */
export type Entry = { readonly key: string; readonly value: Inert }

/** Longest key that a message repeats. */
const KEY_LENGTH = 60

/** Keys and values of a dictionary, or of a list by position; undefined for anything else. */
export function entriesOf(root: Inert): Entry[] | undefined {
  if (Array.isArray(root)) return root.map((value, i) => ({ key: String(i), value }))
  const map = root instanceof InertObject ? root.entries : root
  if (!(map instanceof Map)) return undefined
  return [...map].map(([key, value]) => ({ key: String(key), value }))
}

/** The value under a key of a dictionary or at a position of a list; `outer/inner` for one inside another. @throws ModelError saying what there is */
export function pickEntry(root: Inert, key: string): Inert {
  const entries = entriesOf(root)
  if (entries === undefined)
    throw new ModelError('format', `the file holds ${nameOf(root)}, which has no entry ${quote(key)}`, {
      hint: 'give the file without #…',
    })
  const found = entries.find((entry) => entry.key === key)
  if (found !== undefined) return found.value
  const outer = entries.find((entry) => key.startsWith(`${entry.key}/`))
  if (outer !== undefined) return pickEntry(outer.value, key.slice(outer.key.length + 1))
  throw new ModelError('format', `the file has no entry ${quote(key)}`, {
    hint: `it holds ${listEntries(entries)}`,
  })
}

/** Texts of a list, a tuple, a numpy array or a pandas Index; undefined when it is anything else. */
export function namesOf(value: Inert): string[] | undefined {
  const list = value instanceof InertObject ? indexData(value) : value
  const cells = Array.isArray(list) ? list : isTextArray(list) ? cellsOf(list) : []
  const names = cells.filter((name) => typeof name === 'string')
  return names.length > 0 && names.length === cells.length ? names : undefined
}

const isTextArray = (value: Inert | undefined): value is NdArray =>
  value instanceof NdArray && (value.dtype.kind === 'O' || value.dtype.kind === 'U')

/** `pandas.core.indexes.base._new_Index(Index, {"data": array, "name": …})` */
function indexData({ cls, args }: InertObject): Inert | undefined {
  const options = cls.name === '_new_Index' ? args[1] : undefined
  return options instanceof Map ? options.get('data') : undefined
}

export const quote = (key: string): string =>
  `'${key.length > KEY_LENGTH ? `${key.slice(0, KEY_LENGTH)}…` : key}'`

const MOST_LISTED = 8

/** `'model' (RandomForestClassifier), 'columns' (a list of 4 names)` */
export function listEntries(entries: readonly Entry[]): string {
  const listed = entries.slice(0, MOST_LISTED).map(({ key, value }) => `${quote(key)} (${nameOf(value)})`)
  const more = entries.length - listed.length
  return listed.join(', ') + (more > 0 ? ` and ${more} more` : '')
}

/** A value in words. */
export function nameOf(value: Inert): string {
  if (value instanceof NdArray) return 'a numpy array'
  if (value instanceof DType) return 'a numpy dtype'
  if (value instanceof GlobalRef)
    return `the ${/^[A-Z]/.test(value.name) ? 'class' : 'function'} ${value.qualified}`
  const names = namesOf(value)
  if (names !== undefined) return `a list of ${names.length} name${names.length === 1 ? '' : 's'}`
  if (value instanceof InertObject) return `a ${value.cls.qualified}`
  if (value instanceof Map) return 'a dictionary'
  if (Array.isArray(value)) return 'a list or tuple'
  if (value instanceof Set) return 'a set'
  if (value instanceof Uint8Array) return 'bytes'
  return value === null ? 'None' : typeof value === 'string' ? 'text' : `a ${typeof value}`
}
