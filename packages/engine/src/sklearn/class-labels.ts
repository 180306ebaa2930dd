import type { Cell } from '../ir/program.ts'
import { cellsOf, dtypeName } from '../pickle/numpy.ts'
import { type Inert, NdArray } from '../pickle/values.ts'
import type { Estimator } from './estimator.ts'

export type ClassLabels = {
  /** Class labels per output. */
  readonly classes: readonly (readonly Cell[])[]
  /** dtype of the labels the library answers with. */
  readonly dtype: string
}

/** `classes_`: an array, or a list of one array per output. @throws ModelError when there are none */
export function classLabels(estimator: Estimator): ClassLabels {
  const value = estimator.get('classes_')
  const arrays: Inert[] = Array.isArray(value) ? value : [value]
  if (arrays.length === 0 || !arrays.every((array) => array instanceof NdArray && array.length > 0))
    throw estimator.error('corrupt', 'classes_ is not an array of labels')
  const labels = arrays as NdArray[]
  return { classes: labels.map(cellsOf), dtype: dtypeName(labels[0]!.dtype) }
}
