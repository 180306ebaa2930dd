import { ModelError } from '../errors.ts'
import { buildArray, elementCount, shapeOf } from './arrays.ts'
import type { Machine } from './machine.ts'
import { DType, GlobalRef, type Inert, type InertObject, NdArray } from './values.ts'

const MODULES = new Set(['joblib.numpy_pickle', 'sklearn.externals.joblib.numpy_pickle'])
const SUBCLASSES = new Set(['numpy.ndarray', 'numpy.memmap', 'numpy.core.memmap.memmap', 'numpy.matrix'])

/**
 * Is this joblib's stand-in for an array whose bytes follow in the file?
 * @throws ModelError format for the stand-ins of joblib before 0.10, whose arrays are in other files
 */
export function isArrayWrapper(object: InertObject): boolean {
  if (!MODULES.has(object.cls.module)) return false
  if (object.cls.name === 'NumpyArrayWrapper') return true
  throw new ModelError('format', 'the arrays of this joblib file are in other files (joblib before 0.10)', {
    hint: 'load it with its own joblib and save it again with joblib 0.10 or later',
  })
}

/**
 * Reads the array that follows a `NumpyArrayWrapper`: raw bytes, after one byte that says how much padding there is
 * when `numpy_array_alignment_bytes` is set (joblib ≥ 1.2); for object arrays a nested pickle with its own memo.
 */
export function readWrappedArray(wrapper: InertObject, machine: Machine): Inert {
  const state = wrapper.state
  if (!(state instanceof Map)) throw new ModelError('corrupt', 'a joblib array without a description')
  const dtype = state.get('dtype')
  const subclass = state.get('subclass')
  if (!(dtype instanceof DType)) throw new ModelError('corrupt', 'a joblib array without a dtype')
  if (!(subclass instanceof GlobalRef && SUBCLASSES.has(subclass.qualified)))
    throw new ModelError('unsupported', 'a joblib array of a class that is not numpy.ndarray')
  if (dtype.kind === 'O') return objectArray(machine.readNested())
  const order = state.get('order')
  if (order !== 'C' && order !== 'F') throw new ModelError('corrupt', 'a joblib array in no known order')
  const shape = shapeOf(state.get('shape'))
  const byteLength = elementCount(shape, machine.budget) * dtype.itemsize
  if (typeof state.get('numpy_array_alignment_bytes') === 'number') machine.cursor.take(machine.cursor.u8())
  const data = machine.cursor.slice(byteLength)
  return buildArray({ shape, dtype, data }, order === 'F', machine.budget)
}

function objectArray(value: Inert): NdArray {
  if (value instanceof NdArray) return value
  throw new ModelError('corrupt', 'a joblib object array that is not an array')
}
