import { describe, expect, test } from 'vitest'
import { randomOf } from '../check/random.ts'
import { RowError } from '../errors.ts'
import { compileProgram } from '../exec/compiled.ts'
import { interpret } from '../exec/reference.ts'
import { decodeProgram, encodeProgram } from '../ir/codec.ts'
import type { Frame, Program, ProgramNode } from '../ir/program.ts'
import { SparseRows } from '../ir/sparse-rows.ts'
import { Tally } from './tally.ts'

const VOCABULARY = ['a', 'ab', 'b', 'ba', 'c', 'ca', 'x']
const WIDTH = VOCABULARY.length

const COUNT: ProgramNode = {
  op: 'count-tokens',
  inputs: [0],
  attrs: {
    lowercase: true,
    accents: '',
    unit: 'char',
    pattern: '',
    stopWords: [],
    fewest: 1,
    most: 2,
    vocabulary: VOCABULARY,
    binary: false,
    single: false,
  },
}

/** Counts of a text column (node 1) and numbers (node 2), then nodes of our own; the last one answers. */
function programOf(...nodes: readonly ProgramNode[]): Program {
  const inputs = [
    { name: 'text', kind: 'cell' },
    { name: 'u', kind: 'number' },
    { name: 'v', kind: 'number' },
  ] as const
  const text = { op: 'input', inputs: [], attrs: { kinds: Uint8Array.of(1), slots: Int32Array.of(0) } }
  const plain = { op: 'input', inputs: [], attrs: { kinds: Uint8Array.of(0, 0), slots: Int32Array.of(0, 1) } }
  const all = [text, COUNT, plain, ...nodes]
  return {
    version: 1,
    origin: { library: 'scikit-learn', libraryVersion: '1.7.2', estimator: 'Test' },
    inputs,
    nodes: all,
    outputs: [{ name: 'transform', parts: [all.length - 1], shape: 'matrix', dtype: 'float64' }],
    classes: [],
  }
}

/** Texts of the vocabulary's letters and others, some empty; numbers with zeros, NaN and infinities. */
function frameOf(rows: number, seed: number): Frame {
  const random = randomOf(seed)
  const text = () => Array.from({ length: random.below(12) }, () => random.pick([...'aabbcxyzA é'])).join('')
  const number = () => random.pick([0, -0, 1.5, -2, Number.NaN, Number.POSITIVE_INFINITY, random.unit()])
  return {
    rows,
    cells: Array.from({ length: rows }, text),
    numbers: Float64Array.from({ length: rows * 2 }, number),
  }
}

const weights = (count: number): Float64Array => {
  const random = randomOf(count)
  return Float64Array.from({ length: count }, () => random.unit() * 4 - 2)
}
const dense = (input: number, width: number): ProgramNode => ({
  op: 'densify',
  inputs: [input],
  attrs: { width },
})
const concat: ProgramNode = {
  op: 'sparse-concat',
  inputs: [2, 1, 2],
  attrs: { widths: Int32Array.of(2, WIDTH, 2), sparse: Uint8Array.of(0, 1, 0) },
}

const CHAINS: Readonly<Record<string, readonly ProgramNode[]>> = {
  counts: [dense(1, WIDTH)],
  'side by side with numbers': [concat, dense(3, WIDTH + 4)],
  'some columns': [
    concat,
    { op: 'sparse-select', inputs: [3], attrs: { columns: Int32Array.of(0, 3, 9), width: WIDTH + 4 } },
    dense(4, 3),
  ],
  'one plus logarithm, weighed': [
    { op: 'sublinear', inputs: [1], attrs: {} },
    { op: 'sparse-scale', inputs: [3], attrs: { by: 'multiply', values: weights(WIDTH), single: false } },
    dense(4, WIDTH),
  ],
  'divided in float32': [
    { op: 'sparse-scale', inputs: [1], attrs: { by: 'divide', values: weights(WIDTH), single: true } },
    dense(3, WIDTH),
  ],
  ...Object.fromEntries(
    ['l1', 'l2', 'max'].map((norm) => [
      `norm ${norm}`,
      [{ op: 'sparse-normalize', inputs: [1], attrs: { norm } }, dense(3, WIDTH)],
    ]),
  ),
  binarized: [{ op: 'sparse-binarize', inputs: [1], attrs: { threshold: 1 } }, dense(3, WIDTH)],
  ...Object.fromEntries(
    [false, true].map((single) => [
      `product${single ? ' in float32' : ''}`,
      [
        {
          op: 'sparse-linear',
          inputs: [1],
          attrs: { weights: weights(3 * WIDTH), bias: weights(3), single, width: WIDTH },
        },
      ],
    ]),
  ),
}

