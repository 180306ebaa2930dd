import { type IncomingHttpHeaders, request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SCOPE_TABLE, SCOPES, type Scope } from '../../packages/contracts/src/scopes.ts'
import { SIGNED_PATHS } from '../../packages/server/src/access/signed-paths.ts'
import { type ListedRoute, listRoutes } from '../../tools/route-table.ts'
import { cli, type Running, removeFolder, startMillwright, temporaryFolder } from '../support/millwright.ts'

const data = temporaryFolder()
const secrets = new Map<Scope, string>()
let server: Running
let routes: ListedRoute[]

const newKey = async (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> =>
  (await cli(['keys', 'create', ...args], { url: server?.url, env })).stdout.trim()

beforeAll(async () => {
  const { gateway, control } = await listRoutes()
  routes = [...gateway, ...control]
  secrets.set('admin', await newKey(['root', '--scope', 'admin', '--data', data]))
  server = await startMillwright({ data, env: { MILLWRIGHT_AUTH: 'required' } })
  const env = { MILLWRIGHT_API_KEY: secrets.get('admin') }
  for (const scope of SCOPES)
    if (scope !== 'admin') secrets.set(scope, await newKey([scope, '--scope', scope], env))
  await cli(['deploy', 'examples/churn'], { url: server.url, env })
})
afterAll(async () => {
  await server?.stop()
  removeFolder(data)
})

type Asked = { readonly secret?: string | undefined; readonly headers?: Record<string, string> }
type Answered = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: string }

