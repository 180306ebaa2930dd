import { type Draft, encodeMessage } from '../src/formats/onnx/encode.ts'

const FLOAT = 1

/** Type of a tensor: numbers are fixed dimensions, texts free ones. */
export const tensorOf = (dims: readonly (number | string)[], element = FLOAT): Draft => ({
  tensor: {
    element,
    shape: { dims: dims.map((dim) => (typeof dim === 'number' ? { value: dim } : { name: dim })) },
  },
})

/** `y = x` for rows of two numbers, with changes to its graph and to the model around it. */
export const identity = (graph: Draft = {}, model: Draft = {}): Buffer =>
  encodeMessage('model', {
    irVersion: 8,
    producer: 'by hand',
    graph: {
      nodes: { inputs: 'x', outputs: 'y', operator: 'Identity' },
      inputs: { name: 'x', type: tensorOf(['rows', 2]) },
      outputs: { name: 'y', type: tensorOf(['rows', 2]) },
      ...graph,
    },
    opsets: { version: 18 },
    ...model,
  })
