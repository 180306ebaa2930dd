import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RowError } from '../errors.ts'
import { compileProgram } from '../exec/compiled.ts'
import { interpret } from '../exec/reference.ts'
import type { Attrs, Program, ProgramNode } from '../ir/program.ts'

const VOCABULARY = [
  'a',
  'ab',
  'ab a',
  'ab ab',
  ' a',
  'a ',
  ' ab ',
  'é',
  'e',
  'b\u0301',
  '😀',
  'abba abba',
  'ß',
]
const WIDTH = VOCABULARY.length
const HASHED = { width: 50, alternate: true }

/** A text pipeline: tokens, weights, norm, linear model. */
function programOf(tokens: ProgramNode, width: number): Program {
  const each = (scale: number): Float64Array =>
    Float64Array.from({ length: width }, (_, i) => 1 / (i + scale))
  const nodes: ProgramNode[] = [
    { op: 'input', inputs: [], attrs: { kinds: Uint8Array.of(1), slots: Int32Array.of(0) } },
    tokens,
    { op: 'sublinear', inputs: [1], attrs: {} },
    { op: 'sparse-scale', inputs: [2], attrs: { by: 'multiply', values: each(0.3), single: false } },
    { op: 'sparse-normalize', inputs: [3], attrs: { norm: 'l2' } },
    {
      op: 'sparse-linear',
      inputs: [4],
      attrs: { weights: each(-3.7), bias: Float64Array.of(0.1), single: false, width },
    },
    { op: 'densify', inputs: [1], attrs: { width } },
  ]
  return {
    version: 1,
    origin: { library: 'scikit-learn', libraryVersion: '1.7.2', estimator: 'Test' },
    inputs: [{ name: 'text', kind: 'cell' }],
    nodes,
    outputs: [
      { name: 'decision_function', parts: [5], shape: 'vector', dtype: 'float64' },
      { name: 'transform', parts: [6], shape: 'matrix', dtype: 'float64' },
    ],
    classes: [],
  }
}

const text = fc.string({
  unit: fc.constantFrom('a', 'b', 'A', ' ', 'ab ', 'é', 'e\u0301', '😀', '\0', '\ud83d', '\n', 'ß', 'İ'),
  maxLength: 60,
})
const analyser = fc
  .record({
    lowercase: fc.boolean(),
    accents: fc.constantFrom('', 'unicode', 'ascii'),
    unit: fc.constantFrom('word', 'char', 'char_wb'),
    pattern: fc.constantFrom('(?u)\\b\\w\\w+\\b', '\\w+', '[^b]+'),
    stopWords: fc.constantFrom([], ['ab']),
    fewest: fc.integer({ min: 1, max: 3 }),
    more: fc.integer({ min: 0, max: 2 }),
    binary: fc.boolean(),
    single: fc.constant(false),
  })
  .map(({ more, ...attrs }) => ({ ...attrs, most: attrs.fewest + more }))

const attempt = (run: () => unknown): unknown => {
  try {
    return run()
  } catch (error) {
    if (error instanceof RowError) return [error.message, error.row, error.field]
    throw error
  }
}

test.each<[string, Attrs, number]>([
  ['count-tokens', { vocabulary: VOCABULARY }, WIDTH],
  ['hash-tokens', HASHED, HASHED.width],
])('%s: blocks answer the bits of single rows, or raise on the same', (op, own, width) => {
  fc.assert(
    fc.property(analyser, fc.array(text, { minLength: 1, maxLength: 5 }), (attrs, cells) => {
      const program = programOf({ op, inputs: [0], attrs: { ...attrs, ...own } }, width)
      const frame = { rows: cells.length, cells, numbers: new Float64Array(0) }
      const outputs = ['decision_function', 'transform'] as const

      const ours = attempt(() => compileProgram(program).run(frame, outputs))
      const reference = attempt(() => interpret(program).run(frame, outputs))

      expect(ours).toEqual(reference)
    }),
    { numRuns: 500 },
  )
})

test('a text of a megabyte is counted as one row of it is', () => {
  const attrs = {
    lowercase: true,
    accents: 'unicode',
    unit: 'char_wb',
    pattern: '',
    stopWords: [],
    fewest: 1,
    most: 3,
    vocabulary: VOCABULARY,
    binary: false,
    single: false,
  }
  const program = programOf({ op: 'count-tokens', inputs: [0], attrs }, WIDTH)
  const frame = { rows: 1, cells: ['abba é 😀a\0 '.repeat(80_000)], numbers: new Float64Array(0) }

  const ours = compileProgram(program).run(frame, ['transform'])

  expect(ours).toEqual(interpret(program).run(frame, ['transform']))
})
