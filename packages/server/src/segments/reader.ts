import type { Dirent } from 'node:fs'
import { open, readdir, readFile, rename, stat, unlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { crc32 } from 'node:zlib'
import { syncFolder } from '../durable.ts'
import { FRAME_BYTES, OPEN_SUFFIX, RECORD_BYTES_LIMIT, SEALED_SUFFIX, SEGMENT_HEADER } from './format.ts'

/** The whole records of a segment, and how many bytes behind them are not. */
export type SegmentRecords = { readonly payloads: readonly Buffer[]; readonly lostBytes: number }

/** Takes a segment apart; stops at the first record that is cut off or damaged. Payloads are views of `bytes`. */
export function decodeSegment(bytes: Buffer): SegmentRecords {
  const payloads: Buffer[] = []
  if (!bytes.subarray(0, SEGMENT_HEADER.length).equals(SEGMENT_HEADER)) {
    return { payloads, lostBytes: bytes.length }
  }
  let position = SEGMENT_HEADER.length
  while (position + FRAME_BYTES <= bytes.length) {
    const length = bytes.readUInt32LE(position)
    const end = position + FRAME_BYTES + length
    if (length === 0 || length > RECORD_BYTES_LIMIT || end > bytes.length) break
    const payload = bytes.subarray(position + FRAME_BYTES, end)
    if (crc32(payload) !== bytes.readUInt32LE(position + 4)) break
    payloads.push(payload)
    position = end
  }
  return { payloads, lostBytes: bytes.length - position }
}

/** @throws ENOENT when the segment was sealed (renamed) or collected meanwhile */
export async function readSegment(path: string): Promise<SegmentRecords> {
  return decodeSegment(await readFile(path))
}

export type SegmentName = {
  /** Time-sortable and unique. */
  readonly id: string
  /** Folder of one gateway slot. */
  readonly folder: string
  readonly path: string
  readonly sealed: boolean
}

/** Segments of all gateway slots under `root`, oldest first. */
export async function listSegments(root: string): Promise<SegmentName[]> {
  const folders = (await listFolder(root)).filter((entry) => entry.isDirectory())
  const found = await Promise.all(folders.map((entry) => listSlot(join(root, entry.name))))
  return found.flat().sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** Segments in the folder of one gateway slot. */
async function listSlot(folder: string): Promise<SegmentName[]> {
  const segments = new Map<string, SegmentName>()
  for (const { name } of await listFolder(folder)) {
    const sealed = name.endsWith(SEALED_SUFFIX)
    if (!sealed && !name.endsWith(OPEN_SUFFIX)) continue
    const id = basename(name, sealed ? SEALED_SUFFIX : OPEN_SUFFIX)
    if (sealed || !segments.has(id)) segments.set(id, { id, folder, path: join(folder, name), sealed })
  }
  return [...segments.values()]
}

/** What a segment is called once it is sealed. */
export function sealedPath({ folder, id }: SegmentName): string {
  return join(folder, id + SEALED_SUFFIX)
}

/** Bytes of all files in `folder`; 0 when it is not there. */
export async function folderBytes(folder: string): Promise<number> {
  const sizes = (await listFolder(folder)).map(({ name }) =>
    stat(join(folder, name)).then(
      (found) => found.size,
      () => 0,
    ),
  )
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

export type Repair = { readonly segments: number; readonly records: number; readonly lostBytes: number }

/**
 * Seals what a gateway that died left open in `folder`, without the torn end.
 * Call it only when no writer of this folder is alive.
 */
export async function repairSegments(folder: string): Promise<Repair> {
  const total = { segments: 0, records: 0, lostBytes: 0 }
  for (const segment of await listSlot(folder)) {
    if (segment.sealed) continue
    const { payloads, lostBytes } = await repairSegment(segment)
    total.segments += 1
    total.records += payloads.length
    total.lostBytes += lostBytes
  }
  if (total.segments > 0) await syncFolder(folder)
  return total
}

async function repairSegment(segment: SegmentName): Promise<SegmentRecords> {
  const { path } = segment
  const bytes = await readFile(path)
  const records = decodeSegment(bytes)
  if (records.payloads.length === 0) {
    await unlink(path)
    return records
  }
  const handle = await open(path, 'r+')
  try {
    if (records.lostBytes > 0) await handle.truncate(bytes.length - records.lostBytes)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(path, sealedPath(segment))
  return records
}

async function listFolder(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
