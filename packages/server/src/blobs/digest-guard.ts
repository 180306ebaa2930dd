/** Keeps writes of a digest and its deletion apart, within this process: a store whose deletion has no condition needs it. */
export type DigestGuard = {
  /** Waits for a deletion under way. Writes of the same digest may go on beside one another. */
  write<T>(digest: string, work: () => Promise<T>): Promise<T>
  /** Nothing is done while it is written, or deleted by another. */
  delete(digest: string, work: () => Promise<void>): Promise<void>
}

export function createDigestGuard(): DigestGuard {
  const writers = new Map<string, number>()
  const deletions = new Map<string, Promise<void>>()
  const countWriter = (digest: string, change: 1 | -1): void => {
    const count = (writers.get(digest) ?? 0) + change
    if (count === 0) writers.delete(digest)
    else writers.set(digest, count)
  }
  return {
    async write(digest, work) {
      countWriter(digest, 1)
      try {
        await deletions.get(digest)?.catch(() => {})
        return await work()
      } finally {
        countWriter(digest, -1)
      }
    },
    async delete(digest, work) {
      if (writers.has(digest) || deletions.has(digest)) return
      const deletion = work().finally(() => deletions.delete(digest))
      deletions.set(digest, deletion)
      await deletion
    },
  }
}
