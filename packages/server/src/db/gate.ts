/** Lets many act at once, or one alone. */
export type Gate = {
  together<T>(act: () => Promise<T>): Promise<T>
  /** Waits for those that act; whoever comes later waits for it. */
  alone<T>(act: () => Promise<T>): Promise<T>
}

export function createGate(): Gate {
  let acting = 0
  let onIdle = (): void => {}
  let lastAlone: Promise<unknown> = Promise.resolve()

  const untilOpen = async (): Promise<void> => {
    for (let seen: Promise<unknown> | undefined; seen !== lastAlone; ) {
      seen = lastAlone
      await seen
    }
  }
  const untilIdle = (): Promise<void> =>
    acting === 0
      ? Promise.resolve()
      : new Promise((resolve) => {
          onIdle = resolve
        })
  return {
    async together(act) {
      await untilOpen()
      acting++
      try {
        return await act()
      } finally {
        if (--acting === 0) onIdle()
      }
    },
    alone(act) {
      const turn = lastAlone.then(untilIdle).then(act)
      lastAlone = turn.catch(() => {})
      return turn
    },
  }
}
