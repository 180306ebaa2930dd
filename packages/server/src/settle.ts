import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Long enough after the work that nobody waits for it. */
const AFTER_MS = 1_500
let timer: NodeJS.Timeout | undefined

/**
 * Collects, once it has been quiet for a moment, what starting or reading a model left behind: modules' sources, parsed
 * files. V8 would keep it until the heap grows, which an idle process never does. Measured in the commit that brought it.
 */
export function settleMemory(): void {
  clearTimeout(timer)
  timer = setTimeout(() => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as (options: { type: 'major'; flavor: 'last-resort' }) => void
    setFlagsFromString('--no-expose-gc')
    collect({ type: 'major', flavor: 'last-resort' })
  }, AFTER_MS).unref()
}
