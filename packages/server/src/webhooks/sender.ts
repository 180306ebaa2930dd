import type { Log } from '../context.ts'
import type { Db } from '../db/database.ts'
import type { Writer } from '../db/writer.ts'
import { MOST_ATTEMPTS, pauseMs } from './model.ts'
import { isTaken, type SendDeps, send } from './send.ts'
import { type Due, forgetDelivered, listDue, updateDelivery } from './store.ts'

type SenderDeps = SendDeps & {
  readonly db: Db
  readonly writer: Writer
  readonly now: () => number
  readonly log: Log
}
export type Sender = { stop(): Promise<void> }

const LOOK_MS = 250
const CLEAN_MS = 3_600_000
const KEPT_MS = 7 * 86_400_000

/**
 * Sends what waits in the database, of each webhook one after the other and of all at the same time. What was sent and not
 * yet noted when the process ends is sent again: at least once, with the same id.
 */
export function startSender(deps: SenderDeps): Sender {
  const { db, writer, now, log } = deps
  const underway = new Map<string, Promise<void>>()
  const stopping = new AbortController()
  let cleanAt = 0
  let looking: Promise<void> | undefined

  const start = (due: Due): void => {
    const sent = deliver(deps, due, stopping.signal)
      .catch((error: unknown) => log.error({ error }, 'a delivery to a webhook could not be noted'))
      .finally(() => {
        underway.delete(due.webhook)
        tick()
      })
    underway.set(due.webhook, sent)
  }
  const look = async (): Promise<void> => {
    for (const due of await listDue(db, now())) if (!underway.has(due.webhook)) start(due)
    if (now() < cleanAt) return
    cleanAt = now() + CLEAN_MS
    await writer.write((tx) => forgetDelivered(tx, now() - KEPT_MS))
  }
  const tick = (): void => {
    if (stopping.signal.aborted) return
    looking ??= look()
      .catch((error: unknown) => log.error({ error }, 'deliveries to webhooks could not be read'))
      .finally(() => {
        looking = undefined
      })
  }
  const timer = setInterval(tick, LOOK_MS)
  timer.unref()
  return {
    async stop() {
      clearInterval(timer)
      stopping.abort()
      await looking
      await Promise.all(underway.values())
    },
  }
}

async function deliver(
  { writer, hosts, secrets, now, log }: SenderDeps,
  due: Due,
  signal: AbortSignal,
): Promise<void> {
  const sent = await send({ ...due, id: due.delivery }, { hosts, secrets }, signal)
  // It is sent again by the process to come.
  if (signal.aborted && !isTaken(sent)) return
  const attempts = due.attempts + 1
  const known = { attempts, response_status: sent.status, error: sent.fault }
  const isDead = !isTaken(sent) && attempts >= MOST_ATTEMPTS
  if (isDead)
    log.warn(
      { webhook: due.webhook, delivery: due.delivery, fault: sent.fault },
      'a webhook did not take what it was to be told; it can be replayed',
    )
  const change =
    isTaken(sent) || isDead
      ? ({ ...known, state: isDead ? 'DEAD' : 'DELIVERED', done_at: now() } as const)
      : { ...known, due_at: now() + Math.round(pauseMs(attempts, Math.random())) }
  await writer.write((tx) => updateDelivery(tx, due.id, change))
}
