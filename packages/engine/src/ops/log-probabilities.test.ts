import { expect, test } from 'vitest'
import { bothForms } from '../../test/both-forms.ts'
import { logMean, logNormalise, logProbability } from './log-probabilities.ts'

test('the logarithm of a probability of 0 is minus infinity, or that of what stands for 0', () => {
  const row = [0, 1, Math.E ** -2, -0, Number.NaN]

  const plain = bothForms(logProbability, { zero: 0 }, [row])
  const replaced = bothForms(logProbability, { zero: 2 ** -1022 }, [row])

  const below = Number.NEGATIVE_INFINITY
  expect(plain.ref).toEqual([[below, 0, -2, below, Number.NaN]])
  expect(plain.block).toEqual(plain.ref)
  // python3 -c "import numpy; print(numpy.log(numpy.finfo(float).tiny))"
  expect(replaced.ref).toEqual([[-708.3964185322641, 0, -2, -708.3964185322641, Number.NaN]])
  expect(replaced.block).toEqual(replaced.ref)
})

test('the logarithms of shares neither overflow nor vanish', () => {
  const { ref, block } = bothForms(logNormalise, { centred: false }, [
    [1000, 1000],
    [0, -800],
    [Number.NEGATIVE_INFINITY, 3],
    [Number.NaN, 1],
  ])

  expect(ref[0]![0]).toBeCloseTo(-Math.LN2, 12)
  expect(ref.slice(1)).toEqual([
    [0, -800],
    [Number.NEGATIVE_INFINITY, 0],
    [Number.NaN, Number.NaN],
  ])
  expect(block).toEqual(ref)
})

test('equal shares of huge logarithms are equal shares, centred first', () => {
  const row = [-3e78, -3e78]

  expect(bothForms(logNormalise, { centred: true }, [row]).ref).toEqual([[-Math.LN2, -Math.LN2]])
  expect(bothForms(logNormalise, { centred: false }, [row]).ref).toEqual([[0, 0]])
})

test('the mean of probabilities is taken from their logarithms', () => {
  const never = Number.NEGATIVE_INFINITY
  const { ref, block } = bothForms(logMean, {}, [[0, never, -900]], [[never, never, -900]])

  expect(ref[0]![0]).toBeCloseTo(-Math.LN2, 12)
  expect(ref[0]!.slice(1)).toEqual([never, -900])
  expect(block).toEqual(ref)
})
