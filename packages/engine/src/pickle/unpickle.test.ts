import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { array, dtype, named, raw, read, stream, text, value } from '../../test/pickled.ts'
import { GlobalRef, InertObject, type NdArray } from './values.ts'

describe('values', () => {
  test.each([
    ['N', null],
    ['\x88', true],
    ['I00\n', false],
    ['I01\n', true],
    ['I-7\n', -7],
    ['J\xfe\xff\xff\xff', -2],
    ['M\x01\x02', 513],
    ['L12345678901234567890L\n', 12345678901234567890n],
    ['\x8a\x00', 0],
    ['\x8a\x02\xff\x7f', 32767],
    ['\x8a\x01\xff', -1],
    ['\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01', 2n ** 64n],
    ['F0.1\n', 0.1],
    ['Finf\n', Number.POSITIVE_INFINITY],
    ['G\x3f\xf8\x00\x00\x00\x00\x00\x00', 1.5],
    ["S'a\\tb\\x41\\101'\n", 'a\tbAA'],
    ['Vna\\u00efve \xe9\n', 'naïve é'],
    ['X\x03\x00\x00\x00\xe2\x82\xac', '€'],
    ['(lp0\nI1\na', [1]],
    ['(I1\nI2\nt', [1, 2]],
    [']', []],
    ['(I1\nI2\nd', new Map([[1, 2]])],
    ['\x8f(K\x01K\x02\x90', new Set([1, 2])],
    ['(K\x01\x91', new Set([1])],
  ])('%j', (operations, expected) => {
    expect(value(operations)).toEqual(expected)
  })

  test('bytes are views of the file, not copies', () => {
    const bytes = stream(raw(1, 2, 3), '.')

    const root = value(bytes.subarray(0, -1)) as Uint8Array

    expect([...root]).toEqual([1, 2, 3])
    expect(root.byteLength).toBeLessThan(root.buffer.byteLength)
  })

  test('a float survives its eight bytes', () => {
    fc.assert(
      fc.property(fc.double(), (number) => {
        const bytes = Buffer.alloc(9)
        bytes.write('G', 'latin1')
        bytes.writeDoubleBE(number, 1)
        expect(value(bytes)).toBe(number)
      }),
    )
  })

  test('a key named __proto__ is a key', () => {
    const root = value(`}${text('__proto__')}}${text('polluted')}\x88ss`) as Map<string, unknown>

    expect([...root.keys()]).toEqual(['__proto__'])
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })

  test('text of Python 2 that is not ASCII asks for a new file', () => {
    expect(() => value('U\x01\xe9')).toThrowErrorMatchingInlineSnapshot(
      `[ModelError: the pickle has byte strings of Python 2; load it with encoding="latin1" and save it again from Python 3]`,
    )
  })
})

describe('the memo', () => {
  test('MEMOIZE takes the number of entries, also after a PUT that left a gap', () => {
    expect(value('K\x07r\x05\x00\x00\x000K\x08\x940h\x01')).toBe(8)
  })

  test('an entry may be written again', () => {
    expect(value('K\x01q\x000K\x02q\x000h\x00')).toBe(2)
  })

  test('an entry that was never written is refused', () => {
    expect(() => value('h\x03')).toThrow('memo entry 3 is read before it is written')
  })
})

describe('the stack', () => {
  test('values below a mark cannot be taken', () => {
    expect(() => value('K\x01(\x85')).toThrow('an operation without its operand')
  })

  test('POP takes the mark when nothing is above it', () => {
    expect(value('K\x01(0')).toBe(1)
  })

  test('an unknown operation is named by its code', () => {
    expect(() => value('\xff')).toThrow('no operation with the code 255')
  })
})

