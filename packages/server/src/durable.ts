import { randomUUID } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Replaces a file as a whole: after a crash it has the old bytes or the new ones, and they are on the disk. */
export async function replaceFile(path: string, bytes: string | Uint8Array): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`
  try {
    const file = await open(temporary, 'wx')
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncFolder(dirname(path))
}

/** Makes names created, renamed or removed in a folder survive loss of power. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

const FULL = new Set(['ENOSPC', 'EROFS', 'EDQUOT'])
/** SQLite's result codes for a full disk and for a file that cannot be written. */
const SQLITE_FULL = 13
const SQLITE_READONLY = 8

/** The disk is full or cannot be written: said by the file system or by SQLite. */
export function isStorageFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code, errcode } = error as Error & { code?: string; errcode?: number }
  if (code !== undefined && FULL.has(code)) return true
  return errcode !== undefined && [SQLITE_FULL, SQLITE_READONLY].includes(errcode & 0xff)
}

/** SQLite's result code for a file that another process holds. */
const SQLITE_BUSY = 5

export const isDatabaseBusy = (error: unknown): boolean =>
  error instanceof Error && (((error as { errcode?: number }).errcode ?? 0) & 0xff) === SQLITE_BUSY
