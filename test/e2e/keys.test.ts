import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  CHURN_ROW,
  cli,
  eventually,
  type Running,
  removeFolder,
  startMillwright,
  temporaryFolder,
} from '../support/millwright.ts'

let data: string
let server: Running | undefined

beforeEach(() => {
  data = temporaryFolder()
})
afterEach(async () => {
  await server?.stop()
  server = undefined
  removeFolder(data)
})

const EVERYWHERE = ['--host', '0.0.0.0']
const firstKey = async (): Promise<string> =>
  (await cli(['keys', 'create', 'root', '--scope', 'admin', '--data', data])).stdout.trim()

const predict = (secret?: string, url = server!.url) =>
  fetch(`${url}/api/v1/deployments/churn/predict`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      // Each request on a connection of its own, so that every gateway is asked.
      connection: 'close',
      ...(secret !== undefined && { authorization: `Bearer ${secret}` }),
    },
    body: JSON.stringify({ row: CHURN_ROW }),
  })

describe('listening everywhere', () => {
  test('without a key is refused, with the command that makes one', async () => {
    const refusal = await startMillwright({ data, args: EVERYWHERE }).catch((error: Error) => error.message)

    expect(refusal).toContain('ended with 1')
    expect(refusal).toContain('callers of 0.0.0.0 must send an API key, and there is no active one')
    expect(refusal).toContain(`millwright keys create admin --scope admin --data ${data}`)
  })

  test('is open to everyone when that is asked for', async () => {
    server = await startMillwright({ data, args: [...EVERYWHERE, '--open'] })
    const { status } = await fetch(`${server.url}/api/v1/models`)

    expect(status).toBe(200)
    expect(server.output()).toContain('EVERYONE who reaches the port, without a key')
  })

  test('with the first key that was made beside it: deploy, predict, and who did what', async () => {
    const secret = await firstKey()
    server = await startMillwright({ data, args: EVERYWHERE })
    const asRoot = { url: server.url, env: { MILLWRIGHT_API_KEY: secret, MILLWRIGHT_USER: 'mallory' } }
    const without = await cli(['status'], { url: server.url })
    const deployed = await cli(['deploy', 'examples/churn'], asRoot)
    const made = await cli(
      ['keys', 'create', 'shop', '--deployment', 'churn', '--scope', 'predict', '--json'],
      asRoot,
    )
    const shop = JSON.parse(made.stdout)
    const events = JSON.parse((await cli(['events', '--limit', '50', '--json'], asRoot)).stdout).data
    const answered = await predict(shop.secret)

    expect(without).toMatchObject({ code: 4, stderr: expect.stringContaining('MILLWRIGHT_API_KEY') })
    expect(deployed.code).toBe(0)
    expect(answered.status).toBe(200)
    expect(shop).toMatchObject({ kind: 'deployment', deployments: ['churn'] })
    expect(events.filter((event: { by: string }) => event.by.includes('mallory'))).toEqual([])
    expect(events.find((event: { type: string }) => event.type === 'deployment.deployed').by).toMatch(
      /^root \(key_/,
    )
    expect(events.at(-1)).toMatchObject({ type: 'key.created', by: 'whoever owns the data folder' })
    const written = server.output() + readFileSync(join(data, 'routing.json'), 'utf8')
    expect([secret, shop.secret].filter((text) => written.includes(text))).toEqual([])
  })
})

describe('a server that asks for keys', () => {
  let secret: string
  let asRoot: { url: string; env: NodeJS.ProcessEnv }

  beforeEach(async () => {
    secret = await firstKey()
    server = await startMillwright({ data, gateways: 3, env: { MILLWRIGHT_AUTH: 'required' } })
    asRoot = { url: server.url, env: { MILLWRIGHT_API_KEY: secret } }
    expect(await cli(['deploy', 'examples/churn'], asRoot)).toMatchObject({ code: 0 })
  })

  const statuses = async (key: string): Promise<number[]> =>
    Promise.all(Array.from({ length: 40 }, async () => (await predict(key)).status))

  test('takes a revoked key on no gateway any more once revoking is answered', async () => {
    const made = await cli(['keys', 'create', 'ci', '--scope', 'predict', '--json'], asRoot)
    const { id, secret: key } = JSON.parse(made.stdout)
    const before = await statuses(key)
    await cli(['keys', 'revoke', id], asRoot)
    const after = await statuses(key)

    expect(new Set(before)).toEqual(new Set([200]))
    expect(new Set(after)).toEqual(new Set([401]))
  })

  test('knows its keys while control is dead, and gateways that start meanwhile do too', async () => {
    const { control, gateways } = server!.pids()
    process.kill(control[0]!, 'SIGSTOP')
    try {
      process.kill(gateways[0]!, 'SIGKILL')
      await eventually(async () => server!.pids().gateways.length === 3)
      const answered = await eventually(async () => {
        const all = await statuses(secret).catch(() => [])
        return all.length > 0 && all
      })

      expect(new Set(answered)).toEqual(new Set([200]))
      expect((await predict('mws_0000000000000000000000000000001tZTBh')).status).toBe(401)
    } finally {
      process.kill(control[0]!, 'SIGCONT')
    }
  })

  test('makes no key beside itself while it runs', async () => {
    const { code, stderr } = await cli(['keys', 'create', 'x', '--scope', 'read', '--data', data], asRoot)

    expect(code).toBe(1)
    expect(stderr).toContain('another millwright is running')
    expect(stderr).toContain('hint: that server can make it: leave out --data')
  })

  test('lists, rotates and refuses in words', async () => {
    const made = await cli(
      ['keys', 'create', 'ana', '--kind', 'personal', '--scope', 'read', '--expires', '30d'],
      asRoot,
    )
    const id = /(key_\w+) \(ana\)/.exec(made.stderr)![1]!
    const rotated = await cli(['keys', 'rotate', id, '--overlap', '0'], asRoot)
    const list = await cli(['keys', 'list'], asRoot)
    const wrong = await cli(['keys', 'create', 'x', '--scope', 'root'], asRoot)
    const statusWith = async (key: string) =>
      (await fetch(`${server!.url}/api/v1/status`, { headers: { 'x-api-key': key } })).status

    expect(made.stdout).toMatch(/^mwp_[0-9A-Za-z]{36}\n$/)
    expect([await statusWith(made.stdout.trim()), await statusWith(rotated.stdout.trim())]).toEqual([
      401, 200,
    ])
    expect(list.stdout).toMatch(new RegExp(`${id} +ana +personal +mwp_.* +expired`))
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('--scope takes predict, read') })
  })
})