describe('objects', () => {
  test('an object keeps its class and its state', () => {
    const root = value(`${named('lib.mod', 'Thing')})\x81}${text('a')}K\x01sb`) as InertObject

    expect(root.cls.qualified).toBe('lib.mod.Thing')
    expect(root.called).toBe(false)
    expect(root.state).toEqual(new Map([['a', 1]]))
  })

  test('subclasses of dict and list keep what they hold', () => {
    const bunch = value(`${named('sklearn.utils._bunch', 'Bunch')})\x81${text('k')}K\x01s`) as InertObject
    const list = value(`${named('lib', 'List')})\x81K\x01a(K\x02K\x03e`) as InertObject

    expect(bunch.entries).toEqual(new Map([['k', 1]]))
    expect(list.items).toEqual([1, 2, 3])
  })

  test('protocol 0 objects are rebuilt from object', () => {
    const root = value(
      `${named('copy_reg', '_reconstructor')}(${named('lib', 'Thing')}${named('__builtin__', 'object')}NtR`,
    )

    expect(root).toEqual(new InertObject(new GlobalRef('lib', 'Thing'), [], false))
  })

  test('names are listed with whether they would be called', () => {
    const { globals } = read(`(${named('zlib', 'crc32')}${named('collections', 'OrderedDict')})Rt`)

    expect(globals).toEqual([
      { name: 'collections.OrderedDict', called: true },
      { name: 'zlib.crc32', called: false },
    ])
  })
})

describe('calls', () => {
  const ctor = named('numpy.random._pickle', '__generator_ctor')

  test.each([
    ['REDUCE', `${named('os', 'system')}${text('id')}\x85R`, 'os.system'],
    ['OBJ', `(${named('os', 'system')}${text('id')}o`, 'os.system'],
    ['INST', `(${text('id')}ios\nsystem\n`, 'os.system'],
    ['a name built on the stack', `${text('os')}${text('system')}\x93${text('id')}\x85R`, 'os.system'],
    ['a result that is thrown away', `K\x01${named('os', 'system')})R0`, 'os.system'],
    ['a result below a mark that is thrown away', `K\x01(${named('os', 'system')})R1`, 'os.system'],
    ['a result that only the memo keeps', `K\x01${named('os', 'system')})R\x940`, 'os.system'],
    ['a key of a dictionary', `}${named('os', 'system')})RK\x01s`, 'os.system'],
    [
      'an object given to a constructor',
      `${ctor}${text('id')}${named('os', 'system')}\x86R`,
      `__generator_ctor(os.system)`,
    ],
    [
      'a lazy iterator',
      `${named('builtins', 'map')}${named('builtins', 'eval')}]\x86\x81`,
      'builtins.map(builtins.eval)',
    ],
    [
      'a base class',
      `${named('copyreg', '_reconstructor')}${named('lib', 'A')}${named('os', 'system')}${text('id')}\x87R`,
      'copyreg._reconstructor(lib.A, os.system)',
    ],
    ['a way through attributes', `${named('sklearn', 'os.system')}${text('id')}\x85R`, 'sklearn.os.system'],
    [
      'what a call returned',
      `${named('functools', 'partial')}${named('os', 'system')}\x85R)R`,
      'what functools.partial returns',
    ],
    ['a function whose state is set', `${named('os', 'system')}}b`, 'os.system.__setstate__'],
  ])('%s is refused by name', (_, operations, name) => {
    expect(() => read(operations)).toThrow(
      expect.objectContaining({
        kind: 'hostile',
        message: expect.stringContaining(
          `the file would call ${name.startsWith('__') ? `numpy.random._pickle.${name}` : name}`,
        ),
      }),
    )
  })

  test('a later fault does not hide the call', () => {
    expect(() => read(`${named('os', 'system')})R\xff`)).toThrow('the file would call os.system')
  })

  test('random generators, losses and trees are let through as records', () => {
    const bits = `${named('numpy.random._pickle', '__bit_generator_ctor')}${named('numpy.random._pcg64', 'PCG64')}\x85R`
    const loss = `${named('sklearn._loss._loss', '__pyx_unpickle_CyHalfBinomialLoss')}(${named('sklearn._loss._loss', 'CyHalfBinomialLoss')}K\x01NtR`

    const root = value(
      `(${bits}${loss}${named('sklearn.tree._tree', 'Tree')}(K\x01K\x02K\x03tRt`,
    ) as InertObject[]

    expect(root.map(({ called, cls }) => [cls.name, called])).toEqual([
      ['__bit_generator_ctor', true],
      ['__pyx_unpickle_CyHalfBinomialLoss', true],
      ['Tree', true],
    ])
  })
})

