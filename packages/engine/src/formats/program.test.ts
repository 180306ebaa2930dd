import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { decodeProgram, encodeProgram } from '../ir/codec.ts'
import type { Lineage, Program } from '../ir/program.ts'
import { compileBytes, compileParts } from '../sandbox/compile.ts'

const FOREST = new URL('../../test/fixtures/scikit-learn-1.3.2/rf-three/model.joblib', import.meta.url)

function compiled(bytes: Uint8Array) {
  const outcome = compileBytes(bytes, {})
  return 'compiled' in outcome ? outcome.compiled : expect.fail(outcome.refusal.message)
}

const stored = compiled(new Uint8Array(readFileSync(FOREST))).program
const lineage: Lineage = {
  parents: [{ name: 'model.joblib', digest: 'ab12' }],
  changes: ['the first 2 of 10 trees'],
  command: 'millwright optimize model.joblib',
}
const withLineage = (given: unknown): Uint8Array => {
  const program = decodeProgram(stored)
  return encodeProgram({ ...program, origin: { ...program.origin, lineage: given } } as Program)
}

test('a stored program is a model file like any other', () => {
  const { program, report } = compiled(stored)

  expect(program).toEqual(stored)
  expect(report).toMatchObject({
    container: 'millwright',
    compression: 'none',
    bytes: stored.length,
    library: 'scikit-learn',
    libraryVersion: '1.3.2',
    estimator: 'sklearn.ensemble._forest.RandomForestClassifier',
    steps: [{ path: [], class: 'sklearn.ensemble._forest.RandomForestClassifier' }],
    globals: [],
  })
  expect(report).not.toHaveProperty('lineage')
})

test('what it was made from is part of the file and of its report', () => {
  const bytes = withLineage(lineage)

  expect(compiled(bytes).report.lineage).toEqual(lineage)
  expect(compiled(bytes).program).toEqual(bytes)
})

test('a lineage that is none is refused', () => {
  for (const [wrong, reason] of [
    [{ ...lineage, parents: 'model' }, 'lineage: parents: expects a list'],
    [{ ...lineage, parents: [{ name: 'a' }] }, 'lineage: expects name and digest'],
    [{ ...lineage, changes: [1] }, 'lineage: expects texts'],
    [{ ...lineage, command: null }, 'lineage: expects texts'],
  ] as const)
    expect(compileBytes(withLineage(wrong), {})).toMatchObject({
      refusal: { kind: 'corrupt', message: expect.stringContaining(reason) },
    })
})

test('a file cut short is refused', () => {
  expect(compileBytes(stored.slice(0, -8), {})).toMatchObject({
    refusal: { kind: 'corrupt', message: expect.stringContaining('a section is cut short') },
  })
})

test('a program takes no further parts', () => {
  const scaler = new URL('../../test/fixtures/chains/two-files/scaler.pkl', import.meta.url)
  const parts = { model: { bytes: stored }, after: [{ bytes: new Uint8Array(readFileSync(scaler)) }] }

  expect(compileParts(parts, {})).toMatchObject({
    refusal: { kind: 'unknown', hint: expect.stringContaining('deploy its file alone') },
  })
})
