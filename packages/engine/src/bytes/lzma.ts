import { ModelError } from '../errors.ts'
import { Cursor } from './cursor.ts'
import { Output } from './output.ts'

const STATES = 12
const LITERAL_STATES = 7
const MIN_MATCH = 2
const END_DISTANCE = 0xffffffff
const HALF = 1024

const probabilities = (count: number): Uint16Array => new Uint16Array(count).fill(HALF)

/** Reads bits whose probability adapts. 11-bit probabilities of a zero, halved distance 1/32 per bit. */
class RangeDecoder {
  readonly #bytes: Uint8Array
  #at: number
  #range = 0xffffffff
  #code = 0

  /** @throws ModelError corrupt when the five bytes a range starts with are missing */
  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes
    this.#at = at + 1
    if (bytes[at] !== 0) throw corrupt('does not start as it should')
    for (let i = 0; i < 4; i++) this.#code = ((this.#code << 8) | this.#next()) >>> 0
  }

  get at(): number {
    return this.#at
  }

  get finished(): boolean {
    return this.#code === 0
  }

  bit(table: Uint16Array, index: number): number {
    const probability = table[index]!
    const bound = ((this.#range >>> 11) * probability) >>> 0
    const zero = this.#code < bound
    if (zero) {
      this.#range = bound
      table[index] = probability + ((2048 - probability) >> 5)
    } else {
      this.#range = (this.#range - bound) >>> 0
      this.#code = (this.#code - bound) >>> 0
      table[index] = probability - (probability >> 5)
    }
    if (this.#range < 2 ** 24) this.#normalise()
    return zero ? 0 : 1
  }

  /** `count` bits of even odds, most significant first. */
  direct(count: number): number {
    let value = 0
    for (let i = 0; i < count; i++) {
      this.#range >>>= 1
      const one = this.#code >= this.#range ? 1 : 0
      if (one === 1) this.#code = (this.#code - this.#range) >>> 0
      value = value * 2 + one
      if (this.#range < 2 ** 24) this.#normalise()
    }
    return value
  }

  /** A binary tree of `bits` levels whose probabilities start at `base`. */
  tree(table: Uint16Array, base: number, bits: number): number {
    let node = 1
    for (let i = 0; i < bits; i++) node = node * 2 + this.bit(table, base + node)
    return node - 2 ** bits
  }

  /** The same, least significant bit first. */
  reverseTree(table: Uint16Array, base: number, bits: number): number {
    let node = 1
    let value = 0
    for (let i = 0; i < bits; i++) {
      const bit = this.bit(table, base + node)
      node = node * 2 + bit
      value |= bit << i
    }
    return value
  }

  #normalise(): void {
    this.#range = (this.#range << 8) >>> 0
    this.#code = ((this.#code << 8) | this.#next()) >>> 0
  }

  #next(): number {
    const byte = this.#bytes[this.#at++]
    if (byte === undefined) throw corrupt('ends in the middle')
    return byte
  }
}

/** Match lengths 2–273: eight short ones and eight middle ones per position, 256 long ones. */
class LengthCoder {
  readonly #choice = probabilities(2)
  readonly #low = probabilities(16 << 3)
  readonly #middle = probabilities(16 << 3)
  readonly #high = probabilities(256)

  read(range: RangeDecoder, position: number): number {
    if (range.bit(this.#choice, 0) === 0) return MIN_MATCH + range.tree(this.#low, position << 3, 3)
    if (range.bit(this.#choice, 1) === 0) return MIN_MATCH + 8 + range.tree(this.#middle, position << 3, 3)
    return MIN_MATCH + 16 + range.tree(this.#high, 0, 8)
  }
}

/** Everything that a state reset of LZMA sets back. */
class Model {
  readonly literalContextBits: number
  readonly literalPositionMask: number
  readonly positionMask: number
  readonly literals: Uint16Array
  readonly isMatch = probabilities(STATES << 4)
  readonly isRepeat = probabilities(STATES)
  readonly isRepeat0 = probabilities(STATES)
  readonly isRepeat1 = probabilities(STATES)
  readonly isRepeat2 = probabilities(STATES)
  readonly isRepeat0Long = probabilities(STATES << 4)
  readonly slots = probabilities(4 << 6)
  readonly special = probabilities(128)
  readonly align = probabilities(16)
  readonly matchLength = new LengthCoder()
  readonly repeatLength = new LengthCoder()
  /** The last four distances, minus one. */
  repeats: [number, number, number, number] = [0, 0, 0, 0]
  state = 0

  /** @param properties (pb · 5 + lp) · 9 + lc */
  constructor(properties: number) {
    if (properties >= 225) throw corrupt('has impossible properties')
    this.literalContextBits = properties % 9
    const positions = Math.floor(properties / 9)
    this.literalPositionMask = (1 << (positions % 5)) - 1
    this.positionMask = (1 << Math.floor(positions / 5)) - 1
    this.literals = probabilities(0x300 << (this.literalContextBits + (positions % 5)))
  }
}

/** LZMA data that go to one output; keeps its model between the chunks of LZMA2. */
export class LzmaDecoder {
  readonly #output: Output
  #model: Model | undefined
  #properties: number | undefined
  /** Nothing before this byte of the output may be referred to. */
  #dictionaryStart = 0

  constructor(output: Output) {
    this.#output = output
  }

  resetDictionary(): void {
    this.#dictionaryStart = this.#output.length
  }

  resetState(properties: number | undefined = this.#properties): void {
    if (properties === undefined) throw corrupt('has no properties')
    this.#properties = properties
    this.#model = new Model(properties)
  }

  /**
   * Decodes until `count` more bytes are written or the end mark is met (`undefined`: only the end mark ends it).
   * @returns the byte after the compressed data
   */
  decode(bytes: Uint8Array, at: number, count: number | undefined): number {
    const model = this.#model
    if (model === undefined) throw corrupt('has no properties')
    const range = new RangeDecoder(bytes, at)
    const output = this.#output
    const end = count === undefined ? Number.POSITIVE_INFINITY : output.length + count
    while (output.length < end) {
      const position = (output.length - this.#dictionaryStart) & model.positionMask
      if (range.bit(model.isMatch, (model.state << 4) + position) === 0) {
        this.#literal(model, range)
        continue
      }
      const length = this.#match(model, range, position)
      if (length === 0) {
        if (count === undefined && range.finished) return range.at
        throw corrupt('ends before its length')
      }
      const distance = model.repeats[0] + 1
      if (distance > output.length - this.#dictionaryStart) throw corrupt('refers to nothing')
      if (output.length + length > end) throw corrupt('goes on after its length')
      output.repeat(distance, length)
    }
    return range.at
  }

  #literal(model: Model, range: RangeDecoder): void {
    const { bytes, length } = this.#output
    const position = length - this.#dictionaryStart
    const previous = position > 0 ? bytes[length - 1]! : 0
    const high = (position & model.literalPositionMask) << model.literalContextBits
    const base = 0x300 * (high + (previous >> (8 - model.literalContextBits)))
    let symbol = 1
    if (model.state >= LITERAL_STATES) {
      const distance = model.repeats[0] + 1
      if (distance > position) throw corrupt('refers to nothing')
      let matched = bytes[length - distance]!
      while (symbol < 0x100) {
        const expected = (matched >> 7) & 1
        matched <<= 1
        const bit = range.bit(model.literals, base + ((1 + expected) << 8) + symbol)
        symbol = (symbol << 1) | bit
        if (bit !== expected) break
      }
    }
    while (symbol < 0x100) symbol = (symbol << 1) | range.bit(model.literals, base + symbol)
    this.#output.push(symbol & 255)
    model.state = model.state < 4 ? 0 : model.state < 10 ? model.state - 3 : model.state - 6
  }

  /** Reads a match into `repeats[0]`; answers its length, 0 for the end mark. */
  #match(model: Model, range: RangeDecoder, position: number): number {
    const { state, repeats } = model
    const afterLiteral = state < LITERAL_STATES
    if (range.bit(model.isRepeat, state) === 0) {
      model.state = afterLiteral ? 7 : 10
      const length = model.matchLength.read(range, position)
      const distance = readDistance(model, range, length)
      if (distance === END_DISTANCE) return 0
      model.repeats = [distance, repeats[0], repeats[1], repeats[2]]
      return length
    }
    if (range.bit(model.isRepeat0, state) === 0) {
      if (range.bit(model.isRepeat0Long, (state << 4) + position) === 0) {
        model.state = afterLiteral ? 9 : 11
        return 1
      }
    } else if (range.bit(model.isRepeat1, state) === 0) {
      model.repeats = [repeats[1], repeats[0], repeats[2], repeats[3]]
    } else if (range.bit(model.isRepeat2, state) === 0) {
      model.repeats = [repeats[2], repeats[0], repeats[1], repeats[3]]
    } else {
      model.repeats = [repeats[3], repeats[0], repeats[1], repeats[2]]
    }
    model.state = afterLiteral ? 8 : 11
    return model.repeatLength.read(range, position)
  }
}

/** A distance minus one: a slot gives its leading bits, the rest is coded by adaptive or even-odds bits. */
function readDistance(model: Model, range: RangeDecoder, length: number): number {
  const slot = range.tree(model.slots, Math.min(length - MIN_MATCH, 3) << 6, 6)
  if (slot < 4) return slot
  const bits = (slot >> 1) - 1
  const leading = (2 | (slot & 1)) * 2 ** bits
  if (slot < 14) return leading + range.reverseTree(model.special, leading - slot, bits)
  return leading + range.direct(bits - 4) * 16 + range.reverseTree(model.align, 0, 4)
}

/**
 * The `.lzma` format: properties, dictionary size, length (all ones: unknown), data.
 * @throws ModelError corrupt | limit
 */
export function decodeLzmaAlone(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const cursor = new Cursor(bytes)
  const properties = cursor.u8()
  cursor.u32()
  const unknown = cursor.bytes.subarray(5, 13).every((byte) => byte === 255)
  const count = cursor.u64()
  const output = new Output(maxBytes, unknown ? bytes.length * 6 : 0)
  const decoder = new LzmaDecoder(output)
  decoder.resetState(properties)
  const end = decoder.decode(bytes, cursor.at, unknown ? undefined : count)
  if (end !== bytes.length) throw corrupt('is followed by something else')
  return output.since(0)
}

const corrupt = (what: string): ModelError =>
  new ModelError('corrupt', `the lzma compression of the file ${what}`, { hint: 'copy it again' })
