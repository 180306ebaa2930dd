import type { Budget } from '../bytes/limits.ts'
import { ModelError } from '../errors.ts'
import { buildArray, dtypeOf, scalarOf } from './arrays.ts'
import { DType, GlobalRef, type Inert, InertObject, NdArray } from './values.ts'

type Construct = (args: readonly Inert[], budget: Budget) => Inert

/** Bases that `copyreg._reconstructor` may start from: their `__new__` keeps a value and runs nothing. */
const PLAIN_BASES = new Set(
  ['object', 'dict', 'list', 'tuple', 'set', 'frozenset', 'str', 'int', 'float', 'bytes'].flatMap((name) => [
    `builtins.${name}`,
    `__builtin__.${name}`,
  ]),
)

/** What `copyreg._reconstructor(cls, base, state)` rebuilds; undefined when it would run somebody's code. */
function reconstruct([cls, base, state]: readonly Inert[], budget: Budget): InertObject | undefined {
  if (!(cls instanceof GlobalRef && base instanceof GlobalRef && PLAIN_BASES.has(base.qualified)))
    return undefined
  const object = new InertObject(cls, state === null || state === undefined ? [] : [state], false)
  if (state instanceof Map) object.entries = mapOf(state, budget)
  if (Array.isArray(state)) object.items = listOf(state, budget)
  return object
}

const encode: Construct = ([text, encoding], budget) => {
  const latin1 = encoding === 'latin1' || encoding === 'latin-1'
  if (typeof text !== 'string' || !latin1) throw wrong('_codecs.encode')
  budget.copy(text.length)
  return latin1Bytes(text)
}

export function latin1Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code > 255) throw new ModelError('corrupt', 'the file has bytes written as text that is not latin1')
    bytes[i] = code
  }
  return bytes
}

const arrayPlaceholder = (): NdArray => new NdArray([0], new DType('V', 0, false), false, new Uint8Array())

/** `bytes(…)`, `bytearray(…)`: of nothing, of bytes, of latin1 text (protocols 0–2), of a list of integers. */
const bytesOf: Construct = ([value, encoding], budget) => {
  if (value === undefined) return new Uint8Array()
  if (value instanceof Uint8Array) return value
  if (typeof value === 'string') return encode([value, encoding ?? null], budget)
  if (!Array.isArray(value)) throw wrong('bytearray')
  budget.copy(value.length)
  return Uint8Array.from(value, (byte) => (typeof byte === 'number' ? byte : 0))
}

/** `list(values)`, `tuple(values)`, `set(values)`. */
function listOf(value: Inert | undefined, budget: Budget): Inert[] {
  if (value === undefined) return []
  if (!Array.isArray(value) && !(value instanceof Set)) throw wrong('list')
  const list = [...value]
  budget.elements(list.length)
  return list
}

/** `dict(pairs)`, `OrderedDict(pairs)`. */
function mapOf(value: Inert | undefined, budget: Budget): Map<Inert, Inert> {
  if (value === undefined || value === null) return new Map()
  const pairs = value instanceof Map ? [...value] : value
  if (!Array.isArray(pairs)) throw wrong('dict')
  budget.elements(2 * pairs.length)
  return new Map(
    pairs.map((pair): [Inert, Inert] => {
      if (Array.isArray(pair) && pair.length === 2) return [pair[0]!, pair[1]!]
      throw wrong('dict')
    }),
  )
}

const arrayFromBuffer: Construct = ([data, dtype, shape, order], budget) => {
  if (order !== 'C' && order !== 'F') throw wrong('numpy._frombuffer')
  return buildArray({ shape, dtype, data }, order === 'F', budget)
}

const wrong = (name: string): ModelError =>
  new ModelError('corrupt', `the file gives ${name} arguments that it does not take`)

const both = (names: readonly string[], construct: Construct): [string, Construct][] =>
  names.map((name) => [name, construct])

const python = (name: string): string[] => [`builtins.${name}`, `__builtin__.${name}`]
const numpy = (name: string): string[] => [`numpy.core.${name}`, `numpy._core.${name}`]

/** The only names whose call has a value here: each returns inert data and nothing else. */
const CONSTRUCTORS: ReadonlyMap<string, Construct> = new Map([
  ...both(['_codecs.encode'], encode),
  ...both(['numpy.dtype'], ([spec]) => dtypeOf(spec ?? null)),
  ...both(numpy('multiarray._reconstruct'), arrayPlaceholder),
  ...both(numpy('multiarray.scalar'), ([dtype, data], budget) => scalarOf(dtype, data, budget)),
  ...both(numpy('numeric._frombuffer'), arrayFromBuffer),
  ...both([...python('bytes'), ...python('bytearray')], bytesOf),
  ...both([...python('list'), ...python('tuple')], ([values], budget) => listOf(values, budget)),
  ...both([...python('set'), ...python('frozenset')], ([values], budget) => new Set(listOf(values, budget))),
  ...both([...python('dict'), 'collections.OrderedDict'], ([pairs], budget) => mapOf(pairs, budget)),
  ...both(['collections.defaultdict'], ([, pairs], budget) => mapOf(pairs, budget)),
])

/** The value of `callee(*args)` when it is a data constructor, else undefined. @throws ModelError corrupt */
export function construct(callee: GlobalRef, args: readonly Inert[], budget: Budget): Inert | undefined {
  const { qualified } = callee
  if (qualified === 'copyreg._reconstructor' || qualified === 'copy_reg._reconstructor')
    return reconstruct(args, budget)
  return CONSTRUCTORS.get(qualified)?.(args, budget)
}
