import { hex } from '../bytes/hex.ts'
import { ModelError } from '../errors.ts'
import { narrow } from './arrays.ts'
import { latin1Bytes } from './constructors.ts'
import { corrupt, type Machine } from './machine.ts'
import type { Inert } from './values.ts'

type Operation = (machine: Machine) => void

/** CPython converts at most this many digits (sys.int_info.default_max_str_digits). */
const MAX_DIGITS = 4300
const MAX_INTEGER_BYTES = 1024

const refuse =
  (what: string, hint: string): Operation =>
  () => {
    throw new ModelError('format', what, { hint })
  }

const PERSISTENT = refuse(
  'the pickle refers to objects kept outside of it (persistent ids, as torch.save writes them)',
  'export a torch model to ONNX',
)
const EXTENSION = refuse(
  'the pickle names classes by numbers of a registry of the program that wrote it',
  'save it again with pickle.dump or joblib.dump',
)
const OUT_OF_BAND = refuse(
  'the pickle keeps its arrays in buffers outside of the file',
  'save it again without buffer_callback',
)

function decimal(text: string): number | bigint {
  if (text.length > MAX_DIGITS || !/^\s*[+-]?\d+\s*$/.test(text)) throw corrupt('an integer that is not one')
  return narrow(BigInt(text.trim().replace(/^\+/, '')))
}

/** INT: protocol 0 writes booleans as 00 and 01. */
const int = (text: string): Inert => (text === '00' ? false : text === '01' ? true : decimal(text))

/** LONG1, LONG4: little-endian two's complement. */
function longInteger(bytes: Uint8Array): number | bigint {
  if (bytes.length > MAX_INTEGER_BYTES) throw corrupt(`an integer of ${bytes.length} bytes`)
  if (bytes.length === 0) return 0
  return narrow(BigInt.asIntN(bytes.length * 8, BigInt(`0x${hex(bytes.toReversed())}`)))
}

const FLOATS: Readonly<Record<string, number>> = {
  nan: Number.NaN,
  '-nan': Number.NaN,
  inf: Number.POSITIVE_INFINITY,
  '-inf': Number.NEGATIVE_INFINITY,
}

function float(text: string): number {
  if (Object.hasOwn(FLOATS, text)) return FLOATS[text]!
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) throw corrupt('a float that is not one')
  return Number(text)
}

/** Python's raw-unicode-escape: latin1 plus \uXXXX and \UXXXXXXXX. */
const rawUnicode = (text: string): string =>
  text.replace(/\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})/g, (_, short: string, long: string) => {
    const code = Number.parseInt(short ?? long, 16)
    if (code > 0x10ffff) throw corrupt('a character beyond Unicode')
    return String.fromCodePoint(code)
  })

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
}

/** STRING: a Python 2 literal in quotes. */
function quoted(text: string): string {
  const quote = text[0]
  if (text.length < 2 || (quote !== "'" && quote !== '"') || text.at(-1) !== quote)
    throw corrupt('text without quotes')
  const unescaped = text.slice(1, -1).replace(/\\(x[0-9a-fA-F]{2}|[0-7]{1,3}|.)/g, (_, code: string) => {
    if (/^x./.test(code)) return String.fromCharCode(Number.parseInt(code.slice(1), 16))
    if (/^[0-7]/.test(code)) return String.fromCharCode(Number.parseInt(code, 8) & 255)
    return ESCAPES[code] ?? code
  })
  return python2Text(unescaped)
}

/** Python 3 reads Python 2's byte strings as ASCII and fails on anything else; so do we. */
function python2Text(text: string): string {
  for (let i = 0; i < text.length; i++)
    if (text.charCodeAt(i) > 127)
      throw new ModelError('format', 'the pickle has byte strings of Python 2', {
        hint: 'load it with encoding="latin1" and save it again from Python 3',
      })
  return text
}

function dictOf(pairs: readonly Inert[]): Map<Inert, Inert> {
  if (pairs.length % 2 !== 0) throw corrupt('a dictionary key without a value')
  const map = new Map<Inert, Inert>()
  for (let i = 0; i < pairs.length; i += 2) map.set(pairs[i]!, pairs[i + 1]!)
  return map
}

/** INST, OBJ: a call of the class, in Python 2's words. */
const classCall = (m: Machine, cls: Inert, args: Inert[]): void => m.push(m.call(cls, args))

const text = (m: Machine, value: string): void => m.push(value)

