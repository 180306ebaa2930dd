import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino'
import { prettyLine } from './pretty-line.ts'

export type { Logger } from 'pino'

const ECS_VERSION = '8.17.0'

export type LoggerOptions = {
  readonly role: 'supervisor' | 'control' | 'gateway' | 'analytics'
  /** Which gateway. */
  readonly slot?: number
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly version: string
  /** Default: standard output. */
  readonly destination?: DestinationStream
}

/**
 * Writes one JSON object per line with the field names of the Elastic Common Schema, so that Kibana reads it without
 * a mapping; on a terminal, short lines instead. Errors go under the key `error`: `log.warn({ error }, 'what failed')`.
 */
export function createLogger({ role, slot, level, version, destination }: LoggerOptions): Logger {
  const options = {
    level,
    base: {
      'ecs.version': ECS_VERSION,
      'service.name': 'millwright',
      'service.version': version,
      'service.node.name': slot === undefined ? role : `${role}/${slot}`,
      'process.pid': process.pid,
    },
    messageKey: 'message',
    errorKey: 'error',
    timestamp: () => stdTimeFunctions.isoTime().replace('"time"', '"@timestamp"'),
    formatters: { level: (label: string) => ({ 'log.level': label }) },
    serializers: { error: errorFields },
  }
  return pino(options, destination ?? standardOutput())
}

/** One answered request. Values of features are never among it. */
export type RequestLine = {
  readonly method: string
  /** Without the query string. */
  readonly path: string
  readonly status: number
  readonly durationNs: number
  readonly requestId: string
  readonly traceId?: string | undefined
  readonly predictionId?: string | undefined
  readonly deployment?: string | undefined
  /** Of the error table. */
  readonly errorCode?: string | undefined
}

/** 2xx at debug, 3xx and 4xx at info, 5xx at warn: what went well is in the metrics and the prediction log. */
export function logRequest(logger: Logger, line: RequestLine): void {
  const level = levelOf(line.status)
  if (!logger.isLevelEnabled(level)) return
  logger[level](
    {
      'event.kind': 'event',
      'event.category': 'web',
      'event.outcome': line.status < 400 ? 'success' : 'failure',
      'event.duration': Math.round(line.durationNs),
      'http.request.method': line.method,
      'http.request.id': line.requestId,
      'http.response.status_code': line.status,
      'url.path': line.path,
      'trace.id': line.traceId,
      'error.code': line.errorCode,
      'millwright.prediction.id': line.predictionId,
      'millwright.deployment.name': line.deployment,
    },
    `${line.method} ${line.path} ${line.status}`,
  )
}

function levelOf(status: number): 'debug' | 'info' | 'warn' {
  if (status >= 500) return 'warn'
  return status >= 300 ? 'info' : 'debug'
}

/** What was thrown may be anything. */
function errorFields(thrown: unknown): Record<string, unknown> {
  if (!(thrown instanceof Error)) return { message: String(thrown) }
  const { code } = thrown as NodeJS.ErrnoException
  return {
    type: thrown.name,
    message: thrown.message,
    stack_trace: stackOf(thrown),
    ...(code === undefined ? {} : { code: String(code) }),
  }
}

function stackOf(error: Error): string {
  const own = error.stack ?? `${error.name}: ${error.message}`
  return error.cause instanceof Error ? `${own}\ncaused by ${stackOf(error.cause)}` : own
}

function standardOutput(): DestinationStream {
  if (!process.stdout.isTTY) return pino.destination({ dest: 1, sync: true })
  return { write: (line) => void process.stdout.write(prettyLine(line)) }
}
