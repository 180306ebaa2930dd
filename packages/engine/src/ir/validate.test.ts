import { expect, test } from 'vitest'
import type { Program } from './program.ts'
import { validateProgram } from './validate.ts'

const slots = (...values: number[]) => ({
  kinds: new Uint8Array(values.length),
  slots: Int32Array.from(values),
})

const valid: Program = {
  version: 1,
  origin: { library: 'scikit-learn', libraryVersion: '1.7.2', estimator: 'sklearn.tree.Tree' },
  inputs: [
    { name: 'a', kind: 'number' },
    { name: 'b', kind: 'number' },
    { name: 'c', kind: 'cell' },
  ],
  nodes: [
    { op: 'input', inputs: [], attrs: slots(0, 1) },
    { op: 'select', inputs: [0], attrs: { columns: Int32Array.of(1) } },
    { op: 'concat', inputs: [0, 1], attrs: {} },
  ],
  outputs: [
    { name: 'predict', parts: [1], shape: 'vector', dtype: 'int64', labels: [['no', 'yes']] },
    { name: 'predict_proba', parts: [2], shape: 'matrix', dtype: 'float64' },
  ],
  classes: [['no', 'yes']],
}

const withNode = (ref: number, node: unknown): unknown => ({
  ...valid,
  nodes: valid.nodes.map((old, i) => (i === ref ? node : old)),
})
const withOutput = (output: object): unknown => ({ ...valid, outputs: [{ ...valid.outputs[0], ...output }] })

test('the types of all nodes are inferred', () => {
  expect(validateProgram(valid).map(({ kind, width }) => `${kind} ${width}`)).toEqual([
    'number 2',
    'number 1',
    'number 3',
  ])
})

test.each([
  ['another version', { ...valid, version: 2 }],
  ['nothing', null],
  ['an origin without a version', { ...valid, origin: { library: 'x', estimator: 'y' } }],
  ['an input of unknown kind', { ...valid, inputs: [{ name: 'a', kind: 'date' }] }],
  ['nodes that are not a list', { ...valid, nodes: {} }],
  [
    'a node that reads itself',
    withNode(1, { op: 'select', inputs: [1], attrs: { columns: Int32Array.of(0) } }),
  ],
  ['a node that reads a later one', withNode(1, { op: 'concat', inputs: [2], attrs: {} })],
  ['a fractional reference', withNode(2, { op: 'concat', inputs: [0.5], attrs: {} })],
  ['an unknown operation', withNode(1, { op: 'eval', inputs: [0], attrs: {} })],
  ['an operation named like a method of objects', withNode(1, { op: 'toString', inputs: [0], attrs: {} })],
  ['a column out of range', withNode(1, { op: 'select', inputs: [0], attrs: { columns: Int32Array.of(2) } })],
  ['missing attributes', withNode(1, { op: 'select', inputs: [0], attrs: {} })],
  ['a slot out of range', withNode(0, { op: 'input', inputs: [], attrs: slots(0, 2) })],
  ['a negative slot', withNode(0, { op: 'input', inputs: [], attrs: slots(0, -1) })],
  [
    'a slot of unknown kind',
    withNode(0, { op: 'input', inputs: [], attrs: { kinds: Uint8Array.of(2), slots: Int32Array.of(0) } }),
  ],
  ['a method without a name', withOutput({ name: '' })],
  ['an output of a missing node', withOutput({ parts: [3] })],
  ['an output without parts', withOutput({ parts: [] })],
  ['a vector of two columns', withOutput({ parts: [0], labels: undefined })],
  ['labels for another number of columns', withOutput({ labels: [['a'], ['b']] })],
  ['a label that is not a cell', withOutput({ labels: [[{}]] })],
  ['the same output twice', { ...valid, outputs: [valid.outputs[0], valid.outputs[0]] }],
  ['no outputs', { ...valid, outputs: [] }],
  ['classes that are not lists', { ...valid, classes: ['a'] }],
])('%s is refused', (_, program) => {
  expect(() => validateProgram(program as Program)).toThrow(RangeError)
})

test('the message names the node and the reason', () => {
  const program = withNode(1, { op: 'select', inputs: [0], attrs: { columns: Int32Array.of(2) } }) as Program

  expect(() => validateProgram(program)).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: node 1 (select): select: column 2 of 2]`,
  )
})
