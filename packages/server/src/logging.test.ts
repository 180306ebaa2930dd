import { expect, test } from 'vitest'
import { createLogger, logRequest } from './logging.ts'
import { prettyLine } from './pretty-line.ts'

/** Field → type in the Elastic Common Schema; what is ours lies under `millwright.`. */
const ECS_TYPES: Readonly<Record<string, 'keyword' | 'long' | 'date' | 'text'>> = {
  '@timestamp': 'date',
  message: 'text',
  'ecs.version': 'keyword',
  'log.level': 'keyword',
  'service.name': 'keyword',
  'service.version': 'keyword',
  'service.node.name': 'keyword',
  'process.pid': 'long',
  'event.kind': 'keyword',
  'event.category': 'keyword',
  'event.outcome': 'keyword',
  'event.duration': 'long',
  'http.request.method': 'keyword',
  'http.request.id': 'keyword',
  'http.response.status_code': 'long',
  'url.path': 'keyword',
  'trace.id': 'keyword',
  'error.code': 'keyword',
  'error.type': 'keyword',
  'error.message': 'text',
  'error.stack_trace': 'text',
}

function recordingLogger(level: 'debug' | 'info' | 'warn' | 'error' = 'debug') {
  const lines: string[] = []
  const destination = { write: (line: string) => void lines.push(line) }
  const logger = createLogger({ role: 'gateway', slot: 3, level, version: '1.2.3', destination })
  return { logger, lines, parsed: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) }
}

const request = { method: 'POST', path: '/predict', durationNs: 1234.6, requestId: 'req_1' } as const

function flatten(value: Record<string, unknown>, prefix = ''): [string, unknown][] {
  return Object.entries(value).flatMap(([key, inner]): [string, unknown][] =>
    typeof inner === 'object' && inner !== null
      ? flatten(inner as Record<string, unknown>, `${prefix}${key}.`)
      : [[prefix + key, inner]],
  )
}

function isOfType(type: string | undefined, value: unknown): boolean {
  if (type === undefined) return false
  if (type === 'long') return Number.isInteger(value)
  if (type === 'date') return typeof value === 'string' && new Date(value).toISOString() === value
  return typeof value === 'string'
}

test('every field is one of the Elastic Common Schema, with its type, or lies under millwright', () => {
  const { logger, parsed } = recordingLogger()

  logRequest(logger, {
    ...request,
    status: 500,
    errorCode: 'INTERNAL',
    traceId: 'abc',
    predictionId: 'prd_1',
    deployment: 'churn',
  })
  logger.error({ error: Object.assign(new RangeError('too far'), { code: 'ENOSPC' }) }, 'could not write')
  logger.info('started')

  const wrong = parsed()
    .flatMap((line) => flatten(line))
    .filter(([key]) => !key.startsWith('millwright.'))
    .filter(([key, value]) => !isOfType(ECS_TYPES[key], value))
  expect(wrong).toEqual([])
})

test('a line names the service, the process and the level', () => {
  const { logger, parsed } = recordingLogger()

  logger.warn({ 'millwright.prediction.id': 'prd_9' }, 'odd')

  expect(parsed()[0]).toMatchObject({
    'log.level': 'warn',
    message: 'odd',
    'service.node.name': 'gateway/3',
    'service.version': '1.2.3',
    'millwright.prediction.id': 'prd_9',
  })
})

test('the duration of a request is a whole number of nanoseconds', () => {
  const { logger, parsed } = recordingLogger()

  logRequest(logger, { ...request, status: 200 })

  expect(parsed()[0]?.['event.duration']).toBe(1235)
})

test.each([
  [200, 'debug'],
  [304, 'info'],
  [404, 'info'],
  [500, 'warn'],
  [503, 'warn'],
])('a request answered with %i is logged at %s', (status, level) => {
  const { logger, parsed } = recordingLogger()

  logRequest(logger, { ...request, status })

  expect(parsed()[0]?.['log.level']).toBe(level)
})

test('requests that went well write nothing at the usual level', () => {
  const { logger, lines } = recordingLogger('info')

  logRequest(logger, { ...request, status: 200 })

  expect(lines).toEqual([])
})

test('an error is logged with its type, its stack and the error behind it', () => {
  const { logger, parsed } = recordingLogger()

  logger.error({ error: new Error('outer', { cause: new RangeError('inner') }) }, 'failed')

  const error = parsed()[0]?.error as Record<string, string>
  expect(error.type).toBe('Error')
  expect(error.message).toBe('outer')
  expect(error.stack_trace).toMatch(/Error: outer[\s\S]*caused by RangeError: inner/)
})

test('on a terminal a line has the time, the level, who speaks and what happened', () => {
  const { logger, lines } = recordingLogger()
  logRequest(logger, { ...request, status: 404, errorCode: 'MODEL_NOT_FOUND' })

  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours start with the escape character
  const plain = prettyLine(lines[0]!).replace(/\u001b\[\d+m/g, '')

  expect(plain).toMatch(
    /^\d\d:\d\d:\d\d\.\d{3} info {2}gateway\/3 POST \/predict 404 0\.001235ms http\.request\.id=req_1 error\.code=MODEL_NOT_FOUND\n$/,
  )
})
