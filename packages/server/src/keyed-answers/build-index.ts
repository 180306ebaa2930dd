import { MillwrightError } from '@millwright/contracts'
import type { BlobStore, RandomAccess } from '../blobs/blob-store.ts'
import { lineAt, MAGIC, MOST_KEYS, placeOf, SLOT_BYTES, slotsFor, writeSlot } from './key-index.ts'
import { LINE_BYTES, parseLine } from './line.ts'
import { readLine } from './read-line.ts'

export type KeyIndex = {
  readonly bytes: Buffer
  readonly keys: number
  /** Lines whose key came again later. */
  readonly replaced: number
}

const NEWLINE = 0x0a

/** Reads every line of an upload, and where its key's answer stands. @throws MillwrightError VALIDATION_FAILED */
export async function buildIndex(blobs: BlobStore, answers: string): Promise<KeyIndex> {
  const lines = await countLines(blobs, answers)
  if (lines > MOST_KEYS) throw refused(`expected at most ${MOST_KEYS} lines`)
  const slots = Buffer.alloc(slotsFor(lines) * SLOT_BYTES)
  const file = await blobs.open(answers)
  let [keys, replaced] = [0, 0]
  try {
    for await (const { offset, text, number } of linesOf(blobs, answers)) {
      const isNew = await insert(slots, file, { offset, key: keyOf(text, number) })
      if (isNew) keys += 1
      else replaced += 1
    }
  } finally {
    await file.close()
  }
  if (keys === 0) throw refused('expected a line {"key": …, "prediction": …} per answer, got an empty file')
  return { bytes: Buffer.concat([MAGIC, slots]), keys, replaced }
}

/** One more than there are when the last has an end. */
async function countLines(blobs: BlobStore, digest: string): Promise<number> {
  let lines = 1
  for await (const chunk of blobs.get(digest)) {
    const bytes = chunk as Buffer
    for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, at + 1)) lines += 1
  }
  return lines
}

/** @returns whether the key was not there */
async function insert(
  slots: Buffer,
  file: RandomAccess,
  { offset, key }: { readonly offset: number; readonly key: string },
): Promise<boolean> {
  const count = slots.length / SLOT_BYTES
  const { slot: first, print } = placeOf(key, count)
  for (let slot = first; ; slot = (slot + 1) % count) {
    const there = lineAt(slots, slot)
    const isSame = there?.print === print && (await readLine(file, there.offset)).key === key
    if (there !== undefined && !isSame) continue
    writeSlot(slots, slot, { offset, print })
    return !isSame
  }
}

function keyOf(text: string, number: number): string {
  try {
    return parseLine(text).key
  } catch (error) {
    if (error instanceof RangeError) throw refused(`line ${number}: ${error.message}`)
    throw error
  }
}

type TextLine = { readonly offset: number; readonly text: string; readonly number: number }

/** Lines that are not blank, with where they begin. */
async function* linesOf(blobs: BlobStore, digest: string): AsyncIterable<TextLine> {
  let rest: Buffer = Buffer.alloc(0)
  let [offset, number] = [0, 0]
  for await (const chunk of blobs.get(digest)) {
    const bytes = Buffer.concat([rest, chunk as Buffer])
    let from = 0
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, from)) {
      number += 1
      yield* lineOf(bytes.subarray(from, end), { offset: offset + from, number })
      from = end + 1
    }
    rest = bytes.subarray(from)
    offset += from
    if (rest.length > LINE_BYTES) throw refused(`line ${number + 1}: expected at most ${LINE_BYTES} bytes`)
  }
  yield* lineOf(rest, { offset, number: number + 1 })
}

function* lineOf(bytes: Buffer, { offset, number }: { offset: number; number: number }): Iterable<TextLine> {
  if (bytes.length >= LINE_BYTES) throw refused(`line ${number}: expected at most ${LINE_BYTES} bytes`)
  const text = bytes.toString()
  if (text.trim() !== '') yield { offset, text, number }
}

const refused = (reason: string): MillwrightError =>
  new MillwrightError(
    'VALIDATION_FAILED',
    { count: 1 },
    { fields: [{ pointer: '/upload', code: 'invalid', message: `upload: ${reason}` }] },
  )
