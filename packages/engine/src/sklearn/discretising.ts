import { bin } from '../ops/discretising.ts'
import { oneHot } from '../ops/encoding.ts'
import { numbersOf } from '../pickle/numpy.ts'
import { NdArray } from '../pickle/values.ts'
import type { Family, Lower } from './lowering.ts'
import { checked, transformer } from './scaling.ts'

/** The inner edges decide: values beyond the outer ones fall into the first and the last bin. */
const lowerBins: Lower = (discretizer, x, { graph }) => {
  const edges = discretizer.list('bin_edges_').map((value) => {
    if (!(value instanceof NdArray))
      throw discretizer.error('corrupt', `${discretizer.name}.bin_edges_ holds no arrays`)
    return numbersOf(value).slice(1, -1)
  })
  const bins = graph.add(bin, [checked(graph, x, 'refuse')], { edges })
  if (discretizer.text('encode') === 'ordinal') return transformer(graph, bins)
  const counts = edges.map((inner) => inner.length + 1)
  const starts = counts.map((_, column) => counts.slice(0, column).reduce((a, b) => a + b, 0))
  const slots = counts.map((count, column) =>
    Int32Array.from({ length: count + 1 }, (_, i) => (i === 0 ? -1 : starts[column]! + i - 1)),
  )
  const width = counts.reduce((a, b) => a + b, 0)
  return transformer(graph, graph.add(oneHot, [bins], { slots, width, single: false }))
}

export const discretisingFamily: readonly Family[] = [
  {
    names: ['sklearn.preprocessing.KBinsDiscretizer'],
    fields: 'bin_edges_ n_bins_',
    lower: lowerBins,
  },
]
