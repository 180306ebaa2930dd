import { MAX_PAGES } from './regions.ts'

/**
 * A WebAssembly module, written byte by byte: just the part of the format that our kernels use.
 * https://webassembly.github.io/spec/core/binary/
 */
export const I32 = 0x7f
export const F64 = 0x7c
export const V128 = 0x7b

const OPCODES = {
  select: [0x1b],
  'i32.lt_u': [0x49],
  'i32.add': [0x6a],
  'i32.sub': [0x6b],
  'i32.and': [0x71],
  'i32.or': [0x72],
  'i32.shl': [0x74],
  'i32.shr_u': [0x76],
  'i32.le_s': [0x4c],
  'i64.le_s': [0x57],
  'f64.ne': [0x62],
  'f64.lt': [0x63],
  'f64.gt': [0x64],
  'f64.ge': [0x66],
  'f64.add': [0xa0],
  'i32.trunc_sat_f64_s': [0xfc, 0x02],
  'f32.demote_f64': [0xb6],
  'f64.promote_f32': [0xbb],
  'v128.and': [0xfd, 0x4e],
  'v128.or': [0xfd, 0x50],
  'v128.xor': [0xfd, 0x51],
  'v128.bitselect': [0xfd, 0x52],
  'i8x16.swizzle': [0xfd, 0x0e],
  'i8x16.eq': [0xfd, 0x23],
  'i8x16.gt_s': [0xfd, 0x27],
  'i8x16.add': [0xfd, 0x6e],
  'f32x4.ne': [0xfd, 0x42],
  'f64x2.ne': [0xfd, 0x48],
  'f64x2.le': [0xfd, 0x4b],
  'f64x2.ge': [0xfd, 0x4c],
  'i32x4.shr_s': [0xfd, 0xac, 0x01],
  'i64x2.shl': [0xfd, 0xcb, 0x01],
  'i64x2.shr_s': [0xfd, 0xcc, 0x01],
  'i64x2.add': [0xfd, 0xce, 0x01],
  'f64x2.abs': [0xfd, 0xec, 0x01],
  'f64x2.add': [0xfd, 0xf0, 0x01],
  'f64x2.sub': [0xfd, 0xf1, 0x01],
  'f64x2.mul': [0xfd, 0xf2, 0x01],
  'f64x2.max': [0xfd, 0xf5, 0x01],
  'f32x4.demote_f64x2_zero': [0xfd, 0x5e],
  'f64x2.promote_low_f32x4': [0xfd, 0x5f],
} as const

/** Opcode and log2 of the alignment we promise. */
const MEMORY_OPCODES = {
  'i32.load8_u': [[0x2d], 0],
  'i32.load': [[0x28], 2],
  'i64.load': [[0x29], 3],
  'f64.load': [[0x2b], 3],
  'f64.store': [[0x39], 3],
  'i32.store8': [[0x3a], 0],
  'v128.load8_splat': [[0xfd, 0x07], 0],
  'v128.load64_splat': [[0xfd, 0x0a], 3],
  'v128.load': [[0xfd, 0x00], 3],
  'v128.store': [[0xfd, 0x0b], 3],
} as const

/** A variable or parameter of a function, by index. */
export type Local = number

/** One function's instructions; every method appends and returns the writer. */
export class Code {
  readonly params: readonly number[]
  readonly #locals: number[] = []
  readonly #bytes: number[] = []

  constructor(params: readonly number[]) {
    this.params = params
  }

