import { deserialize, serialize } from 'node:v8'
import type { Answer } from '@millwright/engine'
import type { Logger } from '../../logging.ts'

/** Answers that all gateways share, in a Redis or Valkey server. Whatever goes wrong there is a miss. */
export type SharedCache = {
  find(key: string): Promise<readonly Answer[] | undefined>
  /** Does not wait for the server. */
  add(key: string, answers: readonly Answer[], ttlMs: number): void
  close(): void
}

/** The number is the version of how answers are written: another one does not read them. */
const PREFIX = 'millwright:answers:1:'
/** Longer than this it is better to compute. */
const TIMEOUT_MS = 50
const CONNECT_MS = 2_000
/** A server that fails is complained of once in so long. */
const QUIET_MS = 10_000

/**
 * Predictions go on while the server cannot be reached; it is used again as soon as it can.
 * @param url `redis://[user:password@]host[:port][/database]`, or `rediss://` for TLS
 */
export async function openSharedCache(url: string, logger: Logger): Promise<SharedCache> {
  const { Redis } = await import('iovalkey')
  const client = new Redis(url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: TIMEOUT_MS,
    connectTimeout: CONNECT_MS,
    retryStrategy: (attempt) => Math.min(attempt * 100, CONNECT_MS),
  })
  let quietUntil = 0
  const complain = ({ message }: Error): void => {
    if (performance.now() < quietUntil) return
    quietUntil = performance.now() + QUIET_MS
    logger.warn(`the shared cache cannot be used (${message}); predictions go on without it`)
  }
  client.on('error', complain)
  await client.connect().catch(complain)
  return {
    async find(key) {
      try {
        const bytes = await client.getBuffer(PREFIX + key)
        return bytes === null ? undefined : (deserialize(bytes) as Answer[])
      } catch (error) {
        complain(error as Error)
        return undefined
      }
    },
    add(key, answers, ttlMs) {
      client.set(PREFIX + key, serialize(answers), 'PX', ttlMs).catch(complain)
    },
    close: () => client.disconnect(),
  }
}
