import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readRecord, skipEmptyLines } from '@millwright/inference/csv'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { endOfRows, piecesOf, readHeader } from './text-source.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millwright-batch-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

function recordsOf(text: string): string[][] {
  const records: string[][] = []
  for (let at = skipEmptyLines(text, 0); at < text.length; ) {
    const { fields, next } = readRecord(text, at)!
    records.push(fields)
    at = skipEmptyLines(text, next)
  }
  return records
}

const field = fc.oneof(
  fc.constantFrom('a', '""', '"x\ny"', '"a ""b"" c"', '1.5', '"\n"'),
  fc.integer().map(String),
)
const csv = fc
  .array(fc.array(field, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 12 })
  .map((rows) => rows.map((row) => row.join(',')).join('\n'))

test('bytes cut where rows end hold whole rows, wherever the file was read to', () => {
  fc.assert(
    fc.property(csv, fc.nat(), (text, cut) => {
      const bytes = Buffer.from(text)
      const part = bytes.subarray(0, cut % (bytes.length + 1))

      const end = endOfRows(part, true)

      const [before, after] = [bytes.toString('utf8', 0, end), bytes.toString('utf8', end)]
      expect([...recordsOf(before), ...recordsOf(after)]).toEqual(recordsOf(text))
      const next = endOfRows(Buffer.from(`${after}\n`), true)
      expect(next).toBeGreaterThan(0)
    }),
  )
})

test.each([
  ['a\nb\nc', false, 4],
  ['a\n"b\nc', true, 2],
  ['a\n"b\nc', false, 5],
  ['"a\n"\nb', true, 5],
  ['no end', true, 0],
  ['"never\nclosed\n', true, 0],
])('%j has %j: whole rows end at %i', (text, quoted, end) => {
  expect(endOfRows(Buffer.from(text), quoted)).toBe(end)
})

test('pieces put together are the file, and each says where the next begins', async () => {
  const path = join(folder, 'rows.csv')
  const text = Array.from({ length: 40_000 }, (_, i) => `${i},"line\n${i}"\n`).join('')
  await writeFile(path, `\uFEFFid,note\r\n${text}`)
  const file = await open(path)

  const header = await readHeader(file, path, ',')
  const seen: Buffer[] = []
  let from = header.next
  for await (const { order, next } of piecesOf(file, header.next, true)) {
    expect(next).toBe(from + order.text.length)
    from = next
    seen.push(Buffer.from(order.text))
  }
  await file.close()

  expect(header).toMatchObject({ names: ['id', 'note'], text: 'id,note', next: 10 })
  expect(seen.length).toBeGreaterThan(2)
  expect(Buffer.concat(seen).toString()).toBe(`\r\n${text}`)
})

test('a file of semicolons, and one without a line, are refused', async () => {
  const [semicolons, empty] = [join(folder, 'semicolons.csv'), join(folder, 'empty.csv')]
  await writeFile(semicolons, 'a;b\n1;2\n')
  await writeFile(empty, '\n\n')

  for (const [path, message] of [
    [semicolons, 'is not separated by commas'],
    [empty, 'is empty; its first line should name the columns'],
  ] as const) {
    const file = await open(path)
    await expect(readHeader(file, path, ',')).rejects.toThrow(message)
    await file.close()
  }
})
