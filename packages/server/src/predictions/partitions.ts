import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Name } from '@millwright/contracts'

/**
 * Where logged predictions lie, below the folder of predictions:
 *   deployment=churn/date=2026-11-21/hour=07/1795226201855-1795226260012-01M7XX3VQZ….parquet
 * The name of a file tells the time of its first and of its last row, so a search skips files without opening them.
 */
export type PartitionFile = {
  readonly path: string
  readonly minMs: number
  /** Inclusive. */
  readonly maxMs: number
}

export const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const FILE_NAME = /^(\d{1,15})-(\d{1,15})-[0-9A-Z]{26}\.parquet$/

/** Path of a new file, relative to the folder of predictions. @throws RangeError for a name that is not path-safe */
export function partitionPath(
  deployment: string,
  span: { minMs: number; maxMs: number },
  id: string,
): string {
  const [date, hour] = new Date(span.minMs).toISOString().split(/[T:]/) as [string, string]
  const file = `${span.minMs}-${span.maxMs}-${id}.parquet`
  return join(deploymentFolder(deployment), `date=${date}`, `hour=${hour}`, file)
}

function deploymentFolder(deployment: string): string {
  if (!Name.safeParse(deployment).success) {
    throw new RangeError(`prediction log: "${deployment}" cannot be the name of a deployment`)
  }
  return `deployment=${deployment}`
}

export type PartitionRange = {
  readonly deployment?: string | undefined
  readonly sinceMs: number
  /** Exclusive. */
  readonly untilMs: number
}

/** Files that may hold rows of the range, the one with the latest row first. Folders are listed as they are reached. */
export async function* listFilesNewestFirst(
  root: string,
  range: PartitionRange,
): AsyncGenerator<PartitionFile> {
  for await (const hour of listHoursNewestFirst(root, range)) {
    yield* hour.files
      .filter((file) => file.minMs < range.untilMs && file.maxMs >= range.sinceMs)
      .sort((a, b) => b.maxMs - a.maxMs)
  }
}

export type PartitionHour = { readonly hourMs: number; readonly files: PartitionFile[] }

/** Hours that have files, of one deployment or of all. */
export async function* listHoursNewestFirst(
  root: string,
  range: PartitionRange,
): AsyncGenerator<PartitionHour> {
  const deployments = await listDeployments(root, range.deployment)
  const days = await listByValue(deployments, 'date', (date) => Date.parse(`${date}T00:00:00Z`))
  for (const [dayMs, dayFolders] of days) {
    if (!overlaps(dayMs, DAY_MS, range)) continue
    const hours = await listByValue(dayFolders, 'hour', (hour) => dayMs + Number(hour) * HOUR_MS)
    for (const [hourMs, folders] of hours) {
      if (!overlaps(hourMs, HOUR_MS, range)) continue
      yield { hourMs, files: (await Promise.all(folders.map(listFiles))).flat() }
    }
  }
}

function overlaps(startMs: number, lengthMs: number, range: PartitionRange): boolean {
  return startMs < range.untilMs && startMs + lengthMs > range.sinceMs
}

async function listDeployments(root: string, deployment: string | undefined): Promise<string[]> {
  if (deployment !== undefined) return [join(root, deploymentFolder(deployment))]
  const names = await listNames(root)
  return names.filter((name) => name.startsWith('deployment=')).map((name) => join(root, name))
}

/** Subfolders `key=value` of all parents, grouped by what their value stands for, the greatest first. */
async function listByValue(
  parents: readonly string[],
  key: string,
  toMs: (text: string) => number,
): Promise<[number, string[]][]> {
  const groups = new Map<number, string[]>()
  for (const parent of parents) {
    for (const name of await listNames(parent)) {
      if (!name.startsWith(`${key}=`)) continue
      const value = toMs(name.slice(key.length + 1))
      if (Number.isNaN(value)) continue
      groups.set(value, [...(groups.get(value) ?? []), join(parent, name)])
    }
  }
  return [...groups].sort(([a], [b]) => b - a)
}

async function listFiles(folder: string): Promise<PartitionFile[]> {
  return (await listNames(folder)).flatMap((name) => {
    const [, min, max] = FILE_NAME.exec(name) ?? []
    return min === undefined ? [] : [{ path: join(folder, name), minMs: Number(min), maxMs: Number(max) }]
  })
}

async function listNames(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
