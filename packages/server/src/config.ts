import { availableParallelism, homedir } from 'node:os'
import { join } from 'node:path'
import { type DatabaseAddress, isPostgres } from './db/address.ts'
import type { DataLayout } from './layout.ts'

const MEBIBYTE = 1 << 20

/** How the text of a variable becomes a value; `undefined` when it is not what `expected` says. */
type Setting<T> = {
  readonly fallback: T
  readonly expected: string
  readonly parse: (text: string) => T | undefined
  /** What was given is not shown. */
  readonly isSecret?: boolean
}

const text = (fallback: string): Setting<string> => ({
  fallback,
  expected: 'some text',
  // Where nothing is a value too, an empty variable is as good as none.
  parse: (given) => given || (fallback === '' ? '' : undefined),
})

const oneOf = <T extends string>(fallback: T, values: readonly T[]): Setting<T> => ({
  fallback,
  expected: `one of ${values.join(', ')}`,
  parse: (given) => values.find((value) => value === given),
})

/** `postgres://…`, which may hold a password. */
const postgres = (fallback: string): Setting<string> => ({
  fallback,
  expected: 'an address that begins with postgres:// or postgresql://',
  isSecret: true,
  parse: (given) => (given === '' || (isPostgres(given) && URL.canParse(given)) ? given : undefined),
})

const someOf = (fallback: string, values: readonly string[]): Setting<string> => ({
  fallback,
  expected: `some of ${values.join(', ')}, separated by commas`,
  parse: (given) =>
    given === '' || given.split(',').every((name) => values.includes(name.trim())) ? given : undefined,
})

type Range = { readonly min: number; readonly max?: number }

const integer = (fallback: number, { min, max = Number.MAX_SAFE_INTEGER }: Range): Setting<number> => ({
  fallback,
  expected:
    max === Number.MAX_SAFE_INTEGER ? `a whole number from ${min}` : `a whole number from ${min} to ${max}`,
  parse(given) {
    const value = numberOf(given)
    return Number.isSafeInteger(value) && value >= min && value <= max ? value : undefined
  },
})

const notNegative = (fallback: number): Setting<number> => ({
  fallback,
  expected: 'a number that is not negative',
  parse(given) {
    const value = numberOf(given)
    return value >= 0 && Number.isFinite(value) ? value : undefined
  },
})

const ratio = (fallback: number): Setting<number> => ({
  fallback,
  expected: 'a number from 0 to 1',
  parse(given) {
    const value = numberOf(given)
    return value >= 0 && value <= 1 ? value : undefined
  },
})

const address = (fallback: string): Setting<string> => ({
  fallback,
  expected: 'an address that begins with http:// or https://',
  parse: (given) => (given === '' || /^https?:\/\/[^/]/.test(given) ? given : undefined),
})

const numberOf = (given: string): number => (given.trim() === '' ? Number.NaN : Number(given))

/** Samplers of OpenTelemetry, by the names its specification gives them. */
const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const

