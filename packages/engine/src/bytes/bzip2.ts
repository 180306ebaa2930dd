import { ModelError } from '../errors.ts'
import { bzip2Crc } from './checksums.ts'
import { Output } from './output.ts'

const BLOCK_MAGIC = 0x314159265359
const END_MAGIC = 0x177245385090
const GROUP_SYMBOLS = 50
const MAX_CODE_BITS = 20
const RUN_A = 0
const RUN_B = 1

/**
 * bzip2 streams, one after the other to the end of the file: Huffman groups → move-to-front and runs →
 * Burrows–Wheeler transform → runs of four.
 * @throws ModelError corrupt | limit
 */
export function decodeBzip2(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const bits = new BitReader(bytes)
  const output = new Output(maxBytes, bytes.length * 6)
  do decodeStream(bits, output)
  while (bits.alignAndPeek())
  return output.since(0)
}

function decodeStream(bits: BitReader, output: Output): void {
  if (bits.read(24) !== 0x425a68) throw corrupt('has no stream where one should start')
  const level = bits.read(8) - 0x30
  if (level < 1 || level > 9) throw corrupt('has an unknown block size')
  const block = new Uint32Array(level * 100_000)
  let combined = 0
  for (;;) {
    const magic = bits.read(24) * 2 ** 24 + bits.read(24)
    const checksum = bits.read32()
    if (magic === END_MAGIC) {
      if (checksum !== combined) throw corrupt('has a wrong checksum')
      return
    }
    if (magic !== BLOCK_MAGIC) throw corrupt('has no block where one should start')
    const start = output.length
    decodeBlock(bits, block, output)
    if (bzip2Crc(output.since(start)) !== checksum) throw corrupt('has a wrong block checksum')
    combined = (((combined << 1) | (combined >>> 31)) ^ checksum) >>> 0
  }
}

function decodeBlock(bits: BitReader, block: Uint32Array, output: Output): void {
  if (bits.read(1) !== 0) throw corrupt('is of a kind that bzip2 stopped writing in 2000')
  const origin = bits.read(24)
  const alphabet = readAlphabet(bits)
  const { tables, selectors } = readTables(bits, alphabet.length + 2)
  const counts = new Uint32Array(256)
  const length = moveToFront({ next: symbolReader(bits, tables, selectors), alphabet, counts }, block)
  if (origin >= length) throw corrupt('has an origin outside of its block')
  invertTransform(block, length, counts)
  writeRuns(block, length, origin, output)
}

/** The bytes that occur in the block, ascending: two levels of bit maps. */
function readAlphabet(bits: BitReader): number[] {
  const groups = bits.read(16)
  const alphabet: number[] = []
  for (let group = 0; group < 16; group++) {
    if (((groups >> (15 - group)) & 1) === 0) continue
    const members = bits.read(16)
    for (let i = 0; i < 16; i++) if ((members >> (15 - i)) & 1) alphabet.push(group * 16 + i)
  }
  if (alphabet.length === 0) throw corrupt('has a block without bytes')
  return alphabet
}

/** Canonical Huffman code: per length, `limit` is the largest code and `offset` leads from code to `symbols`. */
type CodeTable = { limit: Int32Array; offset: Int32Array; symbols: Uint16Array }

function readTables(bits: BitReader, symbolCount: number): { tables: CodeTable[]; selectors: Uint8Array } {
  const tableCount = bits.read(3)
  const selectorCount = bits.read(15)
  if (tableCount < 2 || tableCount > 6 || selectorCount === 0) throw corrupt('has no code tables')
  const order = Array.from({ length: tableCount }, (_, i) => i)
  const selectors = new Uint8Array(selectorCount)
  for (let i = 0; i < selectorCount; i++) {
    let rank = 0
    while (bits.read(1) === 1) if (++rank >= tableCount) throw corrupt('selects a missing table')
    order.unshift(order.splice(rank, 1)[0]!)
    selectors[i] = order[0]!
  }
  const tables = Array.from({ length: tableCount }, () => codeTable(readCodeLengths(bits, symbolCount)))
  return { tables, selectors }
}

function readCodeLengths(bits: BitReader, symbolCount: number): Uint8Array {
  const lengths = new Uint8Array(symbolCount)
  let length = bits.read(5)
  for (let symbol = 0; symbol < symbolCount; symbol++) {
    while (bits.read(1) === 1) length += bits.read(1) === 0 ? 1 : -1
    if (length < 1 || length > MAX_CODE_BITS) throw corrupt('has a code of impossible length')
    lengths[symbol] = length
  }
  return lengths
}

