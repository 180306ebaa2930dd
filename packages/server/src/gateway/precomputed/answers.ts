import { MillwrightError } from '@millwright/contracts/errors'
import type { BlobStore, RandomAccess } from '../../blobs/blob-store.ts'
import { lineAt, MAGIC, placeOf, SLOT_BYTES } from '../../keyed-answers/key-index.ts'
import type { Line } from '../../keyed-answers/line.ts'
import { readLine } from '../../keyed-answers/read-line.ts'
import type { RoutedDeployment } from '../../routing/snapshot.ts'

/** Answers by key, of one generation. */
export type KeyedAnswers = {
  /** @throws MillwrightError PRECOMPUTED_UNREADABLE */
  find(key: string): Promise<Line['prediction'] | undefined>
  /** Whoever is looking for a key still finds it. */
  close(): void
}

/** Keyed answers of all deployments, which stay open while a deployment has them. */
export type KeyedAnswersStore = {
  of(routed: RoutedDeployment): KeyedAnswers | undefined
  /** Closes those that none of these deployments has. */
  keep(deployments: readonly RoutedDeployment[]): void
}

export function createKeyedAnswersStore(blobs: BlobStore): KeyedAnswersStore {
  const open = new Map<string, KeyedAnswers>()
  return {
    of({ precomputed }) {
      if (precomputed === undefined) return undefined
      const found = open.get(precomputed.index) ?? openKeyedAnswers(blobs, precomputed)
      open.set(precomputed.index, found)
      return found
    },
    keep(deployments) {
      const kept = new Set(deployments.map(({ precomputed }) => precomputed?.index))
      for (const [index, answers] of open) {
        if (kept.has(index)) continue
        open.delete(index)
        answers.close()
      }
    },
  }
}

type Names = { readonly answers: string; readonly index: string }
type Files = { readonly answers: RandomAccess; readonly index: RandomAccess; readonly slots: number }

/** Opens the files when they are first needed: a deployment serves whether they are there or not. */
function openKeyedAnswers(blobs: BlobStore, names: Names): KeyedAnswers {
  let files: Promise<Files> | undefined
  let looking = 0
  let isClosed = false
  const closeUnused = (): void => {
    if (!isClosed || looking > 0) return
    files?.then(closeFiles).catch(() => {})
    files = undefined
  }
  return {
    async find(key) {
      looking += 1
      try {
        files ??= openFiles(blobs, names)
        return await findIn(await files, key)
      } catch (error) {
        files?.then(closeFiles).catch(() => {})
        files = undefined
        throw new MillwrightError('PRECOMPUTED_UNREADABLE', {}, { cause: error })
      } finally {
        looking -= 1
        closeUnused()
      }
    },
    close() {
      isClosed = true
      closeUnused()
    },
  }
}

async function openFiles(blobs: BlobStore, names: Names): Promise<Files> {
  const { bytes } = (await blobs.head(names.index)) ?? { bytes: 0 }
  const slots = (bytes - MAGIC.length) / SLOT_BYTES
  if (!Number.isInteger(slots) || slots < 1) throw new Error(`index ${names.index} is missing or damaged`)
  const index = await blobs.open(names.index)
  try {
    return { index, slots, answers: await blobs.open(names.answers) }
  } catch (error) {
    await index.close()
    throw error
  }
}

const closeFiles = ({ answers, index }: Files): Promise<unknown> =>
  Promise.all([answers.close(), index.close()])

/** Slots read at once; a key is rarely farther from its own. */
const READ_SLOTS = 16

/** The index is small and stays in the system's memory; an answer may have to come from a disk, which others do not wait for. */
async function findIn(
  { answers, index, slots }: Files,
  key: string,
): Promise<Line['prediction'] | undefined> {
  const { slot: first, print } = placeOf(key, slots)
  for (let from = first, seen = 0; seen < slots; ) {
    const count = Math.min(READ_SLOTS, slots - from)
    const bytes = Buffer.allocUnsafe(count * SLOT_BYTES)
    if (index.readNow(bytes, MAGIC.length + from * SLOT_BYTES) < bytes.length)
      throw new Error('the index is cut off')
    for (let slot = 0; slot < count; slot++) {
      const there = lineAt(bytes, slot)
      if (there === undefined) return undefined
      if (there.print !== print) continue
      const line = await readLine(answers, there.offset)
      if (line.key === key) return line.prediction
    }
    seen += count
    from = (from + count) % slots
  }
  return undefined
}