/** Not a zod schema: every process reads it, and zod is 10 MB in a process that has no other use of it. */
const SETTINGS = {
  /** Address to listen on. */
  MILLWRIGHT_HOST: text('127.0.0.1'),
  /** Who must send an API key. `auto`: everyone, unless only this machine can call; `required`: everyone; `off`: nobody. */
  MILLWRIGHT_AUTH: oneOf('auto', ['auto', 'required', 'off']),
  /** Names, separated by commas, the server answers to besides its address; pages of them may call it. */
  MILLWRIGHT_ALLOWED_HOSTS: text(''),
  /** PEM file of the certificate and what stands between it and its authority; with the next one, HTTPS is spoken. */
  MILLWRIGHT_TLS_CERT: text(''),
  /** PEM file of the private key of that certificate. */
  MILLWRIGHT_TLS_KEY: text(''),
  /** Port to listen on; 0 picks a free one. */
  MILLWRIGHT_PORT: integer(7600, { min: 0, max: 65_535 }),
  /** Folder for everything that is kept. */
  MILLWRIGHT_DATA: text(join(homedir(), '.local', 'share', 'millwright')),
  /** Store of objects for files of runs, `s3://bucket/prefix`; none: they are kept with all other data. */
  MILLWRIGHT_ARTIFACTS: text(''),
  /** Address of that store when it is not Amazon's: `https://minio.example.com:9000`. */
  MILLWRIGHT_ARTIFACTS_ENDPOINT: text(''),
  /** `true`: clients read and write there themselves; new experiments are told so, and the server answers for no file. */
  MILLWRIGHT_ARTIFACTS_DIRECT: oneOf('false', ['false', 'true']),
  /** PostgreSQL server that keeps everything but files, `postgres://user@host/database`; none: SQLite in that folder. */
  MILLWRIGHT_DATABASE: postgres(''),
  /** Gateway processes; default: one per core. */
  MILLWRIGHT_GATEWAYS: integer(availableParallelism(), { min: 1, max: 256 }),
  /** Which of them this process is: its segment folder and socket. Set by the supervisor. */
  MILLWRIGHT_GATEWAY_SLOT: integer(0, { min: 0, max: 255 }),
  /** debug, info, warn, error. */
  MILLWRIGHT_LOG: oneOf('info', ['debug', 'info', 'warn', 'error']),
  /** Largest body of a prediction request, in bytes. */
  MILLWRIGHT_MAX_BODY_BYTES: integer(16 * MEBIBYTE, { min: 1 }),
  /** Largest body once it is no longer compressed, in bytes … */
  MILLWRIGHT_MAX_INFLATED_BYTES: integer(16 * MEBIBYTE, { min: 1 }),
  /** … and how many times its size it may unpack to, above 1 MiB. */
  MILLWRIGHT_MAX_INFLATION: integer(100, { min: 1 }),
  /** Most pieces that a body may arrive in. */
  MILLWRIGHT_MAX_BODY_PIECES: integer(65_536, { min: 1 }),
  /** Most levels of lists and objects in a JSON body. */
  MILLWRIGHT_MAX_JSON_DEPTH: integer(64, { min: 1, max: 512 }),
  /** Most input tensors in one request. */
  MILLWRIGHT_MAX_TENSORS: integer(1024, { min: 1 }),
  /** Most rows in one prediction request. */
  MILLWRIGHT_MAX_ROWS: integer(10_000, { min: 1 }),
  /** Longest request line and header fields together, in bytes … */
  MILLWRIGHT_MAX_HEADER_BYTES: integer(16_384, { min: 1024 }),
  /** … and most header fields. */
  MILLWRIGHT_MAX_HEADERS: integer(100, { min: 1 }),
  /** Connections of one gateway … */
  MILLWRIGHT_MAX_CONNECTIONS: integer(10_000, { min: 1 }),
  /** … and of one address to one gateway. */
  MILLWRIGHT_MAX_CONNECTIONS_PER_ADDRESS: integer(1_000, { min: 1 }),
  /** Longest the header fields of a request may take to arrive, in milliseconds … */
  MILLWRIGHT_HEADER_TIMEOUT_MS: integer(10_000, { min: 1 }),
  /** … the body of a prediction request … */
  MILLWRIGHT_BODY_TIMEOUT_MS: integer(30_000, { min: 1 }),
  /** … and longest silence inside a request, in milliseconds. */
  MILLWRIGHT_IDLE_TIMEOUT_MS: integer(120_000, { min: 1 }),
  /** Longest a connection waits for its next request, in milliseconds; above the idle time-outs of usual load balancers. */
  MILLWRIGHT_KEEP_ALIVE_MS: integer(75_000, { min: 1 }),
  /** Longest gRPC message, in bytes, also when it was compressed. */
  MILLWRIGHT_GRPC_MESSAGE_BYTES: integer(16 * MEBIBYTE, { min: 1 }),
  /** Calls under way at once on one gRPC connection. */
  MILLWRIGHT_GRPC_STREAMS: integer(100, { min: 1 }),
  /** Wrong keys of one address to one gateway within a minute, before more of them are answered with 429. */
  MILLWRIGHT_MAX_WRONG_KEYS: integer(100, { min: 1 }),
  /** Longest a prediction waits for those before it, in milliseconds; who would wait longer is refused at once. */
  MILLWRIGHT_MAX_WAIT_MS: integer(1_000, { min: 0 }),
  /** Redis or Valkey server whose cached answers all gateways share, `redis://…`; none: each remembers its own. */
  MILLWRIGHT_CACHE_URL: text(''),
  /** Requests accepted to be answered later (`?async=1`) that may wait in one gateway. */
  MILLWRIGHT_MAX_JOBS: integer(10_000, { min: 1 }),
  /** How long their answers are kept, in milliseconds. */
  MILLWRIGHT_JOB_KEPT_MS: integer(86_400_000, { min: 1 }),
  /** Hosts, separated by commas, that answers of jobs may be posted to, and webhooks though they are inside or without TLS. */
  MILLWRIGHT_WEBHOOK_HOSTS: text(''),
  /** Key that webhooks are signed with: `whsec_` and base64. */
  MILLWRIGHT_WEBHOOK_SECRET: text(''),
  /** Largest model file, in bytes. */
  MILLWRIGHT_MAX_MODEL_BYTES: integer(2048 * MEBIBYTE, { min: 1 }),
  /** Longest a gateway keeps prediction records in memory before it writes them, in milliseconds. */
  MILLWRIGHT_LOG_FLUSH_MS: integer(50, { min: 1 }),
  /** Most unwritten prediction records a gateway holds, in bytes; more are dropped and counted. */
  MILLWRIGHT_LOG_BACKLOG_BYTES: integer(64 * MEBIBYTE, { min: 1 }),
  /** A segment is closed and handed to control at this size, in bytes … */
  MILLWRIGHT_SEGMENT_BYTES: integer(16 * MEBIBYTE, { min: 1 }),
  /** … or this age, in milliseconds. */
  MILLWRIGHT_SEGMENT_MS: integer(60_000, { min: 1 }),
  /** Logged predictions older than this many days are removed; 0 keeps them. */
  MILLWRIGHT_RETENTION_DAYS: notNegative(90),
  /** The oldest logged predictions are removed beyond this many bytes of Parquet; 0 keeps them. */
  MILLWRIGHT_RETENTION_BYTES: notNegative(0),
  /** Runs, logged models and experiments that were deleted this many days ago are removed for good, but for what registered versions need; 0 keeps them. */
  MILLWRIGHT_DELETED_RETENTION_DAYS: notNegative(0),
  /** After SIGTERM, so long new connections are still answered while the server says that it is not ready, in milliseconds; after SIGINT (Ctrl-C) there is none. */
  MILLWRIGHT_STOP_GRACE_MS: integer(500, { min: 0 }),
  /** After that, longest a stopping gateway waits for requests in flight, in milliseconds. */
  MILLWRIGHT_DRAIN_MS: integer(10_000, { min: 0 }),
  /** A gateway or control that does not answer the supervisor for so long is ended and started again, in milliseconds; 0: never. */
  MILLWRIGHT_STANDSTILL_MS: integer(30_000, { min: 0 }),
  /** Longest a change waits for all gateways to take it up, in milliseconds. */
  MILLWRIGHT_ACK_TIMEOUT_MS: integer(10_000, { min: 1 }),
  /** Memory limit of the process that reads a model file, in MiB. */
  MILLWRIGHT_READER_MEMORY_MIB: integer(2048, { min: 1 }),
  /** Longest reading a model file may take, in milliseconds. */
  MILLWRIGHT_READER_TIMEOUT_MS: integer(60_000, { min: 1 }),
  /** Memory limit of the process that runs an ONNX model, in MiB; ONNX Runtime itself takes about 100. */
  MILLWRIGHT_ONNX_MEMORY_MIB: integer(2048, { min: 1 }),
  /** Longest loading an ONNX model may take, in milliseconds. */
  MILLWRIGHT_ONNX_LOAD_MS: integer(60_000, { min: 1 }),
  /** Longest an ONNX model, or a thread with rows of a large request, computes at once, and a request waits for those before it, in milliseconds. */
  MILLWRIGHT_ONNX_RUN_MS: integer(10_000, { min: 1 }),
  /** Longest a request for an ONNX model that has nothing to do waits for others to go with it, in milliseconds. */
  MILLWRIGHT_BATCH_WAIT_MS: integer(0, { min: 0 }),
  /** Other servers by whose names metrics are told, too: some of triton, mlserver, kserve, tfserving, separated by commas. */
  MILLWRIGHT_METRIC_ALIASES: someOf('', ['triton', 'mlserver', 'kserve', 'tfserving']),
  /** Receiver of traces, by OTLP over HTTP: `http://collector:4318`; `/v1/traces` is added. None: there are no traces. */
  OTEL_EXPORTER_OTLP_ENDPOINT: address(''),
  /** The same, taken as it is. */
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: address(''),
  /** Headers sent with them: `key=value,key=value`. */
  OTEL_EXPORTER_OTLP_HEADERS: text(''),
  /** The same, instead of those. */
  OTEL_EXPORTER_OTLP_TRACES_HEADERS: text(''),
  /** How they are written. */
  OTEL_EXPORTER_OTLP_PROTOCOL: oneOf('http/protobuf', ['http/protobuf', 'http/json']),
  /** Longest sending a batch takes, in milliseconds. */
  OTEL_EXPORTER_OTLP_TIMEOUT: integer(10_000, { min: 1 }),
  /** `none`: no traces, whatever the others say. */
  OTEL_TRACES_EXPORTER: oneOf('otlp', ['otlp', 'none']),
  /** `true` says the same. */
  OTEL_SDK_DISABLED: oneOf('false', ['false', 'true']),
  /** Which traces are recorded; `parentbased_…`: those that the caller records, and of those that begin here what follows. */
  OTEL_TRACES_SAMPLER: oneOf('parentbased_always_on', SAMPLERS),
  /** Share of traces that `…traceidratio` records, from 0 to 1. */
  OTEL_TRACES_SAMPLER_ARG: ratio(1),
  /** What traces are said to be of. */
  OTEL_SERVICE_NAME: text('millwright'),
  /** What else is said of it: `key=value,key=value`. */
  OTEL_RESOURCE_ATTRIBUTES: text(''),
  /** Longest a span waits to be sent, in milliseconds. */
  OTEL_BSP_SCHEDULE_DELAY: integer(5_000, { min: 1 }),
  /** Spans that may wait in one gateway; more are dropped and counted. */
  OTEL_BSP_MAX_QUEUE_SIZE: integer(2_048, { min: 1 }),
  /** Most spans sent at once. */
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: integer(512, { min: 1 }),
}
type Settings = typeof SETTINGS
export type Config = { readonly [Name in keyof Settings]: Settings[Name]['fallback'] }

