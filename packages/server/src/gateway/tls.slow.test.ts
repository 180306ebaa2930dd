import { execFileSync } from 'node:child_process'
import { readFile, rename, utimes } from 'node:fs/promises'
import type { Server } from 'node:https'
import { Agent, request } from 'node:https'
import { connect as connectPlain } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type SecureVersion, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  CHURN_PREDICT,
  CHURN_ROW,
  createChurnFolder,
  type createDataFolder,
  openGateway,
  removeDataFolder,
} from '../../test/gateway.ts'
import { connect as connectGrpc } from '../../test/grpc-client.ts'
import { createLogger } from '../logging.ts'
import { INFERENCE } from './doors/v2-grpc/services.ts'
import { followTls, readTls } from './tls.ts'

const BODY = JSON.stringify({ row: CHURN_ROW })

let layout: Awaited<ReturnType<typeof createDataFolder>>
let gateway: Awaited<ReturnType<typeof openGateway>>
let port: number
let unfollow: () => void
const lines: string[] = []
const said = () => lines.join('')
/** Requests that node:http read, not the fast path. */
let readByNode = 0

const pathOf = (name: string): string => join(layout.root, name)
const files = () => ({ cert: pathOf('tls.crt'), key: pathOf('tls.key') })

/** A certificate signed by itself, as openssl makes it. */
function makePair(name: string): void {
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  const output = ['-keyout', pathOf(`${name}.key`), '-out', pathOf(`${name}.crt`)]
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  execFileSync('openssl', ['req', ...kind, ...subject, ...output], { stdio: 'ignore' })
}

/** Replaces a file as renewal does: the new one is moved over the old. */
async function replace(from: string, to: string): Promise<void> {
  await rename(pathOf(from), pathOf(to))
  // Files of the same second and size must differ too.
  await utimes(pathOf(to), new Date(), new Date())
}

beforeAll(async () => {
  layout = await createChurnFolder()
  for (const name of ['first', 'second', 'third']) makePair(name)
  await replace('first.crt', 'tls.crt')
  await replace('first.key', 'tls.key')
  gateway = await openGateway(layout, { tls: await readTls(files()) })
  gateway.server.on('request', () => void readByNode++)
  port = await gateway.listen()
  const destination = { write: (line: string) => void lines.push(line) }
  const logger = createLogger({ role: 'gateway', level: 'info', version: 'test', destination })
  unfollow = followTls(gateway.server as Server, files(), logger)
})
afterAll(async () => {
  unfollow()
  await gateway.close()
  await removeDataFolder(layout)
})

const open = (version: SecureVersion, ALPNProtocols?: string[]): Promise<TLSSocket> =>
  new Promise((resolve, reject) => {
    const options = { minVersion: version, maxVersion: version, rejectUnauthorized: false }
    // Old versions are not offered by today's defaults of OpenSSL.
    const ciphers = 'DEFAULT:@SECLEVEL=0'
    const socket = connect({
      port,
      host: '127.0.0.1',
      ...options,
      ciphers,
      ...(ALPNProtocols && { ALPNProtocols }),
    })
    socket.on('secureConnect', () => resolve(socket))
    socket.on('error', reject)
  })

async function servedName(): Promise<string> {
  const socket = await open('TLSv1.3')
  const { subject } = socket.getPeerCertificate()
  socket.destroy()
  return String(subject.CN)
}

type Told = { readonly status: number; readonly body: string }

function ask(
  agent: Agent,
  { method = 'POST', path = CHURN_PREDICT, body = BODY, headers = {} } = {},
): Promise<Told> {
  return new Promise((resolve, reject) => {
    const all = { 'content-type': 'application/json', ...headers }
    const asked = request({ port, host: '127.0.0.1', method, path, agent, headers: all }, (answer) => {
      let text = ''
      answer.on('data', (chunk) => {
        text += chunk
      })
      answer.on('end', () => resolve({ status: answer.statusCode!, body: text }))
    })
    asked.on('error', reject)
    asked.end(method === 'GET' ? undefined : body)
  })
}

test('a plain request is answered without node:http, others on the same connection by it', async () => {
  const ca = await readFile(files().cert, 'utf8')
  const agent = new Agent({ ca, keepAlive: true, maxSockets: 1 })
  const length = { 'content-length': String(BODY.length) }
  const fast = await ask(agent, { headers: length })
  const readAtFirst = readByNode
  const health = await ask(agent, { method: 'GET', path: '/health/live' })
  const chunked = await ask(agent, { headers: { 'transfer-encoding': 'chunked' } })
  const again = await ask(agent, { headers: length })
  agent.destroy()

  expect([fast, health, chunked, again].map(({ status }) => status)).toEqual([200, 200, 200, 200])
  expect(JSON.parse(fast.body).prediction.prediction).toBe(JSON.parse(again.body).prediction.prediction)
  expect([readAtFirst, readByNode]).toEqual([0, 3])
})

test.each<[SecureVersion, boolean]>([
  ['TLSv1.1', false],
  ['TLSv1.2', true],
  ['TLSv1.3', true],
])('%s is spoken: %s', async (version, expected) => {
  const spoken = await open(version).then(
    (socket) => {
      socket.destroy()
      return true
    },
    () => false,
  )

  expect(spoken).toBe(expected)
})

test.each([
  ['http/1.1', ['http/1.1']],
  ['http/1.1', ['h2', 'http/1.1']],
  ['h2', ['h2']],
  ['h2', ['grpc-exp', 'h2']],
])('%s is agreed on with who offers %j', async (expected, offered) => {
  const socket = await open('TLSv1.3', offered)

  expect(socket.alpnProtocol).toBe(expected)
  socket.destroy()
})

test('gRPC is spoken, beside HTTP', async () => {
  const client = connectGrpc(port, await readFile(files().cert))

  expect(await client.call(INFERENCE.ServerLive, {})).toEqual({ live: true })
  expect(await client.call(INFERENCE.ModelReady, { name: 'churn' })).toEqual({ ready: true })
  expect(await servedName()).toBe('first')
  client.close()
})

test('what is not TLS is closed, and the next one is answered', async () => {
  const closed = await new Promise<string>((resolve) => {
    const socket = connectPlain(port, '127.0.0.1', () =>
      socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n'),
    )
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(text))
  })

  expect(closed).not.toContain('HTTP/1.1 200')
  expect(await servedName()).toBe('first')
})

test('a renewed certificate is served without a restart; half a pair, and a broken one, change nothing', async () => {
  const before = await servedName()
  const agent = new Agent({ rejectUnauthorized: false, keepAlive: true, maxSockets: 1 })
  await ask(agent)

  await replace('second.crt', 'tls.crt')
  await until(() => said().includes('the certificate before goes on being served'))
  const halfway = await servedName()
  await replace('second.key', 'tls.key')
  await until(async () => (await servedName()) === 'second')
  const { status } = await ask(agent)
  agent.destroy()
  await replace('third.key', 'tls.crt')
  const complaints = () => said().split('are not a certificate and its private key').length - 1
  const known = complaints()
  await until(() => complaints() > known)

  expect([before, halfway, await servedName()]).toEqual(['first', 'first', 'second'])
  expect(status).toBe(200)
})

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(50)
}

test.each([
  [
    'a file that is not there',
    { cert: '/nowhere.pem', key: '/nowhere.pem' },
    '/nowhere.pem cannot be read (ENOENT)',
  ],
])('%s is said', async (_, pair, message) => {
  await expect(readTls(pair)).rejects.toThrow(message)
})
