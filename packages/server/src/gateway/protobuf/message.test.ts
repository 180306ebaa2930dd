import { expect, test } from 'vitest'
import {
  bool,
  bytes,
  double,
  field,
  int64,
  map,
  message,
  optional,
  repeated,
  string,
  uint32,
} from './message.ts'

const Inner = message('Inner', { name: field(1, string), sizes: repeated(2, int64) })
const Outer = message('Outer', {
  flag: field(1, bool),
  inner: optional(2, Inner),
  inners: repeated(3, Inner),
  raw: repeated(4, bytes),
  named: map(5, Inner),
  value: optional(6, double),
  count: field(7, uint32),
})
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

test('what was not sent has its default, and a default is not sent', () => {
  expect(Outer.decode(hex(''))).toEqual({
    flag: false,
    inner: undefined,
    inners: [],
    raw: [],
    named: new Map(),
    value: undefined,
    count: 0,
  })
  expect(Outer.encode({ flag: false, inner: undefined, inners: [], count: 0 }).length).toBe(0)
  expect(Outer.encode({ value: 0 })).toEqual(hex('31 0000000000000000'))
})

test.each([
  ['packed', '120401020304'],
  ['one by one', '1001 1002 1003 1004'],
  ['both', '12020102 1003 120104'],
])('numbers are read %s', (_, bytes) => {
  expect(Inner.decode(hex(bytes)).sizes).toEqual([1, 2, 3, 4])
})

test.each([
  [-1, 'ffffffffffffffffff01'],
  [-(2 ** 63), '80808080808080808001'],
  [2 ** 62, '808080808080808040'],
  [2 ** 53 - 1, 'ffffffffffffff0f'],
  [2 ** 32, '8080808010'],
])('the integer %d has 64 bits', (value, bytes) => {
  expect(Inner.decode(hex(`10${bytes}`)).sizes).toEqual([value])
  expect(Inner.encode({ sizes: [value] }).subarray(2)).toEqual(hex(bytes))
})

test('messages longer than 127 and 16383 bytes have longer lengths', () => {
  for (const length of [126, 127, 128, 16_383, 16_384, 3_000_000]) {
    const name = 'x'.repeat(length)

    expect(Outer.decode(Outer.encode({ inner: { name }, count: 7 }))).toMatchObject({
      inner: { name },
      count: 7,
    })
  }
})

test('fields nobody knows are passed over, the last of equal fields and keys counts', () => {
  expect(Inner.decode(hex('7801 79 0000000000000000 7a0161 7d 00000000 0a0161 0a0162')).name).toBe('b')
  expect(Outer.decode(hex('2a08 0a016b 1203 0a0161 2a08 0a016b 1203 0a0162')).named).toEqual(
    new Map([['k', { name: 'b', sizes: [] }]]),
  )
  expect(Outer.decode(hex('2a03 0a016b')).named).toEqual(new Map([['k', { name: '', sizes: [] }]]))
})

test.each([
  ['0a05 6161', 'byte 2: 5 bytes announced, 2 left'],
  ['0a', 'byte 1: 1 bytes expected, 0 left'],
  ['0a02 c3', 'byte 2: 2 bytes announced, 1 left'],
  ['0a02 c328', 'byte 2: a string that is not UTF-8'],
  ['10ffffffffffffffffffff01', 'byte 11: an integer longer than 10 bytes'],
  ['0801', 'a string has wire type 2, got 0'],
  ['7b 7c', 'byte 1: wire type 3 is not one of protocol buffers 3'],
])('%s is refused: %s', (bytes, message) => {
  expect(() => Inner.decode(hex(bytes))).toThrow(message)
})

test('a value does not reach beyond the message it is in', () => {
  expect(() => Outer.decode(hex('1203 0a05 61 616161616161'))).toThrow('byte 4: 5 bytes announced, 1 left')
  expect(() => Inner.decode(hex('1201 80 01'))).toThrow('byte 3: 1 bytes expected, 0 left')
})

test('small messages without number do not fill the memory', () => {
  expect(() => Outer.decode(Buffer.alloc(400_000, hex('1a00')))).toThrow('more than 65536 messages')
  expect(() => Outer.decode(Buffer.alloc(400_000, hex('2200')))).toThrow('more than 65536 messages')
  expect(Outer.decode(Buffer.alloc(2 * 60_000, hex('2200'))).raw).toHaveLength(60_000)
})

test('bytes are views of what came', () => {
  const whole = hex('2203 010203')
  const [raw] = Outer.decode(whole).raw

  whole[2] = 9
  expect(raw).toEqual(Buffer.of(9, 2, 3))
})
