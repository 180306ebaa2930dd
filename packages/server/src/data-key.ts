import { randomBytes } from 'node:crypto'
import { open, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { syncFolder } from './durable.ts'

const KEY_BYTES = 32

/**
 * The key of a data folder, which signs addresses and from which others are derived: made once, and kept with the data. One that is
 * there and cannot be read is not replaced.
 */
export async function readDataKey(path: string): Promise<Buffer> {
  const kept = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
  if (kept?.length === KEY_BYTES) return kept
  const key = randomBytes(KEY_BYTES)
  const file = await open(path, 'w', 0o600)
  try {
    await file.writeFile(key)
    await file.sync()
  } finally {
    await file.close()
  }
  await syncFolder(dirname(path))
  return key
}