test('a key for a data folder that is none yet makes it; nothing of the request reaches a shell or a log', async () => {
  const folder = join(data, 'new')
  const bad = await cli(['keys', 'create', '$(touch x)', '--scope', 'admin', '--data', folder])
  const good = await cli(['keys', 'create', 'root', '--scope', 'admin', '--data', folder])

  expect(bad).toMatchObject({ code: 1, stdout: '' })
  expect(bad.stderr).toContain('not starting with a sign')
  expect(good.stdout).toMatch(/^mws_/)
})

test('with a certificate it speaks HTTPS, and the command line with it', async () => {
  const [key, cert] = [join(data, 'tls.key'), join(data, 'tls.crt')]
  const pair = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  execFileSync('openssl', ['req', ...pair, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' })
  const tls = { MILLWRIGHT_TLS_CERT: cert, MILLWRIGHT_TLS_KEY: key }
  const half = await startMillwright({ data, env: { MILLWRIGHT_TLS_CERT: cert } }).catch(
    (error: Error) => error.message,
  )
  const swapped = await startMillwright({
    data,
    env: { MILLWRIGHT_TLS_CERT: key, MILLWRIGHT_TLS_KEY: cert },
  }).catch((error: Error) => error.message)

  server = await startMillwright({ data, env: tls })
  const status = await cli(['status', '--json'], { url: server.url, env: { NODE_EXTRA_CA_CERTS: cert } })

  expect(half).toContain('MILLWRIGHT_TLS_CERT and MILLWRIGHT_TLS_KEY go together; the key is missing')
  expect(swapped).toContain('are not a certificate and its private key')
  expect(server.url).toMatch(/^https:/)
  expect(JSON.parse(status.stdout)).toMatchObject({ log: { segments: expect.any(Number) } })
})
