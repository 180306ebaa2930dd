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
/** SQLite's result codes for a full disk and for a file that cannot be written; PostgreSQL's for a full disk. */
const SQLITE_FULL = 13
const SQLITE_READONLY = 8
const POSTGRES_FULL = '53100'

/** The disk is full or cannot be written: said by the file system or by the database. */
export function isStorageFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code, errcode } = error as Error & { code?: string; errcode?: number }
  if (code !== undefined && (FULL.has(code) || code === POSTGRES_FULL)) return true
  return errcode !== undefined && [SQLITE_FULL, SQLITE_READONLY].includes(errcode & 0xff)
}

/** The server of the database is away, or has too much to do. The message names the place, and no password. */
export class DatabaseUnavailable extends Error {
  constructor(place: string, reason: string) {
    super(`the database ${place} cannot be used now: ${reason}`)
  }
}

/** SQLite's result code for a file that another process holds. */
const SQLITE_BUSY = 5
/** PostgreSQL's for changes that came in each other's way again and again. */
const CONFLICTS = ['40001', '40P01']

export function isDatabaseBusy(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code = '', errcode = 0 } = error as Error & { code?: string; errcode?: number }
  return error instanceof DatabaseUnavailable || (errcode & 0xff) === SQLITE_BUSY || CONFLICTS.includes(code)
}
