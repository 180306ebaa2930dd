import type { Cache } from '@millwright/contracts'
import type { Answer } from '@millwright/engine'

/** Answers of one version, in the memory of one gateway. */
export type AnswerCache = {
  find(key: string): readonly Answer[] | undefined
  /** Answers to more rows than the cache has room for are not kept. */
  add(key: string, answers: readonly Answer[], rows: number): void
}

type Entry = { readonly answers: readonly Answer[]; readonly rows: number; readonly until: number }

/** @param now milliseconds of any clock that goes forward */
export function createAnswerCache({ ttl, max }: Cache, now = () => performance.now()): AnswerCache {
  /** A Map keeps its keys in the order they were added: the first is the one used longest ago. */
  const entries = new Map<string, Entry>()
  let kept = 0
  const take = (key: string): Entry | undefined => {
    const entry = entries.get(key)
    if (entry === undefined) return undefined
    entries.delete(key)
    kept -= entry.rows
    return entry
  }
  const put = (key: string, entry: Entry): void => {
    entries.set(key, entry)
    kept += entry.rows
  }
  return {
    find(key) {
      const entry = take(key)
      if (entry === undefined || entry.until <= now()) return undefined
      put(key, entry)
      return entry.answers
    },
    add(key, answers, rows) {
      take(key)
      if (rows > max) return
      put(key, { answers, rows, until: now() + ttl * 1000 })
      for (const oldest of entries.keys()) {
        if (kept <= max) return
        take(oldest)
      }
    },
  }
}
