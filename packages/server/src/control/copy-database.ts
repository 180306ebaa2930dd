import { existsSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import type { CopyDone, CopyLine, CopyProgress, CopyRequest } from '@millwright/contracts/database-copy'
import { loadConfig } from '../config.ts'
import { isPostgres, shownAddress } from '../db/address.ts'
import { CopyDiffers, copyDatabase, countDatabase } from '../db/copy/copy.ts'
import { layoutOf } from '../layout.ts'
import { holdDataFolder, StartError } from '../supervisor/preflight.ts'

/**
 * Entry of `millwright copy-database`: takes what a server that does not run keeps in SQLite to PostgreSQL. On stdin is what
 * is asked, as an address may hold a password, which a command line would show to everybody on the machine; on stdout
 * are lines of JSON: `progress` now and then, and at last `done` or `error`.
 */

const PROGRESS_MS = 200

const tell = (line: CopyLine): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

async function copy(asked: CopyRequest): Promise<CopyDone> {
  const config = loadConfig()
  const layout = layoutOf(asked.data ?? config.MILLWRIGHT_DATA)
  const to = addressOf(asked.to ?? config.MILLWRIGHT_DATABASE)
  if (!existsSync(layout.root))
    throw new StartError(
      `there is no folder ${layout.root}`,
      'say where the server keeps its data with --data DIR',
      NOT_FOUND,
    )
  const lock = await holdDataFolder(layout)
  const places = { from: layout.database, to: shownAddress(to) }
  try {
    const work = { from: layout.database, to, onProgress: nowAndThen() }
    return asked.dry_run
      ? { ...places, dry_run: true, tables: await countDatabase(work) }
      : { ...places, dry_run: false, tables: await copyDatabase(work) }
  } finally {
    lock.close()
  }
}

function addressOf(to: string): string {
  if (to === '')
    throw new StartError(
      'there is nowhere to copy to',
      '--to postgres://user@host/database, or MILLWRIGHT_DATABASE',
      USAGE,
    )
  if (isPostgres(to) && URL.canParse(to)) return to
  throw new StartError(
    'what --to says is no address of PostgreSQL',
    'it begins with postgres:// or postgresql://, as postgres://user@host/database',
    USAGE,
  )
}

const USAGE = 2
const NOT_FOUND = 3

function nowAndThen(): (progress: CopyProgress) => void {
  let toldAt = performance.now()
  return (progress) => {
    if (performance.now() - toldAt < PROGRESS_MS) return
    toldAt = performance.now()
    tell({ progress })
  }
}

try {
  tell({ done: await copy(JSON.parse(await text(process.stdin)) as CopyRequest) })
} catch (error) {
  const { message } = error as Error
  const { hint = undefined, exitCode = 1 } = error instanceof StartError ? error : {}
  tell({ error: { message, hint, exitCode, ...(error instanceof CopyDiffers && { tables: error.tables }) } })
  process.exitCode = exitCode
}
