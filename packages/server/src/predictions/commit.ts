import { mkdir, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { replaceFile, syncFolder } from '../durable.ts'

/**
 * How files change places exactly once, whatever is killed when. New files are written into a staging folder of their
 * own. Writing `commit.json` there is the moment it counts: from then on the moves and removals it lists will happen,
 * now or at the next start; before, nothing has happened and the folder is rubbish.
 */
type Commit = {
  /** From the staging folder to a path below `root`. */
  readonly moves: readonly { readonly from: string; readonly to: string }[]
  /** Paths below `root` that the moved files replace. */
  readonly removes: readonly string[]
}

const COMMIT = 'commit.json'

export type Replacement = {
  /** Commits are relative to it, so the data folder may be moved. */
  readonly root: string
  readonly staging: string
  /** Absolute paths. */
  readonly moves: readonly { readonly from: string; readonly to: string }[]
  readonly removes: readonly string[]
}

/**
 * Puts staged files in the place of others, all or nothing. The staged files must be synced.
 * @throws with nothing changed when the commit could not be written
 */
export async function commitReplacement({ root, staging, moves, removes }: Replacement): Promise<void> {
  for (const { to } of moves) await mkdir(dirname(to), { recursive: true })
  await writeCommit(staging, {
    moves: moves.map(({ from, to }) => ({ from, to: relative(root, to) })),
    removes: removes.map((path) => relative(root, path)),
  })
  await applyCommit(root, staging)
}

/** The moment it counts; `applyCommit` carries it out. */
async function writeCommit(staging: string, commit: Commit): Promise<void> {
  await syncFolder(dirname(staging))
  await replaceFile(join(staging, COMMIT), JSON.stringify(commit))
}

/** May be called again after a crash half-way. */
async function applyCommit(root: string, staging: string): Promise<void> {
  const commit = JSON.parse(await readFile(join(staging, COMMIT), 'utf8')) as Commit
  for (const { from, to } of commit.moves) {
    await mkdir(dirname(join(root, to)), { recursive: true })
    await rename(join(staging, from), join(root, to)).catch(ignoreMissing)
  }
  await syncFolders(
    root,
    commit.moves.map(({ to }) => to),
  )
  for (const path of commit.removes) await rm(join(root, path), { force: true })
  await syncFolders(root, commit.removes)
  await rm(staging, { recursive: true, force: true })
}

/** Finishes what was committed and clears what was not. @returns how many commits were finished */
export async function recoverCommits(root: string, stagingRoot: string): Promise<number> {
  await mkdir(stagingRoot, { recursive: true })
  const finished = await Promise.all(
    (await readdir(stagingRoot)).map((name) => finishOrClear(root, join(stagingRoot, name))),
  )
  return finished.filter(Boolean).length
}

/** Finishes the commit of one staging folder, or clears it when nothing was committed. @returns whether it finished */
export async function finishOrClear(root: string, staging: string): Promise<boolean> {
  const names: string[] = await readdir(staging).catch(() => [])
  const committed = names.includes(COMMIT)
  if (committed) await applyCommit(root, staging)
  else await rm(staging, { recursive: true, force: true })
  return committed
}

/** Removes folders from `folder` upwards to `root` as long as they are empty. */
export async function removeEmptyFolders(root: string, folder: string): Promise<void> {
  for (let current = folder; current !== root && current.startsWith(root); current = dirname(current)) {
    if (
      !(await rmdir(current).then(
        () => true,
        () => false,
      ))
    )
      return
  }
}

/** The folders of these paths, and those above them up to `root`: a new folder is a name in its parent. */
async function syncFolders(root: string, paths: readonly string[]): Promise<void> {
  const folders = new Set<string>()
  for (const path of paths) {
    for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) folders.add(folder)
  }
  for (const folder of folders) await syncFolder(join(root, folder)).catch(ignoreMissing)
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}
