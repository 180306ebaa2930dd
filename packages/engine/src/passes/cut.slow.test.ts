import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { grow, growth, programOf, rowsFor } from '../../test/random-forest.ts'
import { boundaryRows } from '../check/boundary.ts'
import { compileProgram } from '../exec/compiled.ts'
import { interpret } from '../exec/reference.ts'
import { decodeProgram } from '../ir/codec.ts'
import type { Frame, Method, Program } from '../ir/program.ts'
import type { TreesAttrs } from '../ops/trees.ts'
import { compileParts } from '../sandbox/compile.ts'
import { cutForests } from './cut.ts'
import { cutDepthOf, forestsBehind, iterationsOf } from './forests.ts'
import { partialAnswers } from './partial-answers.ts'
import { simplifyForest, simplifyForests } from './simplify.ts'

const FIXTURES = new URL('../../test/fixtures/', import.meta.url)

function open(name: string): Program {
  const bytes = new Uint8Array(readFileSync(new URL(name, FIXTURES)))
  const outcome = compileParts({ model: { bytes } }, {}, { innerValues: true })
  return 'compiled' in outcome
    ? decodeProgram(outcome.compiled.program)
    : expect.fail(outcome.refusal.message)
}

const bitsOf = (program: Program, frame: Frame, build: typeof interpret): BigInt64Array => {
  const data = build(program).run(frame, ['raw_margin'])[0]!.parts[0]!.data as Float64Array
  return new BigInt64Array(data.buffer)
}

/** Models, and how many forests they have, of how many iterations and which depth (undefined: no inner values). */
const CASES: readonly (readonly [string, Method, readonly [number, number, number | undefined]])[] = [
  ['catboost-1.2.10/cat-binary/model.cbm', 'predict_proba', [1, 8, undefined]],
  ['chains/encoders-by-name/model.pkl', 'predict_proba', [1, 4, 4]],
  ['lightgbm-3.3.5/lgb-classifier-categorical/model.joblib', 'predict_proba', [1, 8, undefined]],
  ['lightgbm-3.3.5/lgb-rf/booster.txt', 'predict', [1, 8, undefined]],
  ['lightgbm-4.7.0/lgb-multiclassova/booster.txt', 'predict', [1, 5, undefined]],
  ['scikit-learn-1.2.2/adaboost/model.joblib', 'predict_proba', [8, 1, 1]],
  ['scikit-learn-1.2.2/calibrated-isotonic-three/model.joblib', 'predict_proba', [2, 4, 3]],
  ['scikit-learn-1.2.2/gb-three/model.compress3.joblib', 'predict_proba', [1, 6, undefined]],
  ['scikit-learn-1.2.2/hgb-missing/model.joblib', 'predict_proba', [1, 10, 5]],
  ['scikit-learn-1.2.2/rf-ten-balanced/model.compress3.joblib', 'predict_proba', [1, 5, 5]],
  ['scikit-learn-1.2.2/stacking/model.compress3.joblib', 'predict_proba', [1, 4, 3]],
  ['scikit-learn-1.2.2/tree-multi-output/model.joblib', 'predict_proba', [1, 1, 4]],
  ['scikit-learn-1.3.2/bagging-trees/model.compress3.joblib', 'predict_proba', [1, 5, 4]],
  ['scikit-learn-1.3.2/gb-init-estimator/model.compress3.joblib', 'predict_proba', [1, 5, undefined]],
  ['scikit-learn-1.3.2/hgb-categorical-binary/model.compress3.joblib', 'predict_proba', [1, 6, 5]],
  ['scikit-learn-1.3.2/one-vs-one-trees/model.compress3.joblib', 'predict', [6, 1, 4]],
  ['scikit-learn-1.3.2/rf-three/model.joblib.gz', 'predict_proba', [1, 7, 5]],
  ['scikit-learn-1.5.2/gb-exponential/model.compress3.joblib', 'predict_proba', [1, 10, undefined]],
  ['scikit-learn-1.5.2/hgb-regression-gamma/model.compress3.joblib', 'predict', [1, 10, 6]],
  ['scikit-learn-1.7.2/bagging-regression/model.compress3.joblib', 'predict', [1, 6, 4]],
  ['scikit-learn-1.7.2/calibrated-prefit/model.compress3.joblib', 'predict_proba', [1, 5, 4]],
  ['scikit-learn-1.7.2/et-missing/model.compress3.joblib', 'predict_proba', [1, 5, 5]],
  ['scikit-learn-1.7.2/hgb-categorical-binary/model.compress3.joblib', 'predict_proba', [1, 6, 5]],
  ['scikit-learn-1.7.2/hgb-three/model.joblib', 'predict_proba', [1, 6, 3]],
  ['scikit-learn-1.7.2/housing-log-target/model.compress3.joblib', 'predict', [1, 12, 4]],
  ['scikit-learn-1.7.2/rf-missing-three/model.joblib', 'predict_proba', [1, 6, 5]],
  ['scikit-learn-1.7.2/rf-regression-multi-output/model.compress3.joblib', 'predict', [1, 5, 5]],
  ['scikit-learn-1.7.2/spam-svd/model.joblib', 'predict_proba', [1, 6, 5]],
  ['scikit-learn-1.7.2/voting-soft/model.compress3.joblib', 'predict_proba', [1, 4, 3]],
  ['xgboost-1.7.6/xgb-categorical-codes/model.json', 'predict', [1, 6, undefined]],
  ['xgboost-2.1.4/xgb-classifier-early-stopping/model.joblib', 'predict_proba', [1, 7, 3]],
  ['xgboost-2.1.4/xgb-dart/model.json', 'predict', [1, 10, undefined]],
  ['xgboost-3.2.0/xgb-categorical-partition/model.joblib', 'predict_proba', [1, 7, 4]],
  ['xgboost-3.2.0/xgb-classifier-multi-output-tree/model.joblib', 'predict_proba', [1, 8, undefined]],
]

