import { hashedFeatures, labelSet, recordFeatures } from '../ops/records.ts'
import type { Family, Lower } from './lowering.ts'
import { transformer } from './scaling.ts'
import { expectDouble } from './text.ts'

/** Features of objects by their names. `sparse=False` writes the zeros. */
const lowerDictionary: Lower = (vectorizer, x, { graph }) => {
  expectDouble(vectorizer)
  const features = vectorizer.list('feature_names_')
  if (!features.every((feature) => typeof feature === 'string'))
    throw vectorizer.error('unsupported', `${vectorizer.name} has names that are not texts`)
  const separator = vectorizer.text('separator')
  const node = graph.add(recordFeatures, [graph.toCells(x)], { features, separator })
  return transformer(graph, vectorizer.flag('sparse', true) ? node : graph.toNumbers(node), {
    dtype: 'float64',
  })
}

const lowerHasher: Lower = (hasher, x, { graph }) => {
  expectDouble(hasher)
  const node = graph.add(hashedFeatures, [graph.toCells(x)], {
    width: hasher.number('n_features'),
    form: hasher.text('input_type'),
    alternate: hasher.flag('alternate_sign', true),
  })
  return transformer(graph, node, { dtype: 'float64' })
}

const lowerLabels: Lower = (binarizer, x, { graph }) => {
  const node = graph.add(labelSet, [graph.toCells(x)], { labels: binarizer.cells('classes_') })
  return transformer(graph, node, { dtype: 'int64' })
}

export const recordFamily: readonly Family[] = [
  {
    names: ['sklearn.feature_extraction.DictVectorizer'],
    fields: 'feature_names_ vocabulary_',
    columnNames: () => ['record'],
    note: 'a row is an object',
    lower: lowerDictionary,
  },
  {
    names: ['sklearn.feature_extraction.FeatureHasher'],
    fields: '',
    columnNames: () => ['record'],
    note: 'a row is an object or a list',
    lower: lowerHasher,
  },
  {
    names: ['sklearn.preprocessing.MultiLabelBinarizer'],
    fields: 'classes_',
    columnNames: () => ['labels'],
    note: 'a row is a list of labels',
    lower: lowerLabels,
  },
]
