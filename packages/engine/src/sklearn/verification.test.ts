import { expect, test } from 'vitest'
import { doubles, object } from '../../test/inert.ts'
import type { ModelFile } from '../formats/read-file.ts'
import { reportOf } from '../formats/report.ts'
import type { Inert, InertObject } from '../pickle/values.ts'
import { lowerModel } from './lower.ts'
import { verifiedRuns } from './verification.ts'
import { VERSIONS } from './verified.ts'

const scaler = (attributes: Readonly<Record<string, Inert>>): InertObject =>
  object('sklearn.preprocessing._data.StandardScaler', {
    with_mean: true,
    with_std: true,
    n_features_in_: 1,
    mean_: doubles([1]),
    scale_: doubles([2]),
    ...attributes,
  })

const inPipeline = (step: InertObject, version: string): InertObject =>
  object('sklearn.pipeline.Pipeline', { steps: [['scale', step]], _sklearn_version: version })

const FILE: Omit<ModelFile, 'root'> = {
  container: 'pickle',
  compression: 'none',
  protocol: 4,
  bytes: 1,
  decompressedBytes: 1,
  globals: [],
}

const notesOn = (root: InertObject): readonly string[] => reportOf({ ...FILE, root }, root).unverified

test('a version that was compared needs no note', () => {
  expect(notesOn(inPipeline(scaler({ _sklearn_version: '1.7.1' }), '1.7.1'))).toEqual([])
})

test('a version newer than any that was compared is served with a note', () => {
  const model = inPipeline(scaler({ _sklearn_version: '1.99.0' }), '1.99.0')

  expect(lowerModel(model).outputs.map(({ name }) => name)).toEqual(['transform'])
  expect(notesOn(model)).toEqual([
    `unverified version: Pipeline, StandardScaler of scikit-learn 1.99.0, newer than ${VERSIONS.at(-1)}, the newest that was compared; every fitted attribute is known`,
  ])
})

test.each([
  ['0.19.2', 'of scikit-learn 0.19.2, older than 0.20, the oldest that was compared'],
  ['1.100.0', 'of scikit-learn 1.100.0, newer than'],
  [null, 'of scikit-learn ?, of an unknown version, read as'],
])('of %s it is said why', (version, note) => {
  expect(notesOn(scaler({ _sklearn_version: version })).join()).toContain(note)
})

test('a class that was not compared in this version is named, the others are not', () => {
  const encoder = object('sklearn.preprocessing._target_encoder.TargetEncoder', {
    _sklearn_version: '0.24.1',
  })

  expect(notesOn(inPipeline(encoder, '0.24.1'))).toEqual([
    'unverified version: TargetEncoder of scikit-learn 0.24.1, in which they were not compared with the library; every fitted attribute is known',
  ])
})

test.each([
  ['trimmed_', '1.7.0'],
  ['trimmed_', '1.99.0'],
  ['_trimmed', '1.99.0'],
])('the fitted attribute %s of version %s is refused, with its name and its step', (attribute, version) => {
  const model = inPipeline(scaler({ _sklearn_version: version, [attribute]: 0.5 }), version)

  expect(() => lowerModel(model)).toThrow(
    `step 'scale': sklearn.preprocessing._data.StandardScaler has the attribute ${attribute}, which we do not know and which could change its answers`,
  )
})

test('private attributes that compared versions write are known, and others of those versions were compared too', () => {
  const known = { _sklearn_version: '1.99.0', _sklearn_output_config: new Map() }

  expect(() => lowerModel(inPipeline(scaler(known), '1.99.0'))).not.toThrow()
  expect(() => lowerModel(inPipeline(scaler({ _sklearn_version: '1.7.0', _own: 1 }), '1.7.0'))).not.toThrow()
})

test('every class says in which versions it was compared', () => {
  expect(verifiedRuns('sklearn.ensemble.RandomForestClassifier')).toBe(`${VERSIONS[0]}-${VERSIONS.at(-1)}`)
  expect(verifiedRuns('sklearn.nobody.Knows')).toBe('')
})
