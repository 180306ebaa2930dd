import { DEFAULT_LIMITS, type Limits } from '../src/bytes/limits.ts'
import { type Unpickled, unpickle } from '../src/pickle/unpickle.ts'

/** Pickle streams written operation by operation: text is latin1, numbers are single bytes. */
export const stream = (...parts: readonly (string | number | Uint8Array)[]): Uint8Array =>
  Buffer.concat(
    parts.map((part) =>
      typeof part === 'number'
        ? Buffer.from([part])
        : typeof part === 'string'
          ? Buffer.from(part, 'latin1')
          : part,
    ),
  )

/** GLOBAL module name. */
export const named = (module: string, name: string): string => `c${module}\n${name}\n`

/** SHORT_BINUNICODE. */
export const text = (value: string): string => `\x8c${String.fromCharCode(value.length)}${value}`

/** SHORT_BINBYTES. */
export const raw = (...bytes: readonly number[]): string => `C${String.fromCharCode(bytes.length, ...bytes)}`

/** `numpy.dtype(spec)` with a byte order and nothing else. */
export const dtype = (spec: string, order = '<'): string =>
  `${named('numpy', 'dtype')}${text(spec)}\x89\x88\x87R(K\x03${text(order)}NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb`

/** A numpy array as numpy pickles it. `shape` and `data` are operations that push a tuple and bytes or a list. */
export const array = (shape: string, type: string, data: string, fortran = false): string =>
  `${named('numpy.core.multiarray', '_reconstruct')}${named('numpy', 'ndarray')}K\x00\x85${raw(98)}\x87R(K\x01${shape}${type}${fortran ? '\x88' : '\x89'}${data}tb`

/** Reads operations, STOP added. */
export const read = (operations: string | Uint8Array, limits: Partial<Limits> = {}): Unpickled =>
  unpickle(stream(operations, '.'), { ...DEFAULT_LIMITS, ...limits })

export const value = (operations: string | Uint8Array) => read(operations).root