describe('sparse operations', () => {
  test.each(Object.entries(CHAINS))('%s: blocks answer the bits of single rows', (_, nodes) => {
    const program = decodeProgram(encodeProgram(programOf(...nodes)))
    const compiled = compileProgram(program)
    for (const [seed, rows] of [1, 7, 600].entries()) {
      const frame = frameOf(rows, seed)

      const [ours] = compiled.run(frame, ['transform'])
      const [reference] = interpret(program).run(frame, ['transform'])

      expect(ours).toEqual(reference)
    }
  })

  test('zeros are not stored, minus zero neither, NaN is', () => {
    const program = programOf(concat, dense(3, WIDTH + 4))
    const frame = { rows: 1, cells: ['ab'], numbers: Float64Array.of(-0, Number.NaN) }

    const [answer] = compileProgram(program).run(frame, ['transform'])

    expect(Array.from(answer!.parts[0]!.data)).toEqual([0, Number.NaN, 1, 1, 1, 0, 0, 0, 0, 0, Number.NaN])
  })

  test('NaN is refused in a stored value', () => {
    const guard: ProgramNode = { op: 'sparse-check', inputs: [3], attrs: { nan: 'refuse' } }
    const program = programOf(concat, guard, dense(4, WIDTH + 4))
    const frame = { rows: 1, cells: ['ab'], numbers: Float64Array.of(0, Number.NaN) }

    expect(() => compileProgram(program).run(frame, ['transform'])).toThrow(RowError)
  })

  test.each<[string, readonly ProgramNode[]]>([
    ['a sparse answer', [{ op: 'sparse-binarize', inputs: [1], attrs: { threshold: 0 } }]],
    [
      'zeros that become ones',
      [{ op: 'sparse-binarize', inputs: [1], attrs: { threshold: -1 } }, dense(3, WIDTH)],
    ],
    ['another width', [dense(1, WIDTH + 1)]],
    [
      'columns out of order',
      [
        { op: 'sparse-select', inputs: [1], attrs: { columns: Int32Array.of(1, 0), width: WIDTH } },
        dense(3, 2),
      ],
    ],
    [
      'a column that is not there',
      [
        { op: 'sparse-select', inputs: [1], attrs: { columns: Int32Array.of(WIDTH), width: WIDTH } },
        dense(3, 1),
      ],
    ],
    [
      'too few weights',
      [
        {
          op: 'sparse-linear',
          inputs: [1],
          attrs: { weights: weights(2), bias: weights(1), single: false, width: WIDTH },
        },
      ],
    ],
    ['numbers taken for sparse', [{ ...concat, inputs: [2, 2, 2] }, dense(3, WIDTH + 4)]],
    ['sparse taken for numbers', [{ op: 'select', inputs: [1], attrs: { columns: Int32Array.of(0) } }]],
    ['sparse put beside numbers', [{ op: 'concat', inputs: [1, 2], attrs: {} }]],
  ])('a program with %s is refused', (_, nodes) => {
    expect(() => compileProgram(programOf(...nodes))).toThrow(RangeError)
  })
})

test('rows grow past the storage they start with', () => {
  const rows = new SparseRows()
  const tally = new Tally(5000)
  rows.begin(2)
  for (let column = 4999; column >= 0; column--) tally.add(column, column)
  tally.moveTo(rows, false)
  tally.add(3, 2)
  tally.add(3, -2)
  tally.moveTo(rows, false)

  expect(rows.row(0)).toEqual(Array.from({ length: 5000 }, (_, column) => [column, column]).flat())
  expect(rows.row(1)).toEqual([3, 0])
})