  local(type: number): Local {
    this.#locals.push(type)
    return this.params.length + this.#locals.length - 1
  }
  locals(count: number, type: number): Local[] {
    return Array.from({ length: count }, () => this.local(type))
  }
  get(local: Local): this {
    return this.#emit(0x20, ...unsigned(local))
  }
  set(local: Local): this {
    return this.#emit(0x21, ...unsigned(local))
  }
  tee(local: Local): this {
    return this.#emit(0x22, ...unsigned(local))
  }
  i32(value: number): this {
    return this.#emit(0x41, ...signed(value))
  }
  f64(value: number): this {
    return this.#emit(0x44, ...new Uint8Array(Float64Array.of(value).buffer))
  }
  /** A vector of 16 bytes. */
  v128(bytes: Uint8Array): this {
    return this.#emit(0xfd, 0x0c, ...bytes)
  }
  op(...names: (keyof typeof OPCODES)[]): this {
    for (const name of names) this.#emit(...OPCODES[name])
    return this
  }
  /** Memory access at the address on the stack plus `offset` bytes. */
  at(name: keyof typeof MEMORY_OPCODES, offset = 0): this {
    const [opcode, alignment] = MEMORY_OPCODES[name]
    return this.#emit(...opcode, alignment, ...unsigned(offset))
  }
  /** Repeats `body` while the number that it leaves on the stack is not zero. */
  repeat(body: () => void): this {
    this.#emit(0x03, 0x40)
    body()
    return this.#emit(0x0d, 0, 0x0b)
  }
  /** local += value */
  advance(local: Local, value: number): this {
    return this.get(local).i32(value).op('i32.add').set(local)
  }

  /** The function as an entry of the code section. */
  encode(): Uint8Array {
    const locals = this.#locals.flatMap((type) => [1, type])
    const body = joined([unsigned(this.#locals.length), locals, this.#bytes, [0x0b]])
    return joined([unsigned(body.length), body])
  }

  #emit(...bytes: number[]): this {
    for (const byte of bytes) this.#bytes.push(byte)
    return this
  }
}

type Functions = Readonly<Record<string, Code>>
export type MemoryKind = 'own' | 'shared'

/** Limits of an imported memory: at least a page, where it is shared at most all there are. */
const MEMORY_LIMITS: Readonly<Record<MemoryKind, readonly number[]>> = {
  own: [0x00, 1],
  shared: [0x03, 1, ...unsigned(MAX_PAGES)],
}

/** A module that imports `env.memory`, of that kind, and exports functions without results. */
export const compileModule = (functions: Functions, memory: MemoryKind): WebAssembly.Module =>
  new WebAssembly.Module(encodeModule(functions, memory))

export const instantiateModule = (
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
): WebAssembly.Instance['exports'] => new WebAssembly.Instance(module, { env: { memory } }).exports

function encodeModule(functions: Functions, memory: MemoryKind): Uint8Array<ArrayBuffer> {
  const codes = Object.values(functions)
  const types = codes.map(({ params }) => [0x60, ...unsigned(params.length), ...params, 0])
  const exported = Object.keys(functions).map((name, i) => [...text(name), 0x00, ...unsigned(i)])
  const indices = codes.map((_, i) => unsigned(i))
  const bodies = codes.map((code) => code.encode())
  return joined([
    [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    section(1, types),
    section(2, [[...text('env'), ...text('memory'), 0x02, ...MEMORY_LIMITS[memory]]]),
    section(3, indices),
    section(7, exported),
    section(10, bodies),
  ])
}

type Bytes = ArrayLike<number>

function section(id: number, items: readonly Bytes[]): Bytes {
  const body = joined([unsigned(items.length), ...items])
  return joined([[id], unsigned(body.length), body])
}

function joined(parts: readonly Bytes[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

function text(value: string): number[] {
  const bytes = new TextEncoder().encode(value)
  return [...unsigned(bytes.length), ...bytes]
}

/** LEB128 of an unsigned 32-bit number. */
export function unsigned(value: number): number[] {
  const bytes: number[] = []
  let rest = value >>> 0
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  return [...bytes, rest]
}

/** LEB128 of a signed 32-bit number. */
export function signed(value: number): number[] {
  const bytes: number[] = []
  let rest = value | 0
  for (; rest > 0x3f || rest < -0x40; rest >>= 7) bytes.push((rest & 0x7f) | 0x80)
  return [...bytes, rest & 0x7f]
}