/** Rows of a fixture's own kind that it does not raise on. */
function acceptedRows(program: Program, method: Method): Frame {
  const all = boundaryRows(program, 80, 3)
  const numbers = program.inputs.filter(({ kind }) => kind === 'number').length
  const cells = program.inputs.length - numbers
  const rows = Array.from({ length: 80 }, (_, row) => ({
    rows: 1,
    numbers: all.numbers.slice(row * numbers, (row + 1) * numbers),
    cells: all.cells.slice(row * cells, (row + 1) * cells),
  })).filter((frame) => {
    try {
      return interpret(program).run(frame, [method]).length === 1
    } catch {
      return false
    }
  })
  expect(rows.length).toBeGreaterThan(5)
  return {
    rows: rows.length,
    numbers: Float64Array.from(rows.flatMap((frame) => [...frame.numbers])),
    cells: rows.flatMap((frame) => frame.cells),
  }
}

describe('simplified forests', () => {
  test('answer the bits of the whole, compiled and by reference, on any forest and on boundary rows', () => {
    fc.assert(
      fc.property(growth, (g) => {
        const attrs = grow(g)
        const before = programOf(attrs, g.features)
        const after = programOf(simplifyForest(attrs), g.features)
        const frame = rowsFor(attrs, g.features, 37)
        const expected = bitsOf(before, frame, interpret)

        expect(bitsOf(after, frame, interpret)).toEqual(expected)
        expect(bitsOf(after, frame, compileProgram)).toEqual(expected)
      }),
      { numRuns: 100 },
    )
  })

  /** x₀ ≤ threshold, NaN right unless told. */
  const tree = (nodes: readonly (readonly number[])[], values: readonly number[]): TreesAttrs => ({
    cast: 'f64',
    compare: 'le',
    roots: Int32Array.of(0),
    feature: Int32Array.from(nodes, ([feature]) => feature!),
    threshold: Float64Array.from(nodes, ([, threshold]) => threshold!),
    left: Int32Array.from(nodes, ([, , left]) => left!),
    right: Int32Array.from(nodes, ([, , , right]) => right!),
    missingLeft: Uint8Array.from(nodes, ([, , , , missing]) => missing ?? 0),
    categories: new Int32Array(nodes.length).fill(-1),
    sets: new Uint32Array(0),
    values: Float64Array.from(values),
    leafWidth: 1,
    slots: Int32Array.of(0),
    init: Float64Array.of(0),
    divide: 1,
  })

  test('lose what no row can reach', () => {
    const attrs = tree(
      [
        [0, 1, 1, 2],
        [0, 2, 3, 4],
        [-1, 0, 2, 0],
        [-1, 0, 0, 0],
        [-1, 0, 1, 0],
      ],
      [7, 8, 9],
    )

    expect([...simplifyForest(attrs).feature]).toEqual([0, -1, -1])
    expect([...simplifyForest(attrs).values]).toEqual([7, 9])
  })

  test('keep a comparison that only NaN needs', () => {
    const nanLeft = [
      [0, 1, 1, 2, 1],
      [0, 2, 3, 4],
      [-1, 0, 2, 0],
      [-1, 0, 0, 0],
      [-1, 0, 1, 0],
    ]

    expect(simplifyForest(tree(nanLeft, [7, 8, 9])).feature).toHaveLength(5)
  })

  test('lose comparisons between equal subtrees and rows that are there twice', () => {
    const attrs = tree(
      [
        [0, 1, 1, 2],
        [1, 5, 3, 4],
        [-1, 0, 2, 0],
        [-1, 0, 0, 0],
        [-1, 0, 1, 0],
      ],
      [7, 7, 7],
    )

    expect([...simplifyForest(attrs).feature]).toEqual([-1])
    expect([
      ...simplifyForest(
        tree(
          [
            [0, 1, 1, 2],
            [-1, 0, 0],
            [-1, 0, 1],
          ],
          [0, -0],
        ),
      ).values,
    ]).toEqual([0, -0])
  })
})

