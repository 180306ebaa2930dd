/** As many values as may be kept, by name: of more, the one that was asked for longest ago goes. */
export type Kept<T> = {
  readonly get: (name: string) => T | undefined
  readonly keep: (name: string, value: T) => void
  readonly clear: () => void
}

export function keptStatements<T>(most: number): Kept<T> {
  /** In the order in which they were asked for. */
  const kept = new Map<string, T>()
  return {
    get(name) {
      const value = kept.get(name)
      if (value === undefined) return undefined
      kept.delete(name)
      kept.set(name, value)
      return value
    },
    keep(name, value) {
      kept.delete(name)
      kept.set(name, value)
      const [oldest] = kept.keys()
      if (kept.size > most) kept.delete(oldest!)
    },
    clear: () => kept.clear(),
  }
}
