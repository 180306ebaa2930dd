import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from '../control/testing.ts'
import { type BlobStore, readBlob } from './blob-store.ts'
import { folderBlobs } from './folder.ts'

const sha256Of = (pieces: readonly Buffer[]): string =>
  createHash('sha256').update(Buffer.concat(pieces)).digest('hex')
const sha256 = (bytes: string): string => createHash('sha256').update(bytes).digest('hex')

async function withBlobs(work: (blobs: BlobStore, path: (...names: string[]) => string) => Promise<void>) {
  await using folder = await temporaryFolder()
  const path = (...names: string[]) => join(folder.path, ...names)
  await mkdir(path('incoming'))
  await work(folderBlobs(path('blobs'), path('incoming')), path)
}
const put = (blobs: BlobStore, text: string) => blobs.put(Readable.from([Buffer.from(text)]))
const read = async (source: Readable) => Buffer.concat(await source.toArray()).toString()

describe('a blob', () => {
  test('is read back whole or in a half-open range', async () => {
    await withBlobs(async (blobs) => {
      const { digest, bytes } = await put(blobs, 'hello world')

      expect([digest, bytes]).toEqual([sha256('hello world'), 11])
      expect((await readBlob(blobs, digest)).toString()).toBe('hello world')
      expect(await read(blobs.get(digest, { start: 6 }))).toBe('world')
      expect(await read(blobs.get(digest, { start: 0, end: 5 }))).toBe('hello')
      expect(await read(blobs.get(digest, { start: 3, end: 3 }))).toBe('')
    })
  })

  test('that is there is replaced by the same bytes, whole and young, while somebody reads it', async () => {
    await withBlobs(async (blobs, path) => {
      const { digest } = await put(blobs, 'same')
      const file = path('blobs', 'sha256', digest.slice(0, 2), digest.slice(2))
      const reading = await blobs.open(digest)
      await writeFile(file, 'sa')
      await utimes(file, 1, 1)

      await put(blobs, 'same')

      expect(await readFile(file, 'utf8')).toBe('same')
      expect((await stat(file)).mtimeMs).toBeGreaterThan(1000)
      expect(await reading.read(Buffer.alloc(2), 0)).toBe(2)
      await reading.close()
    })
  })

  test('of no bytes is a blob', async () => {
    await withBlobs(async (blobs) => {
      const { digest } = await blobs.put(Readable.from([]))

      expect(await blobs.head(digest)).toMatchObject({ bytes: 0 })
    })
  })

  test('sent many times at once is there once, and nothing is left behind', async () => {
    await withBlobs(async (blobs, path) => {
      const digests = await Promise.all(Array.from({ length: 30 }, () => put(blobs, 'x'.repeat(100_000))))

      expect(new Set(digests.map(({ digest }) => digest)).size).toBe(1)
      expect(await Array.fromAsync(blobs.list())).toHaveLength(1)
      expect(await readdir(path('incoming'))).toEqual([])
    })
  })

  test('of many pieces is whole, and takes the memory only of pieces that are its own', async () => {
    await withBlobs(async (blobs) => {
      const pieces = () => Array.from({ length: 40 }, (_, i) => Buffer.alloc(70_000, i))
      const [kept, given] = [pieces(), pieces()]

      const first = await blobs.put(Readable.from(kept))
      const second = await blobs.put(Readable.from(given), { ownsPieces: true })

      expect([first, second]).toEqual(Array(2).fill({ digest: sha256Of(pieces()), bytes: 2_800_000 }))
      expect((await readBlob(blobs, first.digest)).equals(Buffer.concat(pieces()))).toBe(true)
      expect(kept.every(({ length }) => length === 70_000)).toBe(true)
      expect(given.some(({ length }) => length === 0)).toBe(true)
    })
  })

  test('whose sender goes away is not there', async () => {
    await withBlobs(async (blobs, path) => {
      const source = Readable.from(
        (async function* () {
          yield Buffer.from('half of ')
          throw new Error('gone')
        })(),
      )

      await expect(blobs.put(source)).rejects.toThrow('gone')
      expect(await Array.fromAsync(blobs.list())).toEqual([])
      expect(await readdir(path('incoming'))).toEqual([])
    })
  })
})

describe('the folder', () => {
  test('is listed and emptied by digest; what is no blob is not listed', async () => {
    await withBlobs(async (blobs, path) => {
      const first = await put(blobs, 'one')
      const second = await put(blobs, 'two')
      await writeFile(path('blobs', 'sha256', first.digest.slice(0, 2), 'notes.txt'), '')

      await blobs.delete(first.digest)
      await blobs.delete(first.digest)

      const left = await Array.fromAsync(blobs.list())
      expect(left.map(({ digest }) => digest)).toEqual([second.digest])
      expect(await blobs.head(first.digest)).toBeUndefined()
    })
  })

  test('is not left by a digest that is a path', async () => {
    await withBlobs(async (blobs) => {
      expect(() => blobs.get('../../etc/passwd')).toThrow(RangeError)
      await expect(blobs.head('../secret')).rejects.toThrow(RangeError)
    })
  })

  test('that cannot be written is said to be full', async () => {
    await withBlobs(async (blobs) => {
      const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
      const source = Readable.from(
        (async function* () {
          yield Buffer.from('a')
          throw full
        })(),
      )

      await expect(blobs.put(source)).rejects.toMatchObject({ code: 'STORAGE_FULL', cause: full })
    })
  })
})