describe('forests that are cut', () => {
  test('a cut to everything is the whole, in bits', () => {
    fc.assert(
      fc.property(growth, (g) => {
        const attrs = grow({ ...g, divide: 1 })
        const program = programOf(attrs, g.features)
        const frame = rowsFor(attrs, g.features, 9)
        const cut = cutForests(program, { iterations: Number.POSITIVE_INFINITY })

        expect(bitsOf(cut, frame, compileProgram)).toEqual(bitsOf(program, frame, interpret))
      }),
    )
  })

  test.each(CASES)(
    '%s: partial answers are those of the smaller programs, in bits',
    (name, method, shape) => {
      const program = open(name)
      const forests = forestsBehind(program, method)
      const [most, deepest] = [iterationsOf(forests), cutDepthOf(forests)]
      const frame = acceptedRows(program, method)
      const cuts = [
        { iterations: most },
        { iterations: 1 },
        { iterations: Math.ceil(most / 2) },
        ...(deepest === undefined ? [] : [1, 2, deepest].map((depth) => ({ iterations: most, depth }))),
      ]
      const answers = [...partialAnswers(program, frame, { method, forests, cuts })]

      expect([forests.length, most, deepest]).toEqual(shape)
      for (const [i, cut] of cuts.entries()) {
        const smaller = simplifyForests(cutForests(program, cut))
        expect(answers[i]).toEqual(interpret(smaller).run(frame, [method])[0])
        expect(answers[i]).toEqual(compileProgram(smaller).run(frame, [method])[0])
      }
      expect(answers[0]).toEqual(interpret(program).run(frame, [method])[0])
      if (deepest !== undefined) expect(answers.at(-1)).toEqual(answers[0])
    },
  )
  test.each([
    [
      'scikit-learn-1.7.2/isolation-forest-features/model.compress3.joblib',
      'predict',
      'mean depth of all its trees',
    ],
    [
      'scikit-learn-1.7.2/stacking-passthrough-binary/model.compress3.joblib',
      'predict_proba',
      'one forest of the model reads the answers of another',
    ],
  ] as const)('%s cannot be cut', (name, method, reason) => {
    const program = open(name)

    expect(() => forestsBehind(program, method)).toThrow(reason)
  })

  test('a program that is lowered to predict has no inner values to cut at', () => {
    const bytes = new Uint8Array(readFileSync(new URL('scikit-learn-1.3.2/rf-three/model.joblib', FIXTURES)))
    const outcome = compileParts({ model: { bytes } }, {})
    const program = 'compiled' in outcome ? decodeProgram(outcome.compiled.program) : expect.fail()

    expect(cutDepthOf(forestsBehind(program, 'predict'))).toBeUndefined()
    expect(() => cutForests(program, { iterations: 1, depth: 2 })).toThrow('have no values')
  })
})
