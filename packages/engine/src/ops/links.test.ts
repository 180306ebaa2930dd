import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bothForms } from '../../test/both-forms.ts'
import type { Attrs } from '../ir/program.ts'
import {
  argmax,
  average,
  binaryProba,
  constant,
  exp,
  expit,
  expNormalise,
  log,
  normalise,
  rawScores,
  softmax,
  threshold,
  toFloat32,
  vote,
} from './links.ts'
import { numbers, type Op } from './op.ts'

const one = <A extends Attrs>(op: Op<A>, attrs: A, row: readonly number[]): readonly unknown[] => {
  op.infer(attrs, [numbers(row.length)])
  return op.ref(attrs, [row])
}

const OPS: readonly (readonly [op: Op, attrs: Attrs])[] = (
  [
    [expit, { scale: 2 }],
    [exp, {}],
    [log, {}],
    [threshold, { threshold: 0, inclusive: true }],
    [toFloat32, {}],
    [softmax, {}],
    [expNormalise, {}],
    [rawScores, { link: 'centred-log', scale: 1 }],
    [rawScores, { link: 'logit', scale: 0.5, margin: 2 ** -23 }],
    [argmax, {}],
    [normalise, { zero: 'keep' }],
    [normalise, { zero: 'uniform' }],
    [constant, { values: Float64Array.of(1, -0) }],
  ] as const
).map(([op, attrs]) => [op as unknown as Op, attrs] as const)

describe('link operations', () => {
  test.each(OPS)('of a block have the bits of the rows one by one: $name', (op, attrs) => {
    const rows = fc.integer({ min: 1, max: 20 }).chain((width) =>
      fc.array(fc.array(fc.double(), { minLength: width, maxLength: width }), {
        minLength: 1,
        maxLength: 5,
      }),
    )
    fc.assert(
      fc.property(rows, (table) => {
        const { ref, block } = bothForms(op, attrs, table)

        expect(block).toEqual(ref)
      }),
    )
  })

  test('that read several inputs have the same bits in blocks', () => {
    const table = fc.array(fc.tuple(fc.double(), fc.double()), { minLength: 3, maxLength: 3 })
    fc.assert(
      fc.property(table, table, (a, b) => {
        const attrs = { weights: Float64Array.of(0.3, 0.7), divide: 3 }

        const { ref, block } = bothForms(average, attrs, a, b)

        expect(block).toEqual(ref)
      }),
    )
  })

  // python3 -c "import math; print(1 / (1 + math.exp(-0.3)), …)", glibc 2.36
  test('expit has the bits of the C library', () => {
    expect(one(expit, { scale: 1 }, [0, 0.3, -20.5, 800, -800])).toEqual([
      0.5, 0.574442516811659, 1.2501528648238605e-9, 1, 0,
    ])
    expect(one(expit, { scale: 2 }, [0.3])).toEqual([0.6456563062257954])
  })

  // python3 -c "import math; print(math.log1p(2 * (.45 - .5)) - math.log1p(-2 * (.45 - .5)), …)"
  test.each([
    ['logit', 1, [0.45, 0], [-0.2006706954621511, -15.942385033669446]],
    ['log-odds', 1, [0.45], [-0.20067069546215124]],
    ['log-odds', 0.5, [0.2], [-Math.LN2]],
    ['log', 1, [0.25, 0], [-1.3862943611198906, -15.942385152878742]],
    ['centred-log', 1, [0.2, 0.3, 0.5], [-0.44058527999410635, -0.03512017188594203, 0.4757054518800486]],
  ] as const)('raw scores by %s', (link, scale, probabilities, expected) => {
    expect(one(rawScores, { link, scale, margin: 2 ** -23 }, probabilities)).toEqual(expected)
  })

  test('softmax of scores that overflow exp adds up to one', () => {
    expect(one(softmax, {}, [1000, 1000])).toEqual([0.5, 0.5])
    expect(one(expNormalise, {}, [-1000, -1000])[0]).toBeCloseTo(0.5, 12)
    expect(one(softmax, {}, [0, -1e9])).toEqual([1, 0])
  })

  test('argmax is the first of equals, and NaN is the largest', () => {
    expect(one(argmax, {}, [1, 3, 3, 2])).toEqual([1])
    expect(one(argmax, {}, [1, 3, Number.NaN, 5])).toEqual([2])
  })

  test('a threshold is exclusive unless told otherwise', () => {
    expect(one(threshold, { threshold: 0.5, inclusive: false }, [0.5, 0.6])).toEqual([0, 1])
    expect(one(threshold, { threshold: 0.5, inclusive: true }, [0.4, 0.5])).toEqual([0, 1])
  })

  test('a row of zeros is normalised as asked', () => {
    expect(one(normalise, { zero: 'divide' }, [0, 0])).toEqual([Number.NaN, Number.NaN])
    expect(one(normalise, { zero: 'keep' }, [0, 0])).toEqual([0, 0])
    expect(one(normalise, { zero: 'uniform' }, [0, 0])).toEqual([0.5, 0.5])
    expect(one(normalise, { zero: 'keep' }, [1, 3])).toEqual([0.25, 0.75])
  })

  test('the probability of the first of two classes is what is left', () => {
    expect(one(binaryProba, {}, [0.25])).toEqual([0.75, 0.25])
  })

  test('a vote goes to the column of the class', () => {
    expect(one(vote, { targets: Int32Array.of(2, 0), width: 3 }, [0])).toEqual([0, 0, 1])
    expect(bothForms(vote, { targets: Int32Array.of(2, 0), width: 3 }, [[0], [1]]).block).toEqual([
      [0, 0, 1],
      [1, 0, 0],
    ])
    expect(() => vote.infer({ targets: Int32Array.of(3), width: 3 }, [numbers(1)])).toThrow(RangeError)
  })

  test('an average adds its inputs in order', () => {
    const attrs = { weights: new Float64Array(0), divide: 3 }
    const inputs = [[1e16], [1], [-1e16]]

    expect(average.ref(attrs, inputs)).toEqual([0])
    expect(average.ref({ weights: Float64Array.of(1, 0.5, 0), divide: 2 }, [[4], [8], [16]])).toEqual([4])
    expect(() => average.infer(attrs, [numbers(2), numbers(3)])).toThrow(RangeError)
    expect(() => average.infer({ weights: Float64Array.of(1), divide: 1 }, [numbers(1), numbers(1)])).toThrow(
      RangeError,
    )
  })
})
