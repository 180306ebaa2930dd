import { randomUUID } from 'node:crypto'
import { link, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { syncFolder } from '../../durable.ts'
import type { Job, JobResult } from './job.ts'

/**
 * Jobs on disk. An accepted request is a file in the folder of the gateway that took it, `slot/id`; `slot/id~n` has been
 * begun n times. Its answer is a file `results/id`, which can come into being only once. Both are a line of JSON and
 * the bytes of the body.
 */
export type JobStore = {
  /** Resolves when the job is on the disk. */
  accept(job: Job, body: Buffer): Promise<void>
  /** Ids of the jobs this gateway has to answer, oldest first; those of gateways that are no more are taken over. */
  recover(): Promise<string[]>
  /** Counts one more attempt. undefined: it is answered already. */
  begin(id: string): Promise<{ job: Job; body: Buffer; attempts: number } | undefined>
  /** Whether this was the first answer to the job. */
  finish(result: JobResult, body: Uint8Array): Promise<boolean>
  find(id: string): Promise<Job | { result: JobResult; body: Buffer } | undefined>
  /** Removes answers that are older than they are kept. Returns how many. */
  sweep(keptMs: number): Promise<number>
}

type Options = { readonly folder: string; readonly slot: number; readonly slots: number }

const NEWLINE = 10
const MISSING = 'ENOENT'

export function createJobStore({ folder, slot, slots }: Options): JobStore {
  const own = join(folder, String(slot))
  const results = join(folder, 'results')
  const ready = Promise.all([own, results].map((path) => mkdir(path, { recursive: true, mode: 0o700 })))

  const nameIn = async (path: string, id: string): Promise<string | undefined> =>
    (await listFolder(path)).find((name) => name === id || name.startsWith(`${id}~`))

  const findResult = (id: string) =>
    ifThere(async () => {
      const { head, body } = await readRecord<JobResult>(join(results, id))
      return { result: head, body }
    })
  /** A job that is begun while it is looked for has another name by then. */
  const findPending = async (id: string): Promise<Job | undefined> => {
    for (const slot of (await listFolder(folder)).filter((name) => /^\d+$/.test(name)))
      for (;;) {
        const name = await nameIn(join(folder, slot), id)
        if (name === undefined) break
        const found = await ifThere(() => readRecord<Job>(join(folder, slot, name)))
        if (found !== undefined) return found.head
      }
    return undefined
  }

  return {
    async accept(job, body) {
      await ready
      await writeRecord({ folder: own, name: job.id, place: rename }, job, body)
    },
    async recover() {
      await ready
      if (slot === 0) await takeOver(folder, own, slots)
      const names = (await listFolder(own)).filter((name) => !name.endsWith('.tmp'))
      return names.map((name) => name.split('~')[0]!).toSorted()
    },
    async begin(id) {
      const name = await nameIn(own, id)
      if (name === undefined) return undefined
      const attempts = Number(name.split('~')[1] ?? 0) + 1
      const path = join(own, `${id}~${attempts}`)
      await rename(join(own, name), path)
      const { head, body } = await readRecord<Job>(path)
      return { job: head, body, attempts }
    },
    async finish(result, body) {
      const isFirst = await writeRecord({ folder: results, name: result.id, place: link }, result, body).then(
        () => true,
        (error: NodeJS.ErrnoException) => {
          if (error.code === 'EEXIST') return false
          throw error
        },
      )
      const name = await nameIn(own, result.id)
      if (name !== undefined) await rm(join(own, name), { force: true })
      return isFirst
    },
    // Answered between the first look and the second, it is found at the third.
    find: async (id) => (await findResult(id)) ?? (await findPending(id)) ?? findResult(id),
    async sweep(keptMs) {
      let removed = 0
      for (const name of await listFolder(results)) {
        const path = join(results, name)
        const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }))
        if (Date.now() - mtimeMs < keptMs) continue
        await rm(path, { force: true })
        removed += 1
      }
      return removed
    },
  }
}

/** Jobs of slots beyond the last are moved to this gateway's folder. */
async function takeOver(folder: string, own: string, slots: number): Promise<void> {
  const orphaned = (await listFolder(folder)).filter((name) => /^\d+$/.test(name) && Number(name) >= slots)
  for (const name of orphaned)
    for (const file of await listFolder(join(folder, name)))
      await rename(join(folder, name, file), join(own, file))
}

const listFolder = async (path: string): Promise<string[]> => (await ifThere(() => readdir(path))) ?? []

/** undefined when the file or folder is not there. */
async function ifThere<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === MISSING) return undefined
    throw error
  }
}

type Target = {
  readonly folder: string
  readonly name: string
  /** How the finished file gets its name: `link` fails where there is one. */
  readonly place: (from: string, to: string) => Promise<void>
}

async function writeRecord({ folder, name, place }: Target, head: object, body: Uint8Array): Promise<void> {
  const temporary = join(folder, `${randomUUID()}.tmp`)
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), body]))
      await file.sync()
    } finally {
      await file.close()
    }
    await place(temporary, join(folder, name))
  } finally {
    await rm(temporary, { force: true })
  }
  await syncFolder(folder)
}

async function readRecord<T>(path: string): Promise<{ head: T; body: Buffer }> {
  const bytes = await readFile(path)
  const end = bytes.indexOf(NEWLINE)
  return { head: JSON.parse(bytes.toString('utf8', 0, end)) as T, body: bytes.subarray(end + 1) }
}
