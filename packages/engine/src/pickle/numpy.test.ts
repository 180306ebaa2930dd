import { describe, expect, test } from 'vitest'
import { array, dtype, named, raw, text, value } from '../../test/pickled.ts'
import { cellsOf, dtypeName, fieldOf, numbersOf } from './numpy.ts'
import { type InertObject, NdArray } from './values.ts'

const arrayOf = (operations: string): NdArray => value(operations) as NdArray

describe('numbers', () => {
  test.each([
    ['i4', '<', [1, 0, 0, 0, 255, 255, 255, 255], [1, -1]],
    ['i4', '>', [0, 0, 0, 1, 0, 0, 1, 0], [1, 256]],
    ['i8', '<', [5, 0, 0, 0, 0, 0, 0, 0, 254, 255, 255, 255, 255, 255, 255, 255], [5, -2]],
    ['u2', '>', [1, 0, 255, 255], [256, 65535]],
    ['f4', '>', [0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0], [1, -2]],
    ['f2', '<', [0x00, 0x3c, 0x00, 0xc0], [1, -2]],
    ['b1', '|', [0, 1], [0, 1]],
  ])('%s in order %s', (spec, order, bytes, expected) => {
    const numbers = numbersOf(arrayOf(array('K\x02\x85', dtype(spec, order), raw(...bytes))))

    expect([...numbers]).toEqual(expected)
  })

  test('Fortran order is turned into C order for any number of axes', () => {
    const bytes = Array.from({ length: 24 }, (_, i) => i)

    const numbers = numbersOf(arrayOf(array('K\x02K\x03K\x04\x87', dtype('u1', '|'), raw(...bytes), true)))

    const at = (i: number, j: number, k: number) => numbers[i * 12 + j * 4 + k]
    expect([at(0, 0, 0), at(1, 0, 0), at(0, 1, 0), at(0, 0, 1), at(1, 2, 3)]).toEqual([0, 1, 2, 6, 23])
  })

  test('integers beyond 2^53 are refused in arrays', () => {
    const wide = arrayOf(array('K\x01\x85', dtype('i8'), raw(0, 0, 0, 0, 0, 0, 0, 1)))

    expect(() => numbersOf(wide)).toThrow('an integer beyond 2^53')
  })
})

describe('text', () => {
  test('U of either byte order and S lose their trailing zeros only', () => {
    const little = array(
      'K\x02\x85',
      dtype('U2'),
      raw(97, 0, 0, 0, 0, 0, 0, 0, 0x2c, 0x20, 0, 0, 98, 0, 0, 0),
    )
    const big = array('K\x01\x85', dtype('U1', '>'), raw(0, 0, 0x20, 0xac))
    const bytes = array('K\x02\x85', dtype('S2', '|'), raw(97, 98, 99, 0))

    expect([little, big, bytes].map((operations) => cellsOf(arrayOf(operations)))).toEqual([
      ['a', '\u202cb'],
      ['€'],
      ['ab', 'c'],
    ])
  })

  test('a character beyond Unicode is refused', () => {
    const broken = arrayOf(array('K\x01\x85', dtype('U1'), raw(255, 255, 255, 255)))

    expect(() => cellsOf(broken)).toThrow('a character beyond Unicode')
  })
})

describe('structures', () => {
  const field = (name: string, type: string, offset: number) =>
    `${text(name)}${type}K${String.fromCharCode(offset)}\x86`
  const struct = (fields: string, size: number) =>
    `${named('numpy', 'dtype')}${text(`V${size}`)}\x89\x88\x87R(K\x03${text('|')}N${text('b')}${text('a')}\x86}(${fields}uK${String.fromCharCode(size)}K\x01K\x10tb`

  test('fields are read by name and offset, whatever their order', () => {
    const type = struct(field('a', dtype('u1', '|'), 0) + field('b', dtype('u2'), 1), 3)

    const records = arrayOf(array('K\x02\x85', type, raw(7, 1, 0, 8, 2, 0)))

    expect([...fieldOf(records, 'a')]).toEqual([7, 8])
    expect([...fieldOf(records, 'b')]).toEqual([1, 2])
    expect(() => fieldOf(records, 'c')).toThrow('no field c')
  })

  test('a field that does not fit is refused', () => {
    const type = struct(field('a', dtype('u1', '|'), 0) + field('b', dtype('u2'), 2), 3)

    expect(() => value(type)).toThrow('fields do not fit')
  })
})

