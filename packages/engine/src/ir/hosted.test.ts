import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { identity, tensorOf } from '../../test/onnx-file.ts'
import { compileProgram } from '../exec/compiled.ts'
import { interpret } from '../exec/reference.ts'
import { compileBytes, compileParts } from '../sandbox/compile.ts'
import { decodeProgram } from './codec.ts'
import { isHosted, splitHosted } from './hosted.ts'
import type { Program } from './program.ts'

function programOf(bytes: Uint8Array): Program {
  const outcome = compileBytes(bytes, {})
  if ('refusal' in outcome) throw new Error(outcome.refusal.message)
  return decodeProgram(outcome.compiled.program)
}

const mixed = programOf(
  identity({
    inputs: [
      { name: 'age', type: tensorOf(['n']) },
      { name: 'visits', type: tensorOf(['n'], 7) },
      { name: 'plan', type: tensorOf(['n', 1], 8) },
    ],
    outputs: [
      { name: 'label', type: tensorOf(['n'], 8) },
      { name: 'probabilities', type: tensorOf(['n', 2]) },
    ],
  }),
)
const { before, after } = splitHosted(mixed)

const rowOf = (age: number, visits: number, plan: string | null) => ({
  rows: 1,
  numbers: Float64Array.of(age, visits),
  cells: [plan],
})

test('what goes into the model is what its tensors hold', () => {
  const row = rowOf(0.1, 3, 'basic')
  const [answer] = compileProgram(before).run(row, ['transform'])

  expect(answer!.parts[0]!.data).toEqual([Math.fround(0.1), 3, 'basic'])
  expect(interpret(before).run(row, ['transform'])).toEqual([answer])
})

test.each([
  ['a fraction among whole numbers', rowOf(1, 0.5, 'basic'), 'visits'],
  ['a missing whole number', rowOf(1, Number.NaN, 'basic'), 'visits'],
  ['a missing text', rowOf(1, 1, null), 'plan'],
])('%s is the row’s fault', (_, row, field) => {
  expect(() => compileProgram(before).run(row, ['transform'])).toThrow(expect.objectContaining({ field }))
})

test('the outputs are read from what the model answers', () => {
  const cells = ['yes', 0.25, 0.75, 'no', 0.5, 0.5]
  const answers = compileProgram(after).run({ rows: 2, numbers: new Float64Array(0), cells }, [
    'predict',
    'predict_proba',
    'label',
  ])

  expect(answers.map(({ name, parts }) => [name, parts[0]!.shape, parts[0]!.data])).toEqual([
    ['predict', [2], ['yes', 'no']],
    ['predict_proba', [2, 2], Float64Array.of(0.25, 0.75, 0.5, 0.5)],
    ['label', [2], ['yes', 'no']],
  ])
})

test('only programs with a part for a host are hosted, and those do not run without one', () => {
  expect(isHosted(mixed)).toBe(true)
  expect(isHosted(before)).toBe(false)
  expect(() => compileProgram(mixed).run(rowOf(1, 1, 'basic'), ['predict'])).toThrow('run by a host')
})

test('a scaler before an ONNX model belongs to what goes into it', () => {
  const scaler = readFileSync(new URL('../../test/fixtures/chains/two-files/scaler.pkl', import.meta.url))
  const bytes = identity({ inputs: { name: 'x', type: tensorOf(['n', 3]) } })
  const outcome = compileParts({ model: { bytes }, after: [{ bytes: scaler }] }, {})
  if ('refusal' in outcome) throw new Error(outcome.refusal.message)
  const chain = splitHosted(decodeProgram(outcome.compiled.program)).before
  const frame = { rows: 1, numbers: Float64Array.of(34, 2762.42, 31), cells: [] }

  const [answer] = compileProgram(chain).run(frame, ['transform'])

  expect(chain.inputs).toHaveLength(3)
  expect(answer!.parts[0]!.data).toMatchInlineSnapshot(`
    Float64Array [
      -0.42970797419548035,
      -0.3321952819824219,
      1.001417636871338,
    ]
  `)
})
