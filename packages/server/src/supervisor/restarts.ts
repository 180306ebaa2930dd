import type { RestartCount } from './messages.ts'

/** How often processes had to be started again. */
export type Restarts = {
  add(restart: Pick<RestartCount, 'process' | 'reason'>): void
  counts(): readonly RestartCount[]
}

export function createRestarts(): Restarts {
  const counts = new Map<string, RestartCount>()
  return {
    add({ process, reason }) {
      const key = `${process} ${reason}`
      counts.set(key, { process, reason, count: (counts.get(key)?.count ?? 0) + 1 })
    },
    counts: () => [...counts.values()],
  }
}