describe('shapes', () => {
  test.each([
    ['too few bytes', array('K\x03\x85', dtype('i4'), raw(1, 2, 3, 4)), 'data do not fit'],
    ['too few objects', array('K\x03\x85', dtype('O8', '|'), '(Nl'), '3 elements holds 1'],
    ['objects under a numeric dtype', array('K\x01\x85', dtype('i4'), '(Nl'), '1 elements holds 1'],
    ['a negative length', array('J\xff\xff\xff\xff\x85', dtype('i4'), raw()), 'not a list of lengths'],
    ['a dtype of impossible size', dtype('i3'), 'a numpy dtype i of 3 bytes'],
    ['a dtype that nobody has', dtype('q8'), 'not one we know'],
  ])('%s', (_, operations, message) => {
    expect(() => value(operations)).toThrow(
      expect.objectContaining({ kind: 'corrupt', message: expect.stringContaining(message) }),
    )
  })

  test('a dtype cannot change under an array that has it', () => {
    const changed = `(${dtype('u1', '|')}\x94${array('K\x01\x85', 'h\x00', raw(1))}h\x00(K\x03${text('<')}NNNK\x04K\x04K\x00tbt`

    expect(() => value(changed)).toThrow('changes after its use')
  })
})

describe('scalars', () => {
  const scalar = (type: string, data: string) =>
    `${named('numpy._core.multiarray', 'scalar')}${type}${data}\x86R`

  test.each([
    ['f8', [0, 0, 0, 0, 0, 0, 0xf8, 0x3f], 1.5],
    ['f4', [0, 0, 0xc0, 0x3f], 1.5],
    ['i8', [1, 0, 0, 0, 0, 0, 0, 0], 1],
    ['i8', [0, 0, 0, 0, 0, 0, 0, 1], 2n ** 56n],
    ['b1', [1], true],
    ['U1', [97, 0, 0, 0], 'a'],
  ])('%s %j', (spec, bytes, expected) => {
    expect(value(scalar(dtype(spec), raw(...bytes)))).toBe(expected)
  })

  test('kinds without a JavaScript value stay arrays', () => {
    const date = value(scalar(dtype('M8'), raw(1, 0, 0, 0, 0, 0, 0, 0))) as NdArray

    expect(date).toBeInstanceOf(NdArray)
    expect(dtypeName(date.dtype)).toBe('M64')
  })
})

test('arrays of protocol 5 and bytes of protocol 2 are read', () => {
  const five = `${named('numpy.core.numeric', '_frombuffer')}(\x96\x02\x00\x00\x00\x00\x00\x00\x00\x01\x02${dtype('u1', '|')}K\x02\x85${text('C')}tR`
  const two = array(
    'K\x02\x85',
    dtype('u1', '|'),
    `${named('_codecs', 'encode')}X\x03\x00\x00\x00\x01\xc3\xbf${text('latin1')}\x86R`,
  )

  expect([...numbersOf(arrayOf(five))]).toEqual([1, 2])
  expect([...numbersOf(arrayOf(two))]).toEqual([1, 255])
})

test('an unknown call inside an object array refuses the file', () => {
  const hidden = array('K\x01\x85', dtype('O8', '|'), `(${named('os', 'system')})Rl`)

  expect(() => value(hidden) as InertObject).toThrow('the file would call os.system')
})
