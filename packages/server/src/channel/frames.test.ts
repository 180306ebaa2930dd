import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createFrameReader, type Frame, writeFrame } from './frames.ts'

const frame = fc.record({
  id: fc.nat(0xff_ff_ff_ff),
  code: fc.nat(0xff_ff),
  head: fc.string({ unit: 'binary', maxLength: 40 }),
  body: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
})

test('frames are read as they were written, however they are cut', () => {
  fc.assert(
    fc.property(
      fc.array(frame, { maxLength: 8 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 90 })),
      (frames, cuts) => {
        const bytes = Buffer.concat(frames.map(writeFrame))
        const read: Frame[] = []
        const reader = createFrameReader((one) => read.push({ ...one, body: Buffer.from(one.body) }))
        for (let at = 0; at < bytes.length; ) {
          const size = cuts.next().value
          reader(bytes.subarray(at, at + size))
          at += size
        }

        expect(read).toEqual(frames.map((one) => ({ ...one, head: Buffer.from(one.head).toString() })))
      },
    ),
  )
})

test('a frame that is too large is refused by its size', () => {
  const reader = createFrameReader(() => {})

  expect(() => reader(Buffer.alloc(12, 0xff))).toThrow(RangeError)
})
