import { MillwrightError } from '@millwright/contracts/errors'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { framed, type Message, MessageReader } from './messages.ts'

const LIMIT_BYTES = 1000
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array))
const cuts = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 })

/** Pieces of these lengths, over and over. */
function* piecesOf(whole: Buffer, lengths: readonly number[]): Generator<Buffer> {
  for (let at = 0, turn = 0; at < whole.length; turn++) {
    const end = at + lengths[turn % lengths.length]!
    yield whole.subarray(at, end)
    at = end
  }
}

function readAll(reader: MessageReader, pieces: Iterable<Buffer>): Message[] {
  const found: Message[] = []
  for (const piece of pieces) {
    reader.add(piece)
    for (let message = reader.next(); message !== undefined; message = reader.next()) found.push(message)
  }
  return found
}

/** The same, where it may be refused. */
function codeOf(reader: MessageReader, pieces: Iterable<Buffer>): string | undefined {
  try {
    readAll(reader, pieces)
    return undefined
  } catch (error) {
    if (!(error instanceof MillwrightError)) throw error
    return error.code
  }
}

test('messages are the same, however they are cut', () => {
  fc.assert(
    fc.property(fc.array(bytes, { maxLength: 8 }), cuts, (messages, lengths) => {
      const reader = new MessageReader(LIMIT_BYTES)
      const whole = Buffer.concat(messages.map(framed))
      const before = Buffer.from(whole)

      const found = readAll(reader, piecesOf(whole, lengths))

      expect(found.map((message) => message.bytes)).toEqual(messages)
      expect(found.every(({ isCompressed }) => !isCompressed)).toBe(true)
      expect(reader.isAtEnd).toBe(true)
      expect(whole).toEqual(before)
    }),
  )
})

test('a message that was handed over stays as it is while more comes', () => {
  fc.assert(
    fc.property(fc.array(bytes, { minLength: 2, maxLength: 6 }), cuts, (messages, lengths) => {
      const reader = new MessageReader(LIMIT_BYTES)
      const found: { message: Buffer; copy: Buffer }[] = []

      for (const piece of piecesOf(Buffer.concat(messages.map(framed)), lengths)) {
        reader.add(piece)
        for (let next = reader.next(); next !== undefined; next = reader.next())
          found.push({ message: next.bytes, copy: Buffer.from(next.bytes) })
      }

      expect(found.map(({ message }) => message)).toEqual(found.map(({ copy }) => copy))
    }),
  )
})

test('noise is messages within the limit, or refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000 }), cuts, (noise, lengths) => {
      const reader = new MessageReader(LIMIT_BYTES)

      const code = codeOf(reader, piecesOf(Buffer.from(noise), lengths))

      expect([undefined, 'BODY_TOO_LARGE', 'INVALID_MESSAGE']).toContain(code)
    }),
    { numRuns: 1000 },
  )
})

test.each([
  [LIMIT_BYTES, undefined],
  [LIMIT_BYTES + 1, 'BODY_TOO_LARGE'],
  [2 ** 32 - 1, 'BODY_TOO_LARGE'],
])('a length of %i that is only announced: %s', (length, code) => {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(length, 1)

  expect(codeOf(new MessageReader(LIMIT_BYTES), [head])).toBe(code)
})

test('whether a message is compressed is said with 0 or 1', () => {
  const flagged = (flag: number): Buffer => Buffer.from([flag, 0, 0, 0, 0])

  expect(readAll(new MessageReader(1), [flagged(1)])).toMatchObject([{ isCompressed: true }])
  expect(codeOf(new MessageReader(1), [flagged(2)])).toBe('INVALID_MESSAGE')
})

test('what came takes at most twice its bytes, in however small pieces', () => {
  const reader = new MessageReader(1 << 20)
  const whole = framed(Buffer.alloc(1 << 20, 7))

  const [found] = readAll(reader, piecesOf(whole, [1]))

  expect(found?.bytes.length).toBe(1 << 20)
  expect(found?.bytes.buffer.byteLength).toBeLessThanOrEqual(2 * whole.length)
})

test('a message that is not there whole is not the end', () => {
  const reader = new MessageReader(LIMIT_BYTES)

  readAll(reader, [framed(Buffer.alloc(10)).subarray(0, 9)])

  expect(reader.isAtEnd).toBe(false)
})
