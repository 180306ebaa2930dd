import { availableParallelism, homedir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'

const MEBIBYTE = 1 << 20

const Config = z.object({
  /** Address to listen on. */
  MILLWRIGHT_HOST: z.string().min(1).default('127.0.0.1'),
  /** Port to listen on; 0 picks a free one. */
  MILLWRIGHT_PORT: z.coerce.number().int().min(0).max(65_535).default(7600),
  /** Folder for everything that is kept. */
  MILLWRIGHT_DATA: z
    .string()
    .min(1)
    .default(join(homedir(), '.local', 'share', 'millwright')),
  /** Gateway processes; default: one per core. */
  MILLWRIGHT_GATEWAYS: z.coerce.number().int().min(1).max(256).default(availableParallelism()),
  /** Which of them this process is: its segment folder and socket. Set by the supervisor. */
  MILLWRIGHT_GATEWAY_SLOT: z.coerce.number().int().min(0).max(255).default(0),
  /** debug, info, warn, error. */
  MILLWRIGHT_LOG: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  /** Largest body of a prediction request, in bytes. */
  MILLWRIGHT_MAX_BODY_BYTES: z.coerce
    .number()
    .int()
    .positive()
    .default(16 * MEBIBYTE),
  /** Most rows in one prediction request. */
  MILLWRIGHT_MAX_ROWS: z.coerce.number().int().positive().default(10_000),
  /** Largest model file, in bytes. */
  MILLWRIGHT_MAX_MODEL_BYTES: z.coerce
    .number()
    .int()
    .positive()
    .default(2048 * MEBIBYTE),
  /** Longest a gateway keeps prediction records in memory before it writes them, in milliseconds. */
  MILLWRIGHT_LOG_FLUSH_MS: z.coerce.number().int().positive().default(50),
  /** Most unwritten prediction records a gateway holds, in bytes; more are dropped and counted. */
  MILLWRIGHT_LOG_BACKLOG_BYTES: z.coerce
    .number()
    .int()
    .positive()
    .default(64 * MEBIBYTE),
  /** A segment is closed and handed to control at this size, in bytes … */
  MILLWRIGHT_SEGMENT_BYTES: z.coerce
    .number()
    .int()
    .positive()
    .default(16 * MEBIBYTE),
  /** … or this age, in milliseconds. */
  MILLWRIGHT_SEGMENT_MS: z.coerce.number().int().positive().default(60_000),
  /** Logged predictions older than this many days are removed; 0 keeps them. */
  MILLWRIGHT_RETENTION_DAYS: z.coerce.number().nonnegative().default(90),
  /** The oldest logged predictions are removed beyond this many bytes of Parquet; 0 keeps them. */
  MILLWRIGHT_RETENTION_BYTES: z.coerce.number().nonnegative().default(0),
  /** Longest a stopping gateway waits for requests in flight, in milliseconds. */
  MILLWRIGHT_DRAIN_MS: z.coerce.number().int().nonnegative().default(10_000),
  /** Longest a change waits for all gateways to take it up, in milliseconds. */
  MILLWRIGHT_ACK_TIMEOUT_MS: z.coerce.number().int().positive().default(10_000),
  /** Memory limit of the process that reads a model file, in MiB. */
  MILLWRIGHT_READER_MEMORY_MIB: z.coerce.number().int().positive().default(2048),
  /** Longest reading a model file may take, in milliseconds. */
  MILLWRIGHT_READER_TIMEOUT_MS: z.coerce.number().int().positive().default(60_000),
})
export type Config = Readonly<z.infer<typeof Config>>

/** Reads the environment, once per process. @throws Error that lists every fault */
export function loadConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const result = Config.safeParse(env)
  if (!result.success) throw new Error(`invalid configuration\n${z.prettifyError(result.error)}`)
  return Object.freeze(result.data)
}
