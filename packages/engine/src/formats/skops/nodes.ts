import type { Budget } from '../../bytes/limits.ts'
import { ModelError } from '../../errors.ts'
import { buildArray, scalarOf } from '../../pickle/arrays.ts'
import { isHarmlessCall } from '../../pickle/harmless.ts'
import { DType, GlobalRef, type Inert, InertObject, NdArray } from '../../pickle/values.ts'
import { type Doc, Section } from '../document.ts'
import { parseJson } from '../json.ts'
import type { Archive } from '../zip.ts'
import { readNpy } from './npy.ts'

/** Reads the nodes of one `schema.json` as the values a pickle of the same model would give. */
export class SchemaReader {
  /** Qualified name → would loading the file call it. */
  readonly names = new Map<string, boolean>()
  readonly archive: Archive
  readonly budget: Budget
  readonly #known = new Map<number, Inert>()

  constructor(archive: Archive, budget: Budget) {
    this.archive = archive
    this.budget = budget
  }

  /** As skops, an object met again is the one met first. @throws ModelError corrupt | hostile | unsupported */
  read(value: Doc | undefined): Inert {
    const node = new Section(value, 'a node of schema.json')
    const id = node.find('__id__')
    if (typeof id !== 'number') return this.#fresh(node)
    const known = this.#known.get(id)
    if (known !== undefined) return known
    const result = this.#fresh(node)
    this.#known.set(id, result)
    return result
  }

  items(node: Section, key = 'content'): Inert[] {
    const items = node.list(key).map((item) => this.read(item))
    this.budget.elements(items.length)
    return items
  }

  /** The class or function a node names. */
  name(node: Section): GlobalRef {
    const ref = new GlobalRef(node.text('__module__'), node.text('__class__'))
    if (!PLAIN.has(ref.qualified) && !this.names.has(ref.qualified)) this.names.set(ref.qualified, false)
    return ref
  }

  /** An object that Python would make by calling `callee(*args)`. @throws ModelError hostile */
  call(callee: GlobalRef, args: Inert[]): InertObject {
    this.names.set(callee.qualified, true)
    if (!isHarmlessCall(callee, args))
      throw new ModelError('hostile', `the file would call ${callee.qualified}`, {
        hint: 'do not load it in Python; nothing was run here',
      })
    return new InertObject(callee, args, true)
  }

  #fresh(node: Section): Inert {
    this.budget.operation()
    const loader = node.text('__loader__')
    const read = Object.hasOwn(READERS, loader) ? READERS[loader] : undefined
    if (read !== undefined) return read(node, this)
    throw new ModelError('unsupported', `the file has a ${loader}, which we do not read`, {
      hint: 'save the model with joblib.dump instead',
    })
  }
}

type Read = (node: Section, reader: SchemaReader) => Inert

/** Names that are values of Python and numpy, not of a model. */
const PLAIN: ReadonlySet<string> = new Set([
  ...['str', 'int', 'float', 'bool', 'dict', 'list', 'tuple', 'set', 'slice', 'bytes', 'bytearray'].map(
    (name) => `builtins.${name}`,
  ),
  'numpy.ndarray',
  'numpy.dtype',
])

const object: Read = (node, reader) => {
  const result = new InertObject(reader.name(node), [], false)
  if (node.has('content')) result.state = reader.read(node.find('content'))
  return result
}

/** An object whose attributes are nodes one by one. */
const record: Read = (node, reader) => {
  const result = new InertObject(reader.name(node), [], false)
  result.state = new Map(
    [...node.section('content').fields].map(([key, value]): [Inert, Inert] => [key, reader.read(value)]),
  )
  return result
}

const dictionary: Read = (node, reader) => {
  const content = node.section('content')
  const types = reader.items(node.section('key_types'))
  if (types.length !== content.fields.size) throw corrupt('a dictionary whose keys lack a type')
  const entries = [...content.fields].map(([key, value], i): [Inert, Inert] => [
    keyOf(key, types[i]!),
    reader.read(value),
  ])
  reader.budget.elements(2 * entries.length)
  const map = new Map(entries)
  const cls = reader.name(node)
  if (cls.qualified === 'builtins.dict' || cls.qualified === 'collections.OrderedDict') return map
  const result = new InertObject(cls, [], false)
  result.entries = map
  return result
}

