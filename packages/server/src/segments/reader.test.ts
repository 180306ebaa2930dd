import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { decodeSegment, repairSegments } from './reader.ts'
import { createSegmentWriter } from './writer.ts'

const PAYLOADS = ['{"a":1}', '{"b":"ä€😀"}', '{"c":""}', `{"d":"${'x'.repeat(300)}"}`, '{"e":[1,2,3]}']

let folder = ''
let bytes = Buffer.alloc(0)

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millwright-segments-'))
  const options = { folder, flushMs: 1, backlogBytes: 1 << 20, segmentBytes: 1 << 20, segmentMs: 60_000 }
  const writer = createSegmentWriter(options)
  for (const payload of PAYLOADS) writer.append(payload)
  await writer.close()
  bytes = readFileSync(join(folder, readdirSync(folder)[0]!))
})

afterAll(() => rmSync(folder, { recursive: true }))

const payloadsOf = (segment: Buffer) => decodeSegment(segment).payloads.map(String)

test('what was written is read, byte for byte', () => {
  expect(payloadsOf(bytes)).toEqual(PAYLOADS)
})

test('a segment cut anywhere gives its whole records and tells how many bytes are lost', () => {
  for (let end = 0; end <= bytes.length; end++) {
    const { payloads, lostBytes } = decodeSegment(bytes.subarray(0, end))
    const whole = payloads.map(String)
    expect(whole).toEqual(PAYLOADS.slice(0, whole.length))
    const wholeBytes = payloads.reduce((sum, payload) => sum + payload.length + 8, 8)
    expect(lostBytes).toBe(end < 8 ? end : end - wholeBytes)
  }
})

test('no damage makes a record that was not written', () => {
  const damage = fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }))
  const check = fc.property(fc.array(damage, { minLength: 1, maxLength: 4 }), (changes) => {
    const damaged = Buffer.from(bytes)
    for (const [at, bits] of changes) damaged[at]! ^= bits
    const read = payloadsOf(damaged)
    expect(read).toEqual(PAYLOADS.slice(0, read.length))
  })
  fc.assert(check, { numRuns: 500, seed: 7 })
})

test('zeros behind the records, as a crash of the machine may leave them, are no records', () => {
  const { payloads, lostBytes } = decodeSegment(Buffer.concat([bytes, Buffer.alloc(4096)]))

  expect([payloads.length, lostBytes]).toEqual([PAYLOADS.length, 4096])
})

test('repair seals what was left open, without its torn end, and removes what has no record', async () => {
  const left = join(folder, 'left')
  const source = join(folder, readdirSync(folder).find((name) => name.endsWith('.seg'))!)
  mkdirSync(left)
  writeFileSync(join(left, 'A.open'), bytes.subarray(0, bytes.length - 3))
  writeFileSync(join(left, 'B.open'), bytes.subarray(0, 8))
  writeFileSync(join(left, 'C.open'), '')
  copyFileSync(source, join(left, 'D.seg'))

  const repair = await repairSegments(left)

  expect(readdirSync(left).sort()).toEqual(['A.seg', 'D.seg'])
  expect(decodeSegment(readFileSync(join(left, 'A.seg')))).toMatchObject({ lostBytes: 0 })
  expect(repair).toEqual({ segments: 3, records: PAYLOADS.length - 1, lostBytes: expect.any(Number) })
})
