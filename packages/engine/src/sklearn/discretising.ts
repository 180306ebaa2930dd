import { bin } from '../ops/discretising.ts'
import { oneHot } from '../ops/encoding.ts'
import { numbersOf } from '../pickle/numpy.ts'
import { GlobalRef, NdArray } from '../pickle/values.ts'
import { startsOf } from './encoding.ts'
import type { Family, Lower } from './lowering.ts'
import { checked, transformer } from './scaling.ts'
import { isVersion } from './version.ts'

/** The inner edges decide: values beyond the outer ones fall into the first and the last bin. */
const lowerBins: Lower = (discretizer, x, { graph }) => {
  const dtype = discretizer.find('dtype')
  if (dtype instanceof GlobalRef && dtype.name === 'float32')
    throw discretizer.error('unsupported', `${discretizer.name} bins in float32`, 'fit it without dtype')
  const edges = discretizer.list('bin_edges_').map((value) => {
    if (!(value instanceof NdArray))
      throw discretizer.error('corrupt', `${discretizer.name}.bin_edges_ holds no arrays`)
    return numbersOf(value).slice(1, -1)
  })
  const bins = graph.add(bin, [checked(graph, x, 'refuse')], {
    edges,
    nudged: !isVersion(discretizer, 1, 1),
  })
  if (discretizer.text('encode') === 'ordinal') return transformer(graph, bins)
  const counts = edges.map((inner) => inner.length + 1)
  const starts = startsOf(counts)
  const slots = counts.map((count, column) =>
    Int32Array.from({ length: count + 1 }, (_, i) => (i === 0 ? -1 : starts[column]! + i - 1)),
  )
  return transformer(graph, graph.add(oneHot, [bins], { slots, width: starts.at(-1)!, single: false }))
}

export const discretisingFamily: readonly Family[] = [
  {
    names: ['sklearn.preprocessing.KBinsDiscretizer'],
    fields: 'bin_edges_ n_bins_',
    lower: lowerBins,
  },
]
