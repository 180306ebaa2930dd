import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import type { Client } from '@millwright/client'
import type { CreateVersion } from '@millwright/contracts'
import { type FilePart, type ModelFiles, pathsOf } from './model-parts.ts'
import { assertRegularFile } from './read-file.ts'
import { formatBytes, progress, type Terminal } from './terminal.ts'

type Uploaded = Pick<CreateVersion, 'digest' | 'parts'>

/** Sends every file of a model once. @throws CommandError for what is not a regular file */
export async function uploadModel(
  { client, terminal }: { readonly client: Client; readonly terminal: Terminal },
  files: ModelFiles,
): Promise<Uploaded> {
  const paths = pathsOf(files)
  for (const path of paths) await assertRegularFile(path)
  const uploading = progress(terminal, 'Uploading')
  const digests = new Map<string, string>()
  let total = 0
  for (const path of paths) {
    const bytes = (await stat(path)).size
    total += bytes
    uploading.update(formatBytes(total))
    const body = Readable.toWeb(createReadStream(path)) as ReadableStream<Uint8Array>
    digests.set(path, (await client.upload(body, bytes)).digest)
  }
  uploading.done(`Uploaded ${formatBytes(total)}${paths.length > 1 ? ` in ${paths.length} files` : ''}`)
  const { model, after, encode, columns } = files
  const part = ({ path, key }: FilePart) => ({ digest: digests.get(path)!, ...(key && { key }) })
  const { digest, ...entry } = part(model)
  const isWhole = paths.length === 1 && model.key === undefined && columns === undefined
  if (isWhole && after.length + encode.length === 0) return { digest }
  return {
    digest,
    parts: {
      ...entry,
      after: after.map(part),
      encode: encode.map((given) => ({ column: given.column, ...part(given) })),
      ...(columns && { columns: [...columns] }),
    },
  }
}
