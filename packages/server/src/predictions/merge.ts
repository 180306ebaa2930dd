import { basename, dirname } from 'node:path'
import { HOUR_MS, listHoursNewestFirst, type PartitionFile } from './partitions.ts'
import { replaceFiles, takeBytes, type Upkeep, withSizes } from './upkeep.ts'

/** An hour is merged once, when it is over and its last segments have come in … */
const AFTER_MS = HOUR_MS + 15 * 60_000
/** … and looked at this long, should that have failed. */
const WITHIN_MS = 72 * HOUR_MS
const SMALL_FILE_BYTES = 16 << 20
const MERGED_BYTES = 32 << 20

/** Makes one file of the small ones of a deployment and hour. @returns how many files were replaced */
export async function mergeFiles(upkeep: Upkeep): Promise<number> {
  const range = { sinceMs: upkeep.now() - WITHIN_MS, untilMs: upkeep.now() }
  let replaced = 0
  for await (const hour of listHoursNewestFirst(upkeep.layout.predictions, range)) {
    if (hour.hourMs + AFTER_MS > upkeep.now()) continue
    for (const files of Map.groupBy(hour.files, ({ path }) => dirname(path)).values()) {
      replaced += await mergeFolder(upkeep, files).catch((error: unknown) => {
        upkeep.log.warn({ error }, `${dirname(files[0]!.path)} could not be merged; its files are kept`)
        return 0
      })
    }
  }
  return replaced
}

async function mergeFolder(upkeep: Upkeep, files: readonly PartitionFile[]): Promise<number> {
  const sized = await withSizes(files)
  const small = sized.filter(({ bytes }) => bytes < SMALL_FILE_BYTES).sort((a, b) => a.minMs - b.minMs)
  const batch = takeBytes(small, MERGED_BYTES)
  if (batch.length < 2) return 0
  const paths = batch.map(({ path }) => path)
  await replaceFiles(upkeep, paths, async (staging) => {
    const ask = { files: paths, deployment: deploymentOf(paths[0]!), staging, id: upkeep.ids.next('') }
    return [await upkeep.analytics.run('merge', ask)]
  })
  return (
    batch.length +
    (await mergeFolder(
      upkeep,
      sized.filter((file) => !batch.includes(file)),
    ))
  )
}

/** From `deployment=churn/date=…/hour=…/file`. */
function deploymentOf(path: string): string {
  return basename(dirname(dirname(dirname(path)))).slice('deployment='.length)
}