/** The one page at an address where a dialect answers those who ask for no page. */
const HOME = /^\/+(?:[?#]|$)/

/** Sends the path as it is: `fetch` would tidy it up. */
function ask(method: string, path: string, { secret, headers = {} }: Asked = {}): Promise<Answered> {
  const { hostname, port } = new URL(server.url)
  return new Promise((resolve, reject) => {
    const authorization = secret === undefined ? {} : { authorization: `Bearer ${secret}` }
    const asked = request(
      {
        hostname,
        port,
        method,
        path,
        headers: { accept: HOME.test(path) ? 'text/html' : '*/*', ...authorization, ...headers },
      },
      (answer) => {
        let body = ''
        answer.on('data', (chunk) => {
          body += chunk
        })
        answer.on('end', () => resolve({ status: answer.statusCode!, headers: answer.headers, body }))
      },
    )
    asked.on('error', reject)
    asked.end()
  })
}

/** Names of things there are, so that what is refused is refused for the key alone. */
const SAMPLES: Readonly<Record<string, string>> = { version: '1', alias: 'production', key: 'key_none' }
const addressOf = (path: string): string =>
  path.replaceAll(/\{(\w+)\}/g, (_, name) => SAMPLES[name] ?? 'churn')
const eachMethod = () =>
  routes.flatMap(({ path, methods, permission }) =>
    methods.map((method) => ({ method, path: addressOf(path), permission })),
  )
const guarded = () => eachMethod().filter(({ permission }) => permission !== 'public')

/** Other ways to write an address. */
const ALIASES: Readonly<Record<string, (path: string) => string>> = {
  'a slash behind': (path) => `${path}/`,
  'double slashes': (path) => path.replaceAll('/', '//'),
  'a slash more in front': (path) => `/${path}`,
  'an encoded letter': (path) => path.replace(/[a-z]/, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
  'an encoded slash': (path) => `/${path.slice(1).replace('/', '%2f')}`,
  'a dot folder': (path) => `/.${path}`,
  'an encoded dot folder': (path) => `/%2e${path}`,
  'a folder up': (path) => `/health/..${path}`,
  'an encoded folder up': (path) => `/health/%2e%2e${path}`,
  capitals: (path) => path.toUpperCase(),
  'a query': (path) => `${path}?x=/health`,
  'a fragment': (path) => `${path}#/health`,
  'a parameter': (path) => `${path};/health`,
  'a whole address': (path) => `http://localhost/health/..${path}`,
}

const DIALECT: Asked = { headers: { accept: '*/*' } }

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']

describe('without a key', () => {
  test('every route but health answers 401 to every method', async () => {
    const paths = [...new Set(guarded().map(({ path }) => path))]
    const wrong: string[] = []
    for (const path of paths)
      for (const method of METHODS) {
        const { status, headers } = await ask(method, path)
        if (status !== 401 || headers['www-authenticate'] === undefined)
          wrong.push(`${method} ${path} ${status}`)
      }

    expect(paths.length).toBeGreaterThan(25)
    expect(wrong).toEqual([])
  })

  test.each(Object.entries(ALIASES))('no route is reached by %s', async (_, write) => {
    const wrong: string[] = []
    for (const { method, path } of guarded()) {
      const { status } = await ask(method, write(path))
      if (status !== 401) wrong.push(`${method} ${write(path)} ${status}`)
    }

    expect(wrong).toEqual([])
  })

  test('that the server lives and which it is is told, and nothing beside it', async () => {
    const open = eachMethod().filter(({ permission }) => permission === 'public')
    const told = open.filter(({ path }) => !path.startsWith(SIGNED_PATHS))
    const signed = open.filter(({ path }) => path.startsWith(SIGNED_PATHS))
    const statuses = async (some: typeof open) =>
      new Set(
        await Promise.all(some.map(async ({ method, path }) => (await ask(method, path, DIALECT)).status)),
      )

    expect(new Set(told.map(({ path }) => path))).toEqual(
      new Set([
        ...['/health', '/health/live', '/health/ready', '/v2/health/live', '/v2/health/ready'],
        ...['/', '/ping', '/ping/', '/version'],
      ]),
    )
    expect(await statuses(told)).toEqual(new Set([200]))
    expect(signed.map(({ method }) => method).sort()).toEqual(['GET', 'HEAD', 'PUT'])
    expect(await statuses(signed)).toEqual(new Set([403]))
  })

  test.each([
    'x-http-method-override',
    'x-http-method',
    'x-method-override',
    'x-original-url',
    'x-rewrite-url',
  ])('header %s changes nothing', async (name) => {
    const answers = [
      await ask('POST', '/api/v1/models', { headers: { [name]: 'GET' } }),
      await ask('GET', '/health/live', { headers: { [name]: '/api/v1/models' } }),
      await ask('POST', '/health/live', { headers: { [name]: 'GET' } }),
    ]

    expect(answers.map(({ status }) => status)).toEqual([401, 200, 401])
  })
})

describe('with a key of another scope', () => {
  test('every route answers 403 and names the scope', async () => {
    const wrong: string[] = []
    for (const { method, path, permission } of guarded())
      for (const [scope, secret] of secrets) {
        if (SCOPE_TABLE[scope].allows.includes(permission as Scope)) continue
        const { status, body } = await ask(method, path, { secret })
        const isNamed = method === 'HEAD' || body.includes(`scope \\"${permission}\\"`)
        if (status !== 403 || !isNamed) wrong.push(`${method} ${path} with ${scope}: ${status}`)
      }

    expect(wrong).toEqual([])
  })

  test.each(Object.entries(ALIASES))('no route is reached by %s', async (_, write) => {
    const wrong: string[] = []
    for (const { method, path, permission } of guarded()) {
      const scope = permission === 'predict' ? 'read' : 'predict'
      const { status } = await ask(method, write(path), { secret: secrets.get(scope) })
      if (status < 400) wrong.push(`${method} ${write(path)} ${status}`)
    }

    expect(wrong).toEqual([])
  })
})

test('with a key of its scope no route answers 401 or 403', async () => {
  const wrong: string[] = []
  for (const { method, path, permission } of guarded()) {
    const { status } = await ask(method, path, { secret: secrets.get(permission as Scope) })
    if (status === 401 || status === 403) wrong.push(`${method} ${path} ${status}`)
  }

  expect(wrong).toEqual([])
})

test('the routes that were asked are all that the server describes', async () => {
  const { body } = await ask('GET', '/openapi.json', { secret: secrets.get('read') })
  const described = Object.entries<object>(JSON.parse(body).paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${addressOf(path)}`),
  )
  const asked = new Set(eachMethod().map(({ method, path }) => `${method} ${path}`))

  expect(described.filter((route) => !asked.has(route))).toEqual([])
})
