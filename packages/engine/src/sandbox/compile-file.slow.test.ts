import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { decodeProgram } from '../ir/codec.ts'
import { compileFile, RefusedFile } from './compile-file.ts'

const FIXTURES = new URL('../../test/fixtures/', import.meta.url)
const bytesOf = (name: string) => new Uint8Array(readFileSync(new URL(name, FIXTURES)))
const refusalOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  )

/** Protocol 4, then operations, then STOP. */
const pickle = (...operations: Buffer[]) =>
  Buffer.concat([Buffer.from([0x80, 4]), ...operations, Buffer.from('.')])

test('a file becomes a program and a report', async () => {
  const bytes = bytesOf('scikit-learn-1.3.2/rf-three/model.joblib.xz')

  const { program, report } = await compileFile(bytes)

  expect(decodeProgram(program).origin).toEqual({
    library: 'scikit-learn',
    libraryVersion: '1.3.2',
    estimator: 'sklearn.ensemble._forest.RandomForestClassifier',
  })
  expect(report).toMatchObject({ compression: 'xz', bytes: bytes.length, libraryVersion: '1.3.2' })
  expect(bytes.length).toBeGreaterThan(0)
})

test('a refusal keeps its kind, path, hint and what was learnt of the file', async () => {
  const refusal = await refusalOf(compileFile(bytesOf('scikit-learn-1.3.2/refused-lambda/model.pkl')))
  const custom = await refusalOf(compileFile(bytesOf('scikit-learn-1.3.2/refused-subclass/model.pkl')))

  expect(refusal).toBeInstanceOf(RefusedFile)
  expect(refusal).toMatchObject({ name: 'ModelError', kind: 'hostile', report: undefined })
  expect(custom).toMatchObject({
    kind: 'unknown',
    message: expect.stringContaining('fraud.models.CautiousForest'),
    report: { estimator: 'fraud.models.CautiousForest', libraryVersion: '1.3.2' },
  })
})

test('limits reach the reader', async () => {
  const refusal = await refusalOf(
    compileFile(bytesOf('scikit-learn-1.3.2/rf-three/model.joblib'), { limits: { maxElements: 10 } }),
  )

  expect(refusal).toMatchObject({ kind: 'limit', message: expect.stringContaining('more than 10 elements') })
})

test('a worker that needs too much memory is a refusal, not the end of this process', async () => {
  const dictionaries = pickle(Buffer.from(']('), Buffer.alloc(3_000_000, '}'), Buffer.from('e'))

  const refusal = await refusalOf(compileFile(dictionaries, { maxHeapMib: 64 }))

  expect(refusal).toMatchObject({
    kind: 'limit',
    message: expect.stringContaining('more than 64 MiB of memory'),
  })
})

test('a worker that takes too long is ended', async () => {
  const busy = pickle(Buffer.alloc(20_000_000, 'N0'), Buffer.from('N'))

  const refusal = await refusalOf(compileFile(busy, { deadlineMs: 1 }))

  expect(refusal).toMatchObject({ kind: 'limit', message: expect.stringContaining('longer than 1 ms') })
})
