import fc from 'fast-check'
import { expect, test } from 'vitest'
import { select } from '../ops/columns.ts'
import { decodeProgram, encodeProgram, programDigest } from './codec.ts'
import { Graph } from './graph.ts'
import type { Program } from './program.ts'

function smallProgram(): Program {
  const graph = new Graph([
    { name: 'a', kind: 'number' },
    { name: 'b', kind: 'cell' },
    { name: 'c', kind: 'number' },
  ])
  const x = graph.add(select, [graph.input([2, 0])], { columns: Int32Array.of(1) })
  return {
    version: 1,
    origin: { library: 'scikit-learn', libraryVersion: '1.7.2', estimator: 'sklearn.tree.Tree' },
    inputs: graph.columns,
    nodes: graph.nodes,
    outputs: [
      { name: 'predict', parts: [x], shape: 'vector', dtype: 'int64', labels: [[0, 'é', null, true]] },
    ],
    classes: [[0, 'é', null, true]],
  }
}

/** A program that carries any attribute through the codec on a node that ignores it. */
const carrying = (extra: unknown): Program => {
  const program = smallProgram()
  const [first, ...rest] = program.nodes
  return { ...program, nodes: [{ ...first!, attrs: { ...first!.attrs, extra } as never }, ...rest] }
}

const attribute = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(null, true, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0),
    fc.double(),
    fc.string(),
    fc.float64Array(),
    fc.int32Array(),
    fc.uint32Array(),
    fc.uint8Array(),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(
      fc.string().filter((key) => !key.startsWith('$') && key !== '__proto__'),
      tie('value'),
      { maxKeys: 4, noNullPrototype: true },
    ),
  ),
})).value

test('every attribute survives the bytes', () => {
  fc.assert(
    fc.property(attribute, (value) => {
      const program = carrying(value)
      expect(decodeProgram(encodeProgram(program))).toEqual(program)
    }),
  )
})

test('the order in which keys were written does not change the bytes', () => {
  const a = carrying({ x: 1, 10: Int32Array.of(1), y: Int32Array.of(2), 9: Int32Array.of(3) })
  const b = carrying({ 9: Int32Array.of(3), y: Int32Array.of(2), 10: Int32Array.of(1), x: 1 })

  expect(encodeProgram(a)).toEqual(encodeProgram(b))
})

test('an attribute that is undefined is left out', () => {
  expect(encodeProgram(carrying(undefined))).toEqual(encodeProgram(smallProgram()))
})

test('minus zero and NaN are not zero and null', () => {
  const digests = [0, -0, null, Number.NaN].map((value) => programDigest(encodeProgram(carrying(value))))

  expect(new Set(digests).size).toBe(4)
})

test('the digest names the bytes', () => {
  expect(programDigest(new TextEncoder().encode('abc'))).toBe(
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  )
})

test('bytes that do not start on a multiple of eight are read too', () => {
  const bytes = encodeProgram(carrying(Float64Array.of(1.5)))
  const shifted = new Uint8Array(bytes.length + 3)
  shifted.set(bytes, 3)

  expect(decodeProgram(shifted.subarray(3))).toEqual(carrying(Float64Array.of(1.5)))
})

test('bytes cut anywhere are refused', () => {
  const bytes = encodeProgram(carrying(Float64Array.of(1, 2)))

  for (let length = 0; length < bytes.length; length++)
    expect(() => decodeProgram(bytes.slice(0, length))).toThrow(RangeError)
})

test('changed bytes are refused or give a valid program, never another failure', () => {
  const bytes = encodeProgram(carrying({ list: [Float64Array.of(1, 2), Number.NaN] }))

  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, byte) => {
      const changed = bytes.slice()
      changed[at] = byte
      try {
        decodeProgram(changed)
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError)
      }
    }),
    { numRuns: 2000 },
  )
})

test('a reserved key is refused', () => {
  expect(() => encodeProgram(carrying({ $: 1 }))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: encodeProgram: the key $ is reserved]`,
  )
})

test('a program is read from any place in memory', () => {
  const bytes = encodeProgram(carrying(Float64Array.of(1, 2)))
  const shifted = Buffer.concat([Buffer.of(0), bytes]).subarray(1)

  expect(decodeProgram(shifted)).toEqual(decodeProgram(bytes))
})