/** Reads the environment, once per process. @throws Error that lists every fault */
export function loadConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const read = Object.entries<Setting<string | number>>(SETTINGS).map(([name, setting]) => {
    // Of variables that many programs share, an empty one is none.
    const given = isShared(name) ? env[name] || undefined : env[name]
    return { name, given, setting, value: given === undefined ? setting.fallback : setting.parse(given) }
  })
  const isUsed = (name: string): boolean => !isShared(name) || isTracing(env)
  const faults = read.filter(({ name, value }) => value === undefined && isUsed(name))
  if (faults.length > 0)
    throw new Error(
      `invalid configuration\n${faults.map(({ name, given, setting }) => `  ${name} is ${setting.isSecret ? 'something else' : `"${given}"`}; expected ${setting.expected}`).join('\n')}`,
    )
  const values = read.map(({ name, value, setting }) => [name, value ?? setting.fallback])
  return Object.freeze(Object.fromEntries(values)) as Config
}

/** Set for other programs, it may say what is none of ours. */
const isShared = (name: string): boolean => name.startsWith('OTEL_')

type TracingSettings = { readonly [Name in keyof Settings & `OTEL_${string}`]?: string | number | undefined }

/** Whether traces are wanted. */
export const isTracing = (settings: TracingSettings): boolean =>
  Boolean(settings.OTEL_EXPORTER_OTLP_ENDPOINT || settings.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) &&
  settings.OTEL_TRACES_EXPORTER !== 'none' &&
  settings.OTEL_SDK_DISABLED !== 'true'

