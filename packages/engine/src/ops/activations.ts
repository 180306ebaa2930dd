import { exp } from '../math/glibc.ts'
import { elementwise, type Many } from './elementwise.ts'

/** What a neuron makes of its sum. */
const ACTIVATIONS = {
  relu: (x) => Math.max(x, 0),
  tanh: Math.tanh,
  logistic: (x) => 1 / (1 + exp(-x)),
} satisfies Record<string, (x: number) => number>

const relu: Many = (x, y, count) => {
  for (let i = 0; i < count; i++) y[i] = Math.max(x[i]!, 0)
}

const each =
  (compute: (x: number) => number): Many =>
  (x, y, count) => {
    for (let i = 0; i < count; i++) y[i] = compute(x[i]!)
  }

export type Activation = keyof typeof ACTIVATIONS

/** One activation on every element: relu max(x, 0), tanh, logistic 1 / (1 + e^−x). */
export const activation = elementwise<{ activation: Activation }>({
  name: 'activation',
  validate({ activation }) {
    if (!Object.hasOwn(ACTIVATIONS, activation)) throw new RangeError(`activation: no function ${activation}`)
  },
  at: ({ activation }) => ACTIVATIONS[activation],
  many: ({ activation }) => (activation === 'relu' ? relu : each(ACTIVATIONS[activation])),
})