/** JSON has text for keys only; the schema says what each one was. */
function keyOf(key: string, type: Inert): Inert {
  const name = type instanceof GlobalRef ? type.name : ''
  if (name === 'str' || name === 'str_') return key
  if (name === 'NoneType') return null
  if (name === 'bool' || name === 'bool_') return key === 'True' || key === 'true'
  if (/^u?int\d*$|^float\d*$/.test(name) && (key === 'nan' || key === 'NaN' || !Number.isNaN(Number(key))))
    return Number(key)
  throw corrupt('a dictionary with a key of a type that we do not know')
}

/** Lists, tuples and sets; other classes (named tuples) keep their name. */
const sequence: Read = (node, reader) => {
  const items = reader.items(node)
  const cls = reader.name(node)
  if (cls.qualified === 'builtins.list' || cls.qualified === 'builtins.tuple') return items
  if (cls.qualified === 'builtins.set' || cls.qualified === 'builtins.frozenset') return new Set(items)
  return new InertObject(cls, items, false)
}

const json: Read = (node, reader) => {
  const value = parseJson(node.text('content'), reader.budget)
  if (value !== null && typeof value === 'object') throw corrupt('a value that is not one')
  return value
}

/** A numpy array or scalar in a file of its own, or an array of objects whose elements are nodes. */
const array: Read = (node, reader) => {
  if (node.text('type') === 'json') {
    const shape = reader.read(node.find('shape'))
    const data = reader.items(node).flatMap((item) => leaves(item, dimensions(shape) - 1))
    return buildArray({ shape, dtype: new DType('O', 8, false), data }, false, reader.budget)
  }
  const content = readNpy(reader.archive.read(node.text('file')), reader.budget)
  const { name } = reader.name(node)
  if (name === 'ndarray') return content
  return content.length === 1 ? scalarOf(content.dtype, content.data as Uint8Array, reader.budget) : content
}

const dimensions = (shape: Inert): number => (Array.isArray(shape) ? shape.length : 1)

/** Elements of lists in lists, as deep as the array has more dimensions. */
const leaves = (item: Inert, depth: number): Inert[] =>
  depth > 0 && Array.isArray(item) ? item.flatMap((inner) => leaves(inner, depth - 1)) : [item]

/** Built by a call (`__reduce__`), then given its attributes. */
const reduced: Read = (node, reader) => {
  const args = reader.read(node.section('__reduce__').find('args'))
  if (!Array.isArray(args)) throw corrupt('an object made of nothing')
  const result = reader.call(reader.name(node), args)
  if (node.has('content')) result.state = reader.read(node.find('content'))
  return result
}

const slice: Read = (node) => {
  const bounds = node.section('content')
  const args = ['start', 'stop', 'step'].map((key) => {
    const value = bounds.find(key) ?? null
    if (value === null || typeof value === 'number') return value
    throw corrupt('a slice whose bounds are not numbers')
  })
  return new InertObject(new GlobalRef('builtins', 'slice'), args, true)
}

const dtype: Read = (node, reader) => {
  const content = reader.read(node.find('content'))
  if (content instanceof NdArray) return content.dtype
  throw corrupt('a dtype without its array')
}

/** As `functools.partial` reduces itself. */
const partial: Read = (node, reader) => {
  const content = node.section('content')
  const parts = ['func', 'args', 'kwds', 'namespace'].map((key) =>
    content.has(key) ? reader.read(content.find(key)) : null,
  )
  const result = reader.call(reader.name(node), [parts[0]!])
  result.state = parts
  return result
}

const bytes: Read = (node, reader) => reader.archive.read(node.text('file'))

const reference: Read = (node, reader) => reader.name(node)

/** Loaders of skops by what they make. What is not here (methods, operators, sparse matrices …) is refused. */
const READERS: Readonly<Record<string, Read>> = {
  ObjectNode: object,
  DictNode: dictionary,
  ListNode: sequence,
  TupleNode: sequence,
  SetNode: sequence,
  JsonNode: json,
  NdArrayNode: array,
  TypeNode: reference,
  FunctionNode: reference,
  TreeNode: reduced,
  LossNode: reduced,
  SGDNode: reduced,
  SliceNode: slice,
  DTypeNode: dtype,
  RandomStateNode: object,
  RandomGeneratorNode: record,
  PartialNode: partial,
  BytesNode: bytes,
  BytearrayNode: bytes,
}

const corrupt = (what: string): ModelError => new ModelError('corrupt', `schema.json has ${what}`)