/** Where the database is. */
export const databaseOf = (
  { MILLWRIGHT_DATABASE: address }: Pick<Config, 'MILLWRIGHT_DATABASE'>,
  { database }: Pick<DataLayout, 'database'>,
): DatabaseAddress => address || database

const MOST_THREADS = 8

/**
 * Threads of one gateway for large requests: the cores shared out among the gateways, but two where there are as many, as
 * large requests rarely come to all gateways at once.
 */
export const threadsOf = ({ MILLWRIGHT_GATEWAYS: gateways }: Pick<Config, 'MILLWRIGHT_GATEWAYS'>): number =>
  Math.min(MOST_THREADS, availableParallelism(), Math.max(2, Math.ceil(availableParallelism() / gateways)))

const LOCATION = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*?))?\/?$/

/** Where files of runs are kept: in a store of objects, or with all other data. @throws Error when that cannot be */
export function artifactStorageOf(config: Config) {
  const { MILLWRIGHT_ARTIFACTS: location, MILLWRIGHT_ARTIFACTS_ENDPOINT: endpoint } = config
  const isDirect = config.MILLWRIGHT_ARTIFACTS_DIRECT === 'true'
  if (isDirect && location === '')
    throw new Error(
      'invalid configuration\n  MILLWRIGHT_ARTIFACTS_DIRECT sends clients to the store of MILLWRIGHT_ARTIFACTS, and there is none',
    )
  if (location === '') return undefined
  const [, bucket, prefix = ''] = LOCATION.exec(location) ?? []
  if (bucket === undefined)
    throw new Error(
      `invalid configuration\n  MILLWRIGHT_ARTIFACTS is "${location}"; expected s3://bucket or s3://bucket/prefix`,
    )
  return { bucket, prefix, endpoint, isDirect }
}

