import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { ObjectStore } from '../blobs/blob-store.ts'
import { receive } from '../blobs/folder.ts'
import { syncFolder } from '../durable.ts'
import { invalid } from '../tracking/errors.ts'
import type { Part, PartStore } from './part-store.ts'

const PIECE = /^\d+\.[0-9a-f]{64}$/
/** Named by its bytes: one that is sent again with others does not take the place of what was promised. */
const pieceName = ({ number, etag }: Part): string => `${number}.${etag}`

/** Parts as files. @param incoming where they are received, on the same file system */
export const folderParts = (incoming: string, blobs: ObjectStore): PartStore => ({
  begin: async () => ({ handle: '' }),
  async keep({ folder }, number, source) {
    const temporary = join(incoming, randomUUID())
    try {
      const { digest: etag } = await receive(source, temporary, { ownsPieces: true })
      await rename(temporary, join(folder, pieceName({ number, etag })))
      return etag
    } finally {
      await rm(temporary, { force: true })
    }
  },
  async assemble({ folder }, parts) {
    await syncFolder(folder)
    const there = new Set(await readdir(folder))
    const missing = parts.find((part) => !there.has(pieceName(part)))
    if (missing !== undefined)
      throw invalid(
        `Part ${missing.number} with ETag "${missing.etag.slice(0, 80)}" was not uploaded; send it again`,
      )
    const pieces = parts.map((part) => join(folder, pieceName(part)))
    return blobs.put(Readable.from(bytesOf(pieces)), { ownsPieces: true })
  },
  async drop({ folder }) {
    for (const name of await readdir(folder)) if (PIECE.test(name)) await rm(join(folder, name))
  },
})

const CHUNK_BYTES = 1 << 20

async function* bytesOf(pieces: readonly string[]): AsyncIterable<Buffer> {
  for (const piece of pieces) yield* createReadStream(piece, { highWaterMark: CHUNK_BYTES })
}
