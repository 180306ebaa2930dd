import { missing, wrongValue } from '../tracking/errors.ts'

/**
 * What a request may say. Proto3's JSON, as far as MLflow's clients use it: unknown fields are ignored; an int64 is a number
 * or its digits; a double may be "NaN" or "Infinity"; an enum is its name or its number; null is nothing.
 */
export type Field<T> = {
  readonly read: (value: unknown, name: string) => T
  readonly isRequired: boolean
  readonly isList?: boolean
}
type ValueOf<F> = F extends Field<infer T> ? T : never
export type Fields = Readonly<Record<string, Field<unknown>>>
export type Message<F extends Fields> = { readonly [K in keyof F]: ValueOf<F[K]> }

const field = <T>(read: (value: unknown, name: string) => T): Field<T | undefined> => ({
  isRequired: false,
  read: (value, name) => (value === undefined || value === null ? undefined : read(value, name)),
})

/** Must be there, and texts and lists must not be empty. */
export const required = <T>(optional: Field<T | undefined>): Field<T> => ({
  ...optional,
  isRequired: true,
  read(value, name) {
    if (value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0))
      throw missing(name)
    return optional.read(value, name) as T
  },
})

export const text = field((value, name) => {
  if (typeof value === 'string') return value
  throw wrongValue(name, value)
})

const INT = /^[+-]?\d{1,19}$/
const INT64 = 2n ** 63n

/** The double before 2^63. */
const LARGEST = 2 ** 63 - 1024

/** Beyond 2^53 the nearest double stands for it. */
export const int64 = field((value, name) => {
  if (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= 2 ** 63)
    return Math.min(value, LARGEST)
  if (typeof value === 'string' && INT.test(value)) {
    const exact = BigInt(value)
    if (exact < INT64 && exact >= -INT64) return Math.min(Number(exact), LARGEST)
  }
  throw wrongValue(name, value)
})

const SPECIAL: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
}

export const double = field((value, name) => {
  if (typeof value === 'number') return value
  if (typeof value === 'string') {
    if (Object.hasOwn(SPECIAL, value)) return SPECIAL[value]!
    if (value.trim() !== '' && Number.isFinite(Number(value))) return Number(value)
  }
  throw wrongValue(name, value)
})

/** True and false, also as a query says them. */
export const bool = field((value, name) => {
  if (value === true || value === 'true') return true
  if (value === false || value === 'false') return false
  throw wrongValue(name, value)
})

/** A name of `names`, or its number. @param first number of the first */
export const oneOf = <T extends string>(names: readonly T[], first = 1): Field<T | undefined> =>
  field((value, name) => {
    const found = typeof value === 'number' ? names[value - first] : names.find((one) => one === value)
    if (found === undefined) throw wrongValue(name, value)
    return found
  })

export const list = <T>(item: Field<T>): Field<readonly T[]> => ({
  isRequired: false,
  isList: true,
  read(value, name) {
    if (value === undefined || value === null) return []
    if (!Array.isArray(value)) throw wrongValue(name, value)
    return value.map((one, index) => item.read(one, `${name}[${index}]`))
  },
})

export const message = <F extends Fields>(fields: F): Field<Message<F> | undefined> =>
  field((value, name) => {
    if (!isObject(value)) throw wrongValue(name, value)
    return readMessage(fields, value, `${name}.`)
  })

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** @param prefix of names in errors @throws MlflowError INVALID_PARAMETER_VALUE that names the field */
export function readMessage<F extends Fields>(
  fields: F,
  given: Readonly<Record<string, unknown>>,
  prefix = '',
): Message<F> {
  const read: Record<string, unknown> = {}
  for (const name in fields)
    read[name] = fields[name]!.read(Object.hasOwn(given, name) ? given[name] : undefined, prefix + name)
  return read as Message<F>
}
