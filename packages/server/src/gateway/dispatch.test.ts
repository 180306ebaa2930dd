import { expect, test } from 'vitest'
import { createWrongKeys } from '../access/wrong-keys.ts'
import { createLogger } from '../logging.ts'
import { createDispatcher } from './dispatch.ts'
import type { Answer, Exchange } from './exchange.ts'
import { createGuard } from './guard.ts'
import { createMetrics } from './metrics.ts'
import { createReplies } from './replies.ts'
import type { RequestHead } from './request-head.ts'
import type { GatewayRoute } from './route.ts'
import { EMPTY_TABLE } from './serving-table.ts'

/** A dialect with words of its own. */
const ROUTE: GatewayRoute = {
  path: '/v9/models/{name}/infer',
  methods: ['POST'],
  door: 'plain',
  permission: 'predict',
  word: ({ status, message }) => ({ status, body: JSON.stringify({ error: message }) }),
  answer: () => {
    throw new Error('answered')
  },
}

function open(allowedHosts: readonly string[] = []) {
  const metrics = createMetrics({ version: 'test' })
  const logger = createLogger({ role: 'gateway', level: 'error', version: 'test' })
  return createDispatcher({
    routes: [ROUTE],
    guard: createGuard(
      () => EMPTY_TABLE,
      { boundToLoopback: true, loginRequired: true, allowedHosts },
      createWrongKeys(100),
    ),
    replies: createReplies(metrics, logger),
    passOn: () => {
      throw new Error('passed on')
    },
  })
}

const headOf = (url: string, fields: Readonly<Record<string, string>>): RequestHead => ({
  ...{ url, bodyBytes: 0, requestId: undefined },
  fields: new Map(Object.entries(fields)),
})

test('a caller that may not is told so in the words of the dialect, with the ways to send a key', () => {
  const answers: Answer[] = []
  const exchange: Exchange = {
    ...{ method: 'POST', url: '/v9/models/none/infer', id: 'r1', startedAt: 0 },
    header: () => undefined,
    headers: () => [],
    readBody: () => {},
    address: undefined,
    isGone: false,
    gone: () => new AbortController().signal,
    respond: (answer) => void answers.push(answer),
  }

  open().answererOf(headOf(exchange.url, { host: 'localhost' }))!(exchange)

  expect(answers).toMatchObject([{ status: 401, headers: { 'www-authenticate': expect.any(String) } }])
  expect(JSON.parse(String(answers[0]!.body))).toEqual({
    error: 'this needs an API key; send it as `Authorization: Bearer KEY` or `X-Api-Key: KEY`',
  })
})

test('heads under a name that is not the server’s own have no answer on the fast path', () => {
  const head = headOf('/v9/models/none/infer', { host: 'ml.example' })

  expect(() => open().answererOf(head)).toThrow('does not answer to the name "ml.example"')
  expect(open(['ml.example']).answererOf(head)).toBeTypeOf('function')
})
