/** Many may look at once; who moves files is alone. First come, first served. */
export type Access = {
  readonly shared: <T>(work: () => Promise<T>) => Promise<T>
  readonly exclusive: <T>(work: () => Promise<T>) => Promise<T>
}

export function createAccess(): Access {
  /** Settles when the last exclusive work that was asked for is over. */
  let lastExclusive: Promise<unknown> = Promise.resolve()
  let readers: Promise<unknown>[] = []
  return {
    shared(work) {
      const result = lastExclusive.then(work)
      const over = result.catch(() => undefined)
      readers.push(over)
      void over.then(() => {
        readers = readers.filter((reader) => reader !== over)
      })
      return result
    },
    exclusive(work) {
      const result = Promise.all([lastExclusive, ...readers]).then(work)
      lastExclusive = result.catch(() => undefined)
      return result
    },
  }
}
