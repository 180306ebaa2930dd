import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { contractOf } from '../check/contract.ts'
import { measureLatency } from '../check/latency.ts'
import { compileProgram } from '../exec/compiled.ts'
import { allOutputs } from '../exec/reference.ts'
import { decodeProgram } from '../ir/codec.ts'
import { inputSchema } from '../ir/schema.ts'
import { compileBytes } from '../sandbox/compile.ts'
import { changesBetween, type Reviewed } from './changes.ts'
import { type ReviewContext, reviewOf } from './review.ts'

const FIXTURES = new URL('../../test/fixtures/', import.meta.url)

function read(file: string): Reviewed & { readonly executable: ReturnType<typeof compileProgram> } {
  const outcome = compileBytes(new Uint8Array(readFileSync(new URL(file, FIXTURES))), {})
  if (!('compiled' in outcome)) throw new Error(outcome.refusal.message)
  const program = decodeProgram(outcome.compiled.program)
  return {
    digest: file,
    report: outcome.compiled.report,
    columns: inputSchema(program),
    outputs: allOutputs(program),
    classes: program.classes,
    contract: contractOf(program) as Record<string, string>,
    latency: { single: { p50: 4, p99: 900 }, batch: { p50: 1, p99: 2, rows: 256 } },
    executable: compileProgram(program),
  }
}
const forest = read('scikit-learn-1.3.2/rf-three-names/model.p5.pkl')
const churn = read('scikit-learn-1.5.2/churn-grid/model.p2.pkl')

const answerTo = (question: string, context: ReviewContext = {}, model: Reviewed = forest) => {
  const { verdict, answer } = reviewOf(model, context).find((entry) => entry.question === question)!
  return `${verdict}: ${answer}`
}

test('without limits it notes what only people can judge', () => {
  expect(
    reviewOf(forest).map(({ question, verdict, answer }) => `${verdict} ${question}: ${answer}`),
  ).toMatchInlineSnapshot(`
    [
      "pass dependencies: scikit-learn 1.3.2; without a version: numpy",
      "note speed: a row alone p50 4.0 µs, p99 900 µs; in a batch of 256 p50 1.0 µs, p99 2.0 µs a row",
      "note size: 10.5 kB, 10.5 kB unpacked; holds 665 numbers, 6 trees",
      "note features: needs 4 columns: x0, x1, x2, x3",
      "pass names: 6 names, 4 of them called while Python loads the file: all build data of known libraries",
    ]
  `)
})

test.each([
  [{ maxP99Ms: 0.9 }, 'pass'],
  [{ maxP99Ms: 0.89 }, 'fail'],
])('the time of a row is held to %j: %s', (limits, verdict) => {
  expect(answerTo('speed', { limits })).toMatch(new RegExp(`^${verdict}: .*p99 900 µs, limit`))
})

test('a model that raises on every row has no time, and keeps no limit of it', () => {
  const { latency: _, ...unmeasured } = forest

  expect(answerTo('speed', { limits: { maxP99Ms: 1 } }, unmeasured)).toMatch(/^fail: not measured/)
})

test('the size of the file is held to its limit', () => {
  const { bytes } = forest.report

  expect(answerTo('size', { limits: { maxBytes: bytes } })).toMatch(/^pass/)
  expect(answerTo('size', { limits: { maxBytes: bytes - 1 } })).toMatch(/^fail: .* kB, limit .* kB/)
})

test('rows that have what is needed pass, others say what they lack', () => {
  const fine = { rows: 3, missing: [], extra: ['id'], wrong: [], refused: 0, firstRefusal: null }

  expect(answerTo('features', { sample: fine })).toBe(
    'pass: 3 rows have the 4 columns: x0, x1, x2, x3; not needed: id',
  )
  expect(
    answerTo('features', { sample: { ...fine, missing: ['x1'], refused: 2, firstRefusal: 'row 1: x' } }),
  ).toBe('fail: 1 missing: x1; 2 rows refused, the first: row 1: x; not needed: id')
})

test('the same file has not changed', () => {
  const against = { name: 'v2', model: forest }

  expect(answerTo('changes', { against })).toBe('note: none: the same file as v2')
  expect(answerTo('changes', { against: { name: 'v2', model: { ...forest, digest: 'other' } } })).toBe(
    'note: against v2: trained anew, nothing but fitted numbers differs',
  )
})

test('another model has other columns, steps, parameters and numbers', () => {
  const changes = changesBetween(forest, churn)
  const of = (what: string) => changes.find((change) => change.what === what)

  expect(of('library')).toEqual({
    what: 'library',
    before: 'scikit-learn 1.3.2',
    after: 'scikit-learn 1.5.2',
  })
  expect(of('column x0')).toMatchObject({ before: 'number, missing refused', after: null })
  expect(of('column Contract')?.after).toMatch(
    /^string, missing .*, categories Month-to-month One year Two year, others/,
  )
  expect(of('estimator > n_estimators')).toMatchObject({ after: null })
  expect(of('trees')).toBeDefined()
  expect(changesBetween(churn, churn)).toEqual([])
})

test('names of nobody we know are named', () => {
  const globals = [...forest.report.globals, { name: 'acme.models.Wrapper', called: false }]

  expect(answerTo('names', {}, { ...forest, report: { ...forest.report, globals } })).toBe(
    'note: of nobody we know: acme.models.Wrapper',
  )
})

test('latency is measured alone and in a batch', () => {
  const { single, batch } = measureLatency(forest.executable, 5)!

  expect(single.p50).toBeGreaterThan(0)
  expect(single.p99).toBeGreaterThanOrEqual(single.p50)
  expect(batch.p99).toBeGreaterThanOrEqual(batch.p50)
  expect(batch.rows).toBeGreaterThan(10)
})