function codeTable(lengths: Uint8Array): CodeTable {
  const limit = new Int32Array(MAX_CODE_BITS + 1).fill(-1)
  const offset = new Int32Array(MAX_CODE_BITS + 1)
  const symbols = new Uint16Array(lengths.length)
  let code = 0
  let filled = 0
  for (let length = 1; length <= MAX_CODE_BITS; length++) {
    offset[length] = filled - code
    const before = filled
    for (let symbol = 0; symbol < lengths.length; symbol++)
      if (lengths[symbol] === length) symbols[filled++] = symbol
    code += filled - before
    if (filled > before) limit[length] = code - 1
    code <<= 1
  }
  return { limit, offset, symbols }
}

/** Reads symbols; every fifty the next selector names the table. */
function symbolReader(bits: BitReader, tables: readonly CodeTable[], selectors: Uint8Array): () => number {
  let group = 0
  let left = 0
  let table = tables[0]!
  return () => {
    if (left-- === 0) {
      if (group >= selectors.length) throw corrupt('has more symbols than tables')
      table = tables[selectors[group++]!]!
      left = GROUP_SYMBOLS - 1
    }
    let code = 0
    for (let length = 1; length <= MAX_CODE_BITS; length++) {
      code = (code << 1) | bits.read(1)
      const symbol = code <= table.limit[length]! ? table.symbols[code + table.offset[length]!] : undefined
      if (symbol !== undefined) return symbol
    }
    throw corrupt('has a code that stands for nothing')
  }
}

type Symbols = { next: () => number; alphabet: number[]; counts: Uint32Array }

/** Writes the block's bytes and counts them. Runs of the front byte are numbers in bijective base 2 (RUN_A, RUN_B). */
function moveToFront({ next, alphabet, counts }: Symbols, block: Uint32Array): number {
  const end = alphabet.length + 1
  const front = [...alphabet]
  let length = 0
  let run = 0
  let weight = 1
  for (;;) {
    const symbol = next()
    if (symbol === RUN_A || symbol === RUN_B) {
      run += symbol === RUN_A ? weight : 2 * weight
      weight *= 2
      if (run > block.length) throw corrupt('has a run that is too long')
      continue
    }
    const count = symbol === end ? 0 : 1
    if (length + run + count > block.length) throw corrupt('has a block that is too long')
    block.fill(front[0]!, length, length + run)
    counts[front[0]!]! += run
    length += run
    run = 0
    weight = 1
    if (symbol === end) return length
    const byte = front.splice(symbol - 1, 1)[0]!
    front.unshift(byte)
    counts[byte]!++
    block[length++] = byte
  }
}

/** Afterwards the upper 24 bits of each entry say where the next byte is. */
function invertTransform(block: Uint32Array, length: number, counts: Uint32Array): void {
  const starts = new Uint32Array(256)
  for (let byte = 1; byte < 256; byte++) starts[byte] = starts[byte - 1]! + counts[byte - 1]!
  for (let i = 0; i < length; i++) {
    const byte = block[i]! & 255
    block[starts[byte]!++]! |= i << 8
  }
}

/** Four equal bytes are followed by how often the byte comes again. */
function writeRuns(block: Uint32Array, length: number, origin: number, output: Output): void {
  let at = block[origin]! >>> 8
  let previous = -1
  let equal = 0
  for (let i = 0; i < length; i++) {
    const entry = block[at]!
    const byte = entry & 255
    at = entry >>> 8
    if (equal === 4) {
      output.reserve(byte)
      output.bytes.fill(previous, output.length, output.length + byte)
      output.length += byte
      equal = 0
      previous = -1
      continue
    }
    equal = byte === previous ? equal + 1 : 1
    previous = byte
    output.push(byte)
  }
}

/** Bits, most significant first. */
class BitReader {
  readonly #bytes: Uint8Array
  #at = 0
  #buffer = 0
  #available = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** At most 24 bits. */
  read(count: number): number {
    while (this.#available < count) {
      if (this.#at >= this.#bytes.length) throw corrupt('ends in the middle')
      this.#buffer = ((this.#buffer & 0xffffff) << 8) | this.#bytes[this.#at++]!
      this.#available += 8
    }
    this.#available -= count
    return (this.#buffer >>> this.#available) & ((1 << count) - 1)
  }

  read32(): number {
    return this.read(16) * 65536 + this.read(16)
  }

  /** Skips to the next whole byte; is there one? */
  alignAndPeek(): boolean {
    this.#available -= this.#available % 8
    return this.#available > 0 || this.#at < this.#bytes.length
  }
}

const corrupt = (what: string): ModelError =>
  new ModelError('corrupt', `the bz2 compression of the file ${what}`, { hint: 'copy it again' })
