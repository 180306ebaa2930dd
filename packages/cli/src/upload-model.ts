import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import type { Client } from '@millwright/client'
import { type ModelFiles, pathsOf, type VersionParts, versionPartsOf } from './model-parts.ts'
import { assertRegularFile } from './read-file.ts'
import { formatBytes, progress, type Terminal } from './terminal.ts'

/** Sends every file of a model once. @throws CommandError for what is not a regular file */
export async function uploadModel(
  { client, terminal }: { readonly client: Client; readonly terminal: Terminal },
  files: ModelFiles,
): Promise<VersionParts> {
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
  return versionPartsOf(files, digests)
}
