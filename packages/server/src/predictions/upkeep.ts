import { randomUUID } from 'node:crypto'
import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { IdSource } from '../ids.ts'
import type { DataLayout } from '../layout.ts'
import type { Access } from './access.ts'
import type { Analytics } from './analytics.ts'
import type { StagedFile } from './analytics-protocol.ts'
import { commitReplacement, finishOrClear } from './commit.ts'

/** What compaction, merging and retention work with. */
export type Upkeep = {
  readonly layout: Pick<DataLayout, 'root' | 'segments' | 'predictions'>
  readonly analytics: Analytics
  readonly access: Access
  readonly ids: IdSource
  readonly now: () => number
  readonly log: Pick<Logger, 'info' | 'warn'>
}

export const stagingFolder = (layout: Upkeep['layout']) => join(layout.predictions, '.staging')

/**
 * Lets `work` write files into a folder of its own and puts them in the place of `replaced`, all or nothing. No
 * search is under way while files change places.
 */
export async function replaceFiles(
  { layout, access }: Upkeep,
  replaced: readonly string[],
  work: (staging: string) => Promise<readonly StagedFile[]>,
): Promise<void> {
  const staging = join(stagingFolder(layout), randomUUID())
  await mkdir(staging, { recursive: true })
  try {
    const files = await work(staging)
    const moves = files.map(({ name, target }) => ({ from: name, to: join(layout.predictions, target) }))
    await access.exclusive(() => commitReplacement({ root: layout.root, staging, moves, removes: replaced }))
  } catch (error) {
    await access.exclusive(() => finishOrClear(layout.root, staging)).catch(() => undefined)
    throw error
  }
}

/** Files with their sizes; those that are gone are left out. */
export async function withSizes<T extends { readonly path: string }>(
  files: readonly T[],
): Promise<(T & { readonly bytes: number })[]> {
  const sized = await Promise.all(
    files.map((file) =>
      stat(file.path).then(
        ({ size }) => [{ ...file, bytes: size }],
        () => [],
      ),
    ),
  )
  return sized.flat()
}

/** The first files, at least one, of `bytes` together at most. */
export function takeBytes<T extends { readonly bytes: number }>(files: readonly T[], bytes: number): T[] {
  let sum = 0
  const end = files.findIndex((file, index) => {
    sum += file.bytes
    return index > 0 && sum > bytes
  })
  return files.slice(0, end === -1 ? files.length : end)
}
