import { createHash } from 'node:crypto'
import { type FileHandle, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CommandError, EXIT } from '../command.ts'

/** How far a file is scored, with everything before it on the disk. */
export type Mark = {
  /** Where the next rows begin: a byte of a text, a row of a Parquet file. */
  readonly next: number
  readonly rows: number
  readonly rejected: number
  /** Bytes, or parts, of what is written. */
  readonly out: number
  /** Bytes of the rejected rows. */
  readonly rejects: number
  /** Nothing is left to score. */
  readonly end: boolean
}

const START: Mark = { ...{ next: 0, rows: 0, rejected: 0, out: 0, rejects: 0 }, end: false }

/** What a work is told from another by: every part in words, and a value that changes with it. */
export type Identity = Readonly<Record<string, string | number | null>>

/** The folder beside the output in which it grows, and what is known of it. */
export type Journal = {
  readonly folder: string
  /** Of the run before, or the start. */
  readonly mark: Mark
  write(mark: Mark): Promise<void>
  /** @param done the folder is of no more use; nor is it when nothing was written */
  close(done: boolean): Promise<void>
}

/**
 * Opens the folder of a work, and finds how far it came. One process works at a time.
 * @param restart what is there is thrown away
 * @throws CommandError when another process is at work, or when what was begun is another work
 */
export async function openJournal(out: string, identity: Identity, restart: boolean): Promise<Journal> {
  const folder = `${out}.work`
  await makeFolder(folder)
  const lock = join(folder, 'lock')
  await takeLock(lock, out)
  try {
    const path = join(folder, 'journal.ndjson')
    const [begun, ...marks] = restart ? [] : await readLines(path)
    if (begun !== undefined) assertSame(begun as Identity, identity, out)
    const file = await beginJournal(path, [identity, ...marks])
    let isBegun = marks.length > 0
    return {
      folder,
      mark: (marks.at(-1) as Mark | undefined) ?? START,
      async write(mark) {
        await appendLine(file, mark)
        isBegun = true
      },
      async close(done) {
        await file.close()
        await rm(isBegun && !done ? lock : folder, { recursive: true, force: true })
      },
    }
  } catch (error) {
    await rm(lock, { force: true })
    throw error
  }
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') throw new CommandError(`there is no folder ${dirname(path)} to write to`)
    if (code !== 'EEXIST') throw error
  }
}

async function takeLock(lock: string, out: string): Promise<void> {
  const holder = Number(await readFile(lock, 'utf8').catch(() => ''))
  if (holder > 0 && isAlive(holder))
    throw new CommandError(
      `process ${holder} is writing ${out}`,
      ['wait for it, or end it and run the same command again', `if it is another program, remove ${lock}`],
      EXIT.conflict,
    )
  await rm(lock, { force: true })
  const file = await open(lock, 'wx')
  await file.writeFile(`${process.pid}`)
  await file.close()
}

function isAlive(pid: number): boolean {
  try {
    return pid !== process.pid && process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Whole lines; one that was being written when the process died is left out. */
async function readLines(path: string): Promise<unknown[]> {
  const text = await readFile(path, 'utf8').catch(() => '')
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))
}

/** Of the marks before, the last one says all. The file is replaced as a whole. */
async function beginJournal(path: string, [identity, ...marks]: readonly unknown[]): Promise<FileHandle> {
  const file = await open(`${path}.new`, 'w')
  for (const line of [identity, ...marks.slice(-1)]) await appendLine(file, line)
  await rename(`${path}.new`, path)
  return file
}

async function appendLine(file: FileHandle, line: unknown): Promise<void> {
  await file.appendFile(`${JSON.stringify(line)}\n`)
  await file.sync()
}

function assertSame(begun: Identity, identity: Identity, out: string): void {
  const changed = Object.keys(identity).filter((part) => begun[part] !== identity[part])
  if (changed.length === 0) return
  throw new CommandError(
    `${out} was begun with another ${changed.join(', another ')}`,
    ['put back what it was begun with to go on, or add --restart to begin anew'],
    EXIT.conflict,
  )
}

const HEAD_BYTES = 1 << 20

/** What an input file is told by: where it is, its size, when it was changed, how it begins. */
export async function identityOf(path: string): Promise<string> {
  const { size, mtimeMs } = await stat(path)
  const file = await open(path, 'r')
  try {
    const { buffer, bytesRead } = await file.read(
      Buffer.alloc(Math.min(HEAD_BYTES, size)),
      0,
      Math.min(HEAD_BYTES, size),
      0,
    )
    const head = createHash('sha256').update(buffer.subarray(0, bytesRead)).digest('hex')
    return `${path} ${size} ${mtimeMs} ${head}`
  } finally {
    await file.close()
  }
}
