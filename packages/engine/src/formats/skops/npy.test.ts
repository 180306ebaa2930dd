import { expect, test } from 'vitest'
import { Budget, DEFAULT_LIMITS } from '../../bytes/limits.ts'
import { fieldOf, numbersOf } from '../../pickle/numpy.ts'
import { readNpy } from './npy.ts'

/** As `numpy.save` writes it, format 1. */
function npy(header: string, data: Uint8Array): Uint8Array {
  const length = Buffer.alloc(2)
  length.writeUInt16LE(header.length + 1)
  return Buffer.concat([Buffer.from('\x93NUMPY\x01\x00', 'latin1'), length, Buffer.from(`${header}\n`), data])
}

const read = (header: string, data: Uint8Array) => readNpy(npy(header, data), new Budget(DEFAULT_LIMITS))
const bytes = (values: ArrayBufferView) => new Uint8Array(values.buffer)

test('a column-major matrix is read row by row', () => {
  const data = bytes(Float64Array.of(1, 2, 3, 4, 5, 6))

  const matrix = read("{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3), }", data)

  expect(Array.from(numbersOf(matrix))).toEqual([1, 3, 5, 2, 4, 6])
})

test('fields of a record are found behind its padding', () => {
  const data = new Uint8Array(16)
  data[0] = 7
  data[8] = 9

  const records = read(
    "{'descr': [('flag', '|u1'), ('', '|V7'), ('count', '<i8')], 'fortran_order': False, 'shape': (1,), }",
    data,
  )

  expect(fieldOf(records, 'flag')[0]).toBe(7)
  expect(fieldOf(records, 'count')[0]).toBe(9)
})

test.each([
  ["{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", 'holds pickled objects'],
  [
    "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }",
    'a numpy array of 2 elements whose data do not fit',
  ],
  ["{'descr': '<f8', 'fortran_order': False, 'shape': (1,)", 'has a broken header'],
  ["{'descr': [('x', '<f8', (3,))], 'shape': (1,), }", 'a field that is not one value'],
  ['__import__', 'has a broken header'],
])('%j is refused', (header, message) => {
  expect(() => read(header, new Uint8Array(8))).toThrow(message)
})