/** All operations of pickle protocols 0–5 by their byte, except STOP. */
const TABLE: Readonly<Record<string, Operation>> = {
  '(': (m) => m.mark(),
  '0': (m) => m.discard(),
  '1': (m) => void m.popToMark(),
  '2': (m) => m.push(m.top()),
  F: (m) => m.push(float(m.cursor.line().trim())),
  I: (m) => m.push(int(m.cursor.line().trim())),
  J: (m) => m.push(m.cursor.i32()),
  K: (m) => m.push(m.cursor.u8()),
  L: (m) => m.push(decimal(m.cursor.line().trim().replace(/L$/, ''))),
  M: (m) => m.push(m.cursor.u16()),
  N: (m) => m.push(null),
  P: PERSISTENT,
  Q: PERSISTENT,
  R: (m) => {
    const args = m.pop()
    m.push(m.call(m.pop(), args))
  },
  S: (m) => text(m, quoted(m.cursor.line().trim())),
  T: (m) => text(m, python2Text(m.cursor.latin1(m.cursor.u32()))),
  U: (m) => text(m, python2Text(m.cursor.latin1(m.cursor.u8()))),
  V: (m) => text(m, rawUnicode(m.cursor.line())),
  X: (m) => text(m, m.cursor.utf8(m.cursor.u32())),
  a: (m) => {
    const value = m.pop()
    m.budget.elements(1)
    m.append([value])
  },
  b: (m) => m.build(),
  c: (m) => {
    const module = utf8Line(m)
    m.push(m.name(module, utf8Line(m)))
  },
  d: (m) => m.pushContainer(dictOf(m.popToMark())),
  '}': (m) => m.pushContainer(new Map()),
  e: (m) => m.append(m.popToMark()),
  g: (m) => m.recall(slot(m.cursor.line())),
  h: (m) => m.recall(m.cursor.u8()),
  i: (m) => {
    const module = utf8Line(m)
    const cls = m.name(module, utf8Line(m))
    classCall(m, cls, m.popToMark())
  },
  j: (m) => m.recall(m.cursor.u32()),
  l: (m) => m.pushContainer(m.popToMark()),
  ']': (m) => m.pushContainer([]),
  o: (m) => {
    const [cls, ...args] = m.popToMark()
    classCall(m, cls ?? null, args)
  },
  p: (m) => m.remember(slot(m.cursor.line())),
  q: (m) => m.remember(m.cursor.u8()),
  r: (m) => m.remember(m.cursor.u32()),
  s: (m) => {
    const value = m.pop()
    const key = m.pop()
    m.budget.elements(2)
    m.setItems([key, value])
  },
  t: (m) => m.pushContainer(m.popToMark()),
  ')': (m) => m.pushContainer([]),
  u: (m) => m.setItems(m.popToMark()),
  G: (m) => m.push(m.cursor.f64BigEndian()),
  B: (m) => m.push(m.cursor.slice(m.cursor.u32())),
  C: (m) => m.push(m.cursor.slice(m.cursor.u8())),
  '\x80': (m) => {
    m.protocol = m.cursor.u8()
    if (m.protocol > 5) throw corrupt(`protocol ${m.protocol}, which Python does not know`)
  },
  '\x81': (m) => {
    const args = m.pop()
    m.push(m.instance(m.pop(), args))
  },
  '\x82': EXTENSION,
  '\x83': EXTENSION,
  '\x84': EXTENSION,
  '\x85': (m) => m.tuple(1),
  '\x86': (m) => m.tuple(2),
  '\x87': (m) => m.tuple(3),
  '\x88': (m) => m.push(true),
  '\x89': (m) => m.push(false),
  '\x8a': (m) => m.push(longInteger(m.cursor.slice(m.cursor.u8()))),
  '\x8b': (m) => m.push(longInteger(m.cursor.slice(m.cursor.i32()))),
  '\x8c': (m) => text(m, m.cursor.utf8(m.cursor.u8())),
  '\x8d': (m) => text(m, m.cursor.utf8(m.cursor.u64())),
  '\x8e': (m) => m.push(m.cursor.slice(m.cursor.u64())),
  '\x8f': (m) => m.pushContainer(new Set()),
  '\x90': (m) => m.addItems(m.popToMark()),
  '\x91': (m) => m.pushContainer(new Set(m.popToMark())),
  '\x92': (m) => {
    const named = m.pop()
    const args = m.pop()
    if (!(named instanceof Map) || !Array.isArray(args)) throw corrupt('an object without arguments')
    m.push(m.instance(m.pop(), named.size === 0 ? args : [...args, named]))
  },
  '\x93': (m) => {
    const name = m.pop()
    m.push(m.name(m.pop(), name))
  },
  '\x94': (m) => m.remember(m.memo.size),
  '\x95': (m) => {
    const length = m.cursor.u64()
    const start = m.cursor.take(length)
    m.cursor.at = start
  },
  '\x96': (m) => m.push(m.cursor.slice(m.cursor.u64())),
  '\x97': OUT_OF_BAND,
  '\x98': OUT_OF_BAND,
}

const slot = (line: string): number => {
  const value = decimal(line)
  if (typeof value !== 'number' || value < 0) throw corrupt('a memo entry that has no number')
  return value
}

const utf8Line = (m: Machine): string => new TextDecoder().decode(latin1Bytes(m.cursor.line()))

const OPERATIONS: readonly (Operation | undefined)[] = Array.from(
  { length: 256 },
  (_, byte) => TABLE[String.fromCharCode(byte)],
)

const STOP = 0x2e

/** Runs one pickle to its STOP and answers its value. @throws ModelError */
export function run(machine: Machine): Inert {
  const { cursor, budget } = machine
  for (;;) {
    budget.operation()
    const byte = cursor.u8()
    if (byte === STOP) return machine.pop()
    const operation = OPERATIONS[byte]
    if (operation === undefined) throw corrupt(`no operation with the code ${byte}`)
    operation(machine)
  }
}