/** What one ONNX model may cost. */
export const hostLimitsOf = (config: Config) => ({
  memoryMib: config.MILLWRIGHT_ONNX_MEMORY_MIB,
  loadMs: config.MILLWRIGHT_ONNX_LOAD_MS,
  runMs: config.MILLWRIGHT_ONNX_RUN_MS,
})

/** What a gateway takes of its callers. */
export const gatewayLimitsOf = (config: Config) => ({
  inflatedBytes: config.MILLWRIGHT_MAX_INFLATED_BYTES,
  inflation: config.MILLWRIGHT_MAX_INFLATION,
  bodyPieces: config.MILLWRIGHT_MAX_BODY_PIECES,
  jsonDepth: config.MILLWRIGHT_MAX_JSON_DEPTH,
  tensors: config.MILLWRIGHT_MAX_TENSORS,
  headerBytes: config.MILLWRIGHT_MAX_HEADER_BYTES,
  headers: config.MILLWRIGHT_MAX_HEADERS,
  connections: config.MILLWRIGHT_MAX_CONNECTIONS,
  connectionsPerAddress: config.MILLWRIGHT_MAX_CONNECTIONS_PER_ADDRESS,
  headerMs: config.MILLWRIGHT_HEADER_TIMEOUT_MS,
  bodyMs: config.MILLWRIGHT_BODY_TIMEOUT_MS,
  idleMs: config.MILLWRIGHT_IDLE_TIMEOUT_MS,
  keepAliveMs: config.MILLWRIGHT_KEEP_ALIVE_MS,
  grpcMessageBytes: config.MILLWRIGHT_GRPC_MESSAGE_BYTES,
  grpcStreams: config.MILLWRIGHT_GRPC_STREAMS,
  wrongKeys: config.MILLWRIGHT_MAX_WRONG_KEYS,
})
export type GatewayLimits = Readonly<ReturnType<typeof gatewayLimitsOf>>

/** Both files of a certificate, or none. @throws Error when there is only one */
export function tlsFilesOf(config: Config): { readonly cert: string; readonly key: string } | undefined {
  const { MILLWRIGHT_TLS_CERT: cert, MILLWRIGHT_TLS_KEY: key } = config
  if (cert === '' && key === '') return undefined
  if (cert === '' || key === '')
    throw new Error(
      `invalid configuration\n  MILLWRIGHT_TLS_CERT and MILLWRIGHT_TLS_KEY go together; ${cert === '' ? 'the certificate' : 'the key'} is missing`,
    )
  return { cert, key }
}
