import type { Log } from '../context.ts'
import type { MlflowContext } from '../mlflow/route.ts'
import { collectTracking } from './collect.ts'

const DAY_MS = 86_400_000
/** Whatever the server does when it starts comes first, in milliseconds. */
const FIRST_MS = 60_000

type Retention = { readonly days: number; readonly log: Log }

/** Removes what was deleted so many days ago, a minute after the start and then every day; 0: never. */
export function collectDaily(context: MlflowContext, { days, log }: Retention): { stop(): Promise<void> } {
  let running: Promise<unknown> = Promise.resolve()
  const collect = (): void => {
    const before = context.now() - days * DAY_MS
    running = collectTracking(context, { before, isDry: false, by: 'retention' }).catch((error: unknown) =>
      log.error({ error }, 'what was deleted could not be removed'),
    )
  }
  const timers =
    days === 0 ? [] : [setTimeout(collect, FIRST_MS).unref(), setInterval(collect, DAY_MS).unref()]
  return {
    async stop() {
      timers.forEach(clearTimeout)
      await running
    },
  }
}
