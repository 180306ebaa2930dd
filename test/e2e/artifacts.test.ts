import { createHash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  cli,
  eventually,
  type Running,
  removeFolder,
  startMillwright,
  temporaryFolder,
} from '../support/millwright.ts'

const data = temporaryFolder()
let server: Running
const secrets: Record<string, string> = {}

beforeAll(async () => {
  const create = ['keys', 'create']
  secrets.admin = (await cli([...create, 'root', '--scope', 'admin', '--data', data])).stdout.trim()
  server = await startMillwright({ data, env: { MILLWRIGHT_AUTH: 'required' } })
  const as = { url: server.url, env: { MILLWRIGHT_API_KEY: secrets.admin } }
  for (const scope of ['read', 'deploy'])
    secrets[scope] = (await cli([...create, scope, '--scope', scope], as)).stdout.trim()
})
afterAll(async () => {
  await server?.stop()
  removeFolder(data)
})

const API = '/api/2.0/mlflow-artifacts'
type Sent = { readonly body?: string | Uint8Array<ArrayBuffer>; readonly headers?: Record<string, string> }
const ask = (method: string, path: string, scope?: string, { headers = {}, body }: Sent = {}) =>
  fetch(`${server.url}${path}`, {
    method,
    headers: { ...(scope && { authorization: `Bearer ${secrets[scope]}` }), ...headers },
    ...(body !== undefined && { body }),
  })
const askJson = async (method: string, path: string, scope: string, body: object) =>
  (
    await ask(method, path, scope, {
      ...{ body: JSON.stringify(body), headers: { 'content-type': 'application/json' } },
    })
  ).json()

type Created = { upload_id: string; credentials: { url: string; part_number: number }[] }

/** Bytes that repeat nowhere. */
function noise(bytes: number): Uint8Array<ArrayBuffer> {
  const buffer = new Uint8Array(bytes)
  const words = new Uint32Array(buffer.buffer)
  let state = 1
  for (let i = 0; i < words.length; i++) {
    state = Math.imul(state, 1_664_525) + 1_013_904_223
    words[i] = state
  }
  return buffer
}
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

test('a large file goes up and comes down as it is, and a part of it', async () => {
  const bytes = noise(50_000_000)

  const sent = await ask('PUT', `${API}/artifacts/1/r/artifacts/model.bin`, 'deploy', { body: bytes })
  const got = await ask('GET', `${API}/artifacts/1/r/artifacts/model.bin`, 'read')
  const body = new Uint8Array(await got.arrayBuffer())
  const headers = { range: 'bytes=40000000-40000009' }
  const part = await ask('GET', `${API}/artifacts/1/r/artifacts/model.bin`, 'read', { headers })

  expect([sent.status, got.status, part.status]).toEqual([200, 200, 206])
  expect(got.headers.get('etag')).toBe(`"${sha256(bytes)}"`)
  expect(sha256(body)).toBe(sha256(bytes))
  expect(new Uint8Array(await part.arrayBuffer())).toEqual(bytes.slice(40_000_000, 40_000_010))
})

test('an upload that is cut off leaves nothing', async () => {
  const { hostname, port } = new URL(server.url)
  const lines = [
    `PUT ${API}/artifacts/1/r/artifacts/cut.bin HTTP/1.1`,
    `host: ${hostname}`,
    `authorization: Bearer ${secrets.deploy}`,
    ...['content-length: 1000000', '', ''],
  ]
  const incoming = () => readdirSync(join(data, 'incoming'))
  const socket = connect(Number(port), hostname)
  socket.write(lines.join('\r\n'))
  socket.write(Buffer.alloc(200_000))
  await eventually(async () => incoming().length === 1)

  socket.destroy()

  await eventually(async () => incoming().length === 0)
  expect((await ask('GET', `${API}/artifacts/1/r/artifacts/cut.bin`, 'read')).status).toBe(404)
})

test.each([
  ['who may not', 'read', `${API}/artifacts/1/a`, 'HTTP/1.1 403 Forbidden'],
  ['a bad path', 'deploy', `${API}/artifacts/1/%2e%2e/a`, 'HTTP/1.1 400 Bad Request'],
])('%s is told so while it still sends', async (_, scope, path, status) => {
  const { hostname, port } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  const lines = [`PUT ${path} HTTP/1.1`, `host: ${hostname}`, `authorization: Bearer ${secrets[scope]}`]
  let answer = ''
  socket.on('data', (chunk) => {
    answer += chunk
  })
  socket.write([...lines, ...['content-length: 50000000', '', '']].join('\r\n'))
  socket.write(Buffer.alloc(100_000))

  await eventually(async () => answer.endsWith('}'))
  socket.destroy()

  expect(answer.split('\r\n')[0]).toBe(status)
})

test('reading, writing and deleting are rights of their own', async () => {
  const file = `${API}/artifacts/rights/a`
  const answers = [
    ...[await ask('PUT', file, undefined, { body: 'x' }), await ask('PUT', file, 'read', { body: 'x' })],
    ...[
      await ask('PUT', file, 'deploy', { body: 'x' }),
      await ask('GET', file),
      await ask('GET', file, 'read'),
    ],
    ...[await ask('DELETE', file, 'read'), await ask('DELETE', file, 'deploy')],
  ].map(({ status }) => status)

  expect(answers).toEqual([401, 403, 200, 401, 200, 403, 200])
})

test('who has an address that was signed needs no key, on any gateway', async () => {
  const begun = { path: 'big.bin', num_parts: 2 }
  const created = (await askJson('POST', `${API}/mpu/create/mpu`, 'deploy', begun)) as Created
  const parts = []
  for (const { url, part_number } of created.credentials) {
    const answer = await fetch(url, {
      method: 'PUT',
      body: `part ${part_number} `,
      headers: { connection: 'close' },
    })
    parts.push({ part_number, etag: answer.headers.get('etag') })
  }
  const finished = { path: 'big.bin', upload_id: created.upload_id, parts }
  expect(await askJson('POST', `${API}/mpu/complete/mpu`, 'deploy', finished)).toEqual({})
  const signed = await ask('GET', `${API}/presigned/mpu/big.bin`, 'read')
  const { url } = (await signed.json()) as { url: string }

  expect(url.startsWith(`${server.url}${API}/signed/files/mpu/big.bin?`)).toBe(true)
  expect(await (await fetch(url)).text()).toBe('part 1 part 2 ')
  expect((await fetch(url.replace('big.bin', 'other.bin'))).status).toBe(403)
  expect((await fetch(url.replace('/signed/files/', '/artifacts/'))).status).toBe(401)
  expect((await fetch(url.replace('/signed/files/', '/signed/../artifacts/'))).status).toBe(401)
})
