import { createHash } from 'node:crypto'
import type { TrackedFile } from '@millwright/contracts'
import type { Import } from './import.ts'
import type { SourceFile } from './source.ts'

type Folder = {
  /** In the source. */
  readonly uri: string
  /** Here; null: this server does not keep them. */
  readonly folder: string | null
  readonly of: string
}

/** Files that are sent at the same time. */
const AT_ONCE = 4

/** Sends what is missing or differs below a location, and compares what is here then by size and digest. */
export async function sendFiles(work: Import, { uri, folder, of }: Folder): Promise<void> {
  const { source, client, tally } = work
  const files: SourceFile[] = []
  try {
    for await (const file of source.files(uri)) files.push(file)
  } catch (error) {
    tally.differ(`files of ${of}: ${(error as Error).message}`)
    return
  }
  if (files.length === 0) return
  if (folder === null) {
    tally.differ(
      `files of ${of}: clients write to the store themselves; copy them with its tools from ${uri}`,
    )
    return
  }
  const before = await listHere(client, folder)
  const digests = new Map<string, string>()
  const queue = [...files]
  const sendNext = async (): Promise<void> => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      try {
        const digest = await sendFile(work, file, { path: `${folder}/${file.name}`, before })
        if (digest !== undefined) digests.set(file.name, digest)
      } catch (error) {
        if (![400, 413].includes((error as { status?: number }).status ?? 0)) throw error
        tally.differ(`file ${file.name} of ${of}: ${(error as Error).message}`)
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, sendNext))
  const here = await listHere(client, folder)
  for (const { name, bytes } of files) {
    const found = here.get(`${folder}/${name}`)
    const digest = digests.get(name) ?? found?.digest
    const isSame = found !== undefined && found.bytes === bytes && found.digest === digest
    tally.add('files', 1, isSame ? 1 : 0)
    tally.add('bytes', bytes, isSame ? bytes : 0)
    if (!isSame)
      tally.differ(`file ${name} of ${of}: ${found === undefined ? 'missing here' : 'other bytes here'}`)
  }
}

/** @returns the digest of what the source has; undefined: it was not read, as one of its size is here */
async function sendFile(
  { client, again }: Import,
  { bytes, open, isNear }: SourceFile,
  { path, before }: { readonly path: string; readonly before: ReadonlyMap<string, TrackedFile> },
): Promise<string | undefined> {
  const found = before.get(path)
  if (found?.bytes === bytes) {
    if (!isNear && !again) return undefined
    const { stream, digest } = hashed(await open())
    for await (const _ of stream);
    const there = digest()
    if (there === found.digest) return there
  }
  const { stream, digest } = hashed(await open())
  await client.putArtifact(path, ReadableStream.from(stream) as ReadableStream<Uint8Array>, bytes)
  return digest()
}

/** By path. */
async function listHere(client: Import['client'], folder: string): Promise<Map<string, TrackedFile>> {
  const found = new Map<string, TrackedFile>()
  for (let after: string | undefined; ; ) {
    const { data, has_more } = await client.listTrackedFiles(folder, after)
    for (const file of data) found.set(file.path, file)
    if (!has_more) return found
    after = data.at(-1)!.path
  }
}

/** Bytes as they pass, and their sha256 when all have. */
function hashed(bytes: AsyncIterable<Uint8Array>): {
  readonly stream: AsyncIterable<Uint8Array>
  readonly digest: () => string
} {
  const hash = createHash('sha256')
  return {
    stream: (async function* () {
      for await (const piece of bytes) {
        hash.update(piece)
        yield piece
      }
    })(),
    digest: () => hash.digest('hex'),
  }
}
