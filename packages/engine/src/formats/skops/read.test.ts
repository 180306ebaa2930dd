import { crc32 } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { DEFAULT_LIMITS } from '../../bytes/limits.ts'
import { GlobalRef, InertObject } from '../../pickle/values.ts'
import { readSkops } from './read.ts'

type File = {
  readonly name: string
  readonly content: string
  readonly crc?: number
  readonly flags?: number
}

/** A zip archive of stored files. */
function zip(...files: readonly File[]): Uint8Array {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  for (const { name, content, crc = crc32(content), flags = 0 } of files) {
    const offset = parts.reduce((sum, part) => sum + part.length, 0)
    const facts = Buffer.alloc(22)
    facts.writeUInt16LE(flags, 2)
    facts.writeUInt32LE(crc, 10)
    facts.writeUInt32LE(content.length, 14)
    facts.writeUInt32LE(content.length, 18)
    const name2 = Buffer.alloc(4)
    name2.writeUInt16LE(name.length)
    parts.push(Buffer.from('PK\x03\x04'), facts, name2, Buffer.from(name + content))
    const rest = Buffer.alloc(14)
    rest.writeUInt32LE(offset, 10)
    const nameLength = Buffer.alloc(4)
    nameLength.writeUInt16LE(name.length)
    directory.push(Buffer.from('PK\x01\x02\x14\x00'), facts, nameLength, rest, Buffer.from(name))
  }
  const start = Buffer.concat(parts)
  const listing = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06')
  end.writeUInt16LE(files.length, 8)
  end.writeUInt16LE(files.length, 10)
  end.writeUInt32LE(listing.length, 12)
  end.writeUInt32LE(start.length, 16)
  return Buffer.concat([start, listing, end])
}

const node = (loader: string, cls: string, more: object) => {
  const [name] = cls.split('.').slice(-1)
  return {
    __class__: name,
    __module__: cls.slice(0, -(name!.length + 1)),
    __loader__: loader,
    ...more,
  }
}
const schema = (root: object): File => ({ name: 'schema.json', content: JSON.stringify(root) })
const read = (...files: readonly File[]) => readSkops(zip(...files), DEFAULT_LIMITS)
const json = (content: string) => node('JsonNode', 'builtins.str', { content, is_json: true })
const keys = (...types: string[]) =>
  node('ListNode', 'builtins.list', {
    content: types.map((type) => node('TypeNode', `builtins.${type}`, {})),
  })

describe('nodes become the values a pickle would give', () => {
  test('an object has its attributes, numbers that JSON does not know included', () => {
    const state = node('DictNode', 'builtins.dict', {
      content: { missing: json('NaN'), high: json('Infinity') },
      key_types: keys('str', 'str'),
    })

    const { root } = read(schema(node('ObjectNode', 'acme.Model', { content: state })))

    expect(root).toBeInstanceOf(InertObject)
    expect((root as InertObject).state).toEqual(
      new Map([
        ['missing', Number.NaN],
        ['high', Number.POSITIVE_INFINITY],
      ]),
    )
  })

  test('keys of a dictionary have the type they had', () => {
    const { root } = read(
      schema(
        node('DictNode', 'builtins.dict', {
          content: { 1: json('true'), a: json('null') },
          key_types: keys('int', 'str'),
        }),
      ),
    )

    expect(root).toEqual(
      new Map<unknown, unknown>([
        [1, true],
        ['a', null],
      ]),
    )
  })

  test('a function is a name', () => {
    expect(read(schema(node('FunctionNode', 'numpy.log1p', {}))).root).toEqual(
      new GlobalRef('numpy', 'log1p'),
    )
  })
})

describe('what could run code or hides something is refused', () => {
  test('a call of anything but known constructors', () => {
    const args = node('TupleNode', 'builtins.tuple', { content: [json('"id"')] })
    const call = node('TreeNode', 'os.system', { __reduce__: { args } })

    expect(() => read(schema(call))).toThrow('the file would call os.system')
  })

  test.each(['MethodNode', 'OperatorFuncNode', 'constructor', 'SparseMatrixNode'])('a %s', (loader) => {
    expect(() => read(schema(node(loader, 'acme.Model', {})))).toThrow(
      `the file has a ${loader}, which we do not read`,
    )
  })

  const plain = schema(json('1'))

  test.each<[string, File[], string]>([
    ['two files of one name', [plain, plain], 'two files of one name'],
    ['a wrong checksum', [{ ...plain, crc: 1 }], 'does not fit its checksum'],
    ['an encrypted file', [{ ...plain, flags: 1 }], 'the archive is encrypted'],
    [
      'an array that is not there',
      [schema(node('NdArrayNode', 'numpy.ndarray', { type: 'numpy', file: '../../etc/passwd' }))],
      'lacks a file',
    ],
  ])('%s', (_, files, message) => {
    expect(() => read(...files)).toThrow(message)
  })
})
