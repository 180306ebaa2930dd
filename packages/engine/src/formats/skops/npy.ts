import { Cursor } from '../../bytes/cursor.ts'
import type { Budget } from '../../bytes/limits.ts'
import { ModelError } from '../../errors.ts'
import { buildArray, dtypeOf } from '../../pickle/arrays.ts'
import { DType, type Inert, type NdArray } from '../../pickle/values.ts'

const MAGIC = '\x93NUMPY'

/**
 * A numpy array as `numpy.save` writes it (format 1 to 3): magic, version, length of the header, a header in Python's
 * notation, the elements. @throws ModelError corrupt | unsupported (arrays of objects, which are pickles)
 */
export function readNpy(bytes: Uint8Array, budget: Budget): NdArray {
  const cursor = new Cursor(bytes)
  if (cursor.latin1(6) !== MAGIC) throw corrupt('does not start like one')
  const version = cursor.u8()
  cursor.take(1)
  if (version < 1 || version > 3) throw corrupt(`has the version ${version}`)
  const header = new PythonLiteral(cursor.latin1(version === 1 ? cursor.u16() : cursor.u32())).value()
  if (!(header instanceof Map)) throw corrupt('has no header')
  const dtype = dtypeFrom(header.get('descr') ?? null)
  if (dtype.kind === 'O')
    throw new ModelError('unsupported', 'an array of the archive holds pickled objects', {
      hint: 'save the model again with skops.io.dump',
    })
  const data = cursor.slice(bytes.length - cursor.at)
  return buildArray({ shape: header.get('shape'), dtype, data }, header.get('fortran_order') === true, budget)
}

/** `'<f8'`, or a list of (name, format) of a record, whose fields follow each other. */
function dtypeFrom(descr: Inert): DType {
  if (!Array.isArray(descr)) return dtypeOf(descr)
  const fields = new Map<string, { dtype: DType; offset: number }>()
  let offset = 0
  for (const field of descr) {
    const [name, format, shape] = Array.isArray(field) ? field : []
    if (typeof name !== 'string' || typeof format !== 'string' || shape !== undefined)
      throw corrupt('has a record with a field that is not one value')
    const dtype = dtypeOf(format)
    if (name !== '') fields.set(name, { dtype: Object.freeze(dtype), offset })
    offset += dtype.itemsize
  }
  const record = new DType('V', offset, false)
  record.fields = fields
  return record
}

const TOKEN = /\s*(?:'([^'\\]*)'|(-?\d+)L?|(True|False|None)|([[\](){},:]))/y
const CONSTANTS: Readonly<Record<string, Inert>> = { True: true, False: false, None: null }
const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' }
const MAX_DEPTH = 8

/** The few Python literals of an array's header. */
class PythonLiteral {
  readonly #text: string
  #at = 0
  #depth = 0

  constructor(text: string) {
    this.#text = text
  }

  value(): Inert {
    const { text, integer, constant, mark } = this.#next()
    if (text !== undefined) return text
    if (integer !== undefined) return Number(integer)
    if (constant !== undefined) return CONSTANTS[constant]!
    const close = CLOSING[mark!]
    if (close === undefined || ++this.#depth > MAX_DEPTH) throw corrupt('has a broken header')
    const items = this.#items(close)
    this.#depth--
    return mark === '{' ? new Map(items as [Inert, Inert][]) : items
  }

  #items(close: string): Inert[] {
    const items: Inert[] = []
    while (!this.#eat(close)) {
      if (items.length > 0 && (!this.#eat(',') || this.#eat(close))) {
        if (this.#text[this.#at - 1] === close) break
        throw corrupt('has a broken header')
      }
      const item = this.value()
      if (close !== '}') items.push(item)
      else if (this.#eat(':')) items.push([item, this.value()])
      else throw corrupt('has a broken header')
    }
    return items
  }

  #eat(mark: string): boolean {
    const before = this.#at
    if (this.#text.slice(before).trimStart().startsWith(mark) && this.#next().mark === mark) return true
    this.#at = before
    return false
  }

  #next() {
    TOKEN.lastIndex = this.#at
    const match = TOKEN.exec(this.#text)
    if (match === null) throw corrupt('has a broken header')
    this.#at = TOKEN.lastIndex
    const [, text, integer, constant, mark] = match
    return { text, integer, constant, mark }
  }
}

const corrupt = (what: string): ModelError => new ModelError('corrupt', `a numpy array of the file ${what}`)
