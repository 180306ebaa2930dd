import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { post } from './post.ts'
import { receiverOf } from './receiver.ts'

const sent = { headers: {}, body: '{}', timeoutMs: 300 }

let server: Server
let port: number
let asked: string[]
beforeEach(async () => {
  asked = []
  server = createServer((request, response) => {
    asked.push(request.url!)
    if (request.url !== '/silent') response.writeHead(302, { location: '/elsewhere' }).end('x'.repeat(1000))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

test('answers the status of a redirect, and does not follow it', async () => {
  const receiver = receiverOf(`http://127.0.0.1:${port}/hook`, [`127.0.0.1:${port}`])!

  expect(await post(receiver, sent)).toBe(302)
  expect(asked).toEqual(['/hook'])
})

test('a receiver that says nothing is not waited for', async () => {
  const receiver = receiverOf(`http://127.0.0.1:${port}/silent`, [`127.0.0.1:${port}`])!

  await expect(post(receiver, sent)).rejects.toMatchObject({ code: 'ERR_SILENT' })
})

test.each([[['127.0.0.1']], [['1.1.1.1', '10.0.0.1']], [['169.254.169.254']], [['::ffff:127.0.0.1']]])(
  'a name that resolves to %j is not connected to',
  async (addresses) => {
    const resolve = ((_name: string, _options: object, done: (error: null, found: object[]) => void) =>
      done(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      )) as never
    const receiver = receiverOf(`https://hooks.example.com:${port}/`, [])!

    await expect(post(receiver, { ...sent, resolve })).rejects.toMatchObject({ code: 'ERR_NOT_PUBLIC' })
    expect(asked).toEqual([])
  },
)
