import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { createBodyReader } from './body.ts'

let server: Server
afterEach(() => void server.close().closeAllConnections())

test('a body that drips in is cut off, others are read meanwhile', async () => {
  let gone = 0
  const bodies = createBodyReader({ onGone: () => void gone++, timeoutMs: 200, most: 100, sweepMs: 20 })
  const read: string[] = []
  server = createServer((request, response) => {
    bodies.read({ request, startedAt: performance.now() }, 100, (_error, body) => {
      read.push(body.toString())
      response.end('ok')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const head = (length: number) =>
    `POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n`

  const slow = connect(port, '127.0.0.1')
  slow.on('error', () => {})
  const dripping = setInterval(() => slow.write('.'), 10)
  slow.write(head(99))
  const quick = connect(port, '127.0.0.1')
  quick.write(`${head(5)}hello`)
  const [answer] = await once(slow, 'data')
  clearInterval(dripping)
  bodies.stop()

  expect(String(answer)).toMatch(/^HTTP\/1.1 408 /)
  expect(read).toEqual(['hello'])
  expect(gone).toBe(1)
})
