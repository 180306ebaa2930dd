import { expect, test } from 'vitest'
import { bothForms } from '../../test/both-forms.ts'
import { type Activation, activation } from './activations.ts'

test.each([
  ['relu', [0, 0, 2]],
  ['tanh', [-0.9640275800758169, 0, 0.9640275800758169]],
  ['logistic', [0.11920292202211755, 0.5, 0.8807970779778823]],
] as const)('%s of −2, 0 and 2', (name, expected) => {
  const { ref, block } = bothForms(activation, { activation: name }, [[-2, 0, 2]])

  ref[0]!.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i]!, 15)
  })
  expect(block).toEqual(ref)
})

test('an activation that nobody knows is refused', () => {
  const attrs = { activation: 'valueOf' as Activation }

  expect(() => bothForms(activation, attrs, [[1]])).toThrow('no function valueOf')
})