describe('limits', () => {
  test.each([
    ['nested lists', ']'.repeat(600) + 'a'.repeat(599), {}, 'more than 500 levels of nesting'],
    ['marks', '('.repeat(600), {}, 'more than 500 levels of nesting'],
    [
      'nesting made by the memo',
      `]q\x00${'0]h\x00aq\x00'.repeat(600)}`,
      {},
      'more than 500 levels of nesting',
    ],
    ['memo entries', `N${'\x94'.repeat(20)}`, { maxMemoEntries: 10 }, 'more than 10 remembered objects'],
    ['elements', `(${'N'.repeat(20)}t`, { maxElements: 10 }, 'more than 10 elements'],
    ['operations', 'N0'.repeat(5000), { maxOperations: 4000 }, 'more than 4000 operations'],
    ['time', 'N0'.repeat(5000), { deadlineMs: -1 }, 'reading took longer'],
    [
      'copies of one list',
      `(${'N'.repeat(50)}l\x94${'0c__builtin__\nset\nh\x00\x85R'.repeat(30)}`,
      { maxElements: 1000 },
      'more than 1000 elements',
    ],
  ])('%s', (_, operations, limits, message) => {
    expect(() => read(operations, limits)).toThrow(
      expect.objectContaining({ kind: 'limit', message: expect.stringContaining(message) }),
    )
  })

  test('a list that contains itself is refused', () => {
    expect(() => read(']\x94h\x00a')).toThrow('an object that contains itself')
  })

  test('a length beyond the file is refused before anything is allocated', () => {
    expect(() => read('\x8e\x00\x00\x00\x00\x00\x00\x00\x10')).toThrow(
      'the file ends in the middle of a value',
    )
  })

  test('what follows the end is refused', () => {
    expect(() => read('N.N')).toThrow('the file goes on for 2 bytes after its end')
  })
})

describe('arrays of joblib', () => {
  const wrapper = (type: string, alignment: string): string =>
    `${named('joblib.numpy_pickle', 'NumpyArrayWrapper')})\x81}(${text('subclass')}${named('numpy', 'ndarray')}${text('shape')}K\x02\x85${text('order')}${text('C')}${text('dtype')}${type}${text('allow_mmap')}\x88${alignment}ub`

  test('raw bytes follow their description, after the padding that is announced', () => {
    const padded = `${wrapper(dtype('i2'), `${text('numpy_array_alignment_bytes')}K\x10`)}\x03\xff\xff\xff\x01\x00\x02\x00`

    const { root, joblib } = read(`(${padded}${wrapper(dtype('i1'), '')}\x05\x06t`)

    expect((root as NdArray[]).map(({ data }) => [...(data as Uint8Array)])).toEqual([
      [1, 0, 2, 0],
      [5, 6],
    ])
    expect(joblib).toBe(true)
  })

  test('an object array is a pickle of its own, with a memo of its own', () => {
    const nested = `${array('K\x01\x85', dtype('O8', '|'), `(${text('x')}\x94l`)}.`

    const root = value(`(${text('outer')}\x94${wrapper(dtype('O8', '|'), '')}${nested}h\x00t`) as unknown[]

    expect((root[1] as NdArray).data).toEqual(['x'])
    expect(root[2]).toBe('outer')
  })

  test('arrays in other files are refused', () => {
    const old = `${named('joblib.numpy_pickle', 'NDArrayWrapper')})\x81}b`

    expect(() => read(old)).toThrowErrorMatchingInlineSnapshot(
      `[ModelError: the arrays of this joblib file are in other files (joblib before 0.10); load it with its own joblib and save it again with joblib 0.10 or later]`,
    )
  })
})
