import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { grpcRoutes } from '../../packages/server/src/gateway/grpc/routes.ts'
import { listRoutes } from '../../tools/route-table.ts'
import { removeFolder, startMillwright, temporaryFolder } from '../support/millwright.ts'
import { rawPost } from '../support/raw.ts'
import { type Attack, expectRefusals, get, refusals } from './attack.ts'
import { BODY, PREDICT, ROW, type Target, treeOf } from './target.ts'

/** S1–S14: the network and what manages the server. */

const versions = (body: object, model = 'stolen'): string =>
  rawPost(`/api/v1/models/${model}/versions`, JSON.stringify(body))
const webhook = (url: string): string => rawPost(`${PREDICT}?async=1`, BODY, [`x-millwright-webhook: ${url}`])

const anything: unknown = new Proxy(() => anything, { get: () => anything, apply: () => anything })

/** Other ways to write an address. */
const ALIASES: readonly ((path: string) => string)[] = [
  (path) => path,
  (path) => `${path}/`,
  (path) => path.replaceAll('/', '//'),
  (path) => `/.${path}`,
  (path) => `/%2e${path}`,
  (path) => `/health/%2e%2e${path}`,
  (path) => path.replace(/[a-z]/, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
  (path) => path.toUpperCase(),
  (path) => `${path}?x=/health`,
  (path) => `${path};/health`,
  (path) => `http://localhost/health/..${path}`,
]

/** Addresses of the tree's listening sockets, as /proc tells them: `0100007F:1F90`. */
function listeningAddresses(root: number): string[] {
  const inodes = new Set(
    treeOf(root).flatMap((pid) =>
      readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
        try {
          return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? []
        } catch {
          return []
        }
      }),
    ),
  )
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/net/${table}`, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , state, , , , , , inode]) => state === '0A' && inodes.has(inode!))
      .map(([, local]) => local!.split(':')[0]!),
  )
}

const expectUntouched = async ({ trap }: { trap: { received: string[] } }, run: () => Promise<void>) => {
  const before = trap.received.length
  await run()
  expect(trap.received.slice(before)).toEqual([])
}

const mark = (): string =>
  join(tmpdir(), `millwright-attack-${process.pid}-${Math.random().toString(36).slice(2)}`)

export const MANAGEMENT: readonly Attack[] = [
  {
    number: 1,
    words: 'a model registered from an address makes the server call nobody and write nothing',
    run: (targets) =>
      expectUntouched(targets, async () => {
        const url = `http://127.0.0.1:${targets.trap.port}/model.mar`
        await expectRefusals(targets, [
          ['a url for a digest', versions({ digest: url }), 400, 'VALIDATION_FAILED'],
          ['a url beside it', versions({ url, digest: 'a'.repeat(64) }), 400, 'VALIDATION_FAILED'],
          ['TorchServe registers', rawPost(`/models?url=${url}`, ''), 405],
          [
            'Triton loads',
            rawPost(
              '/v2/repository/models/stolen/load',
              JSON.stringify({ parameters: { config: '{}', 'file:1/model.pt': url } }),
            ),
            501,
          ],
          ['an upload by address', get(`/api/v1/uploads?url=${url}`), 405],
        ])
      }),
  },
  refusals(2, 'a list of allowed addresses is not passed by "..", "@" or a name that only begins like one', [
    ...['http://hooks.example/../..', 'https://hooks.example'].map(
      (url) => ['allowed', webhook(url), 202] as const,
    ),
    ...[
      'http://hooks.example@127.0.0.1/',
      'http://127.0.0.1/../hooks.example',
      'http://hooks.example.evil.example/',
      'http://evil.example/hooks.example',
      'http://evil.example#hooks.example',
      'http://hooks.example:81/',
    ].map((url) => [url, webhook(url), 400, 'WEBHOOK_REFUSED'] as const),
  ]),
  {
    number: 3,
    words: 'nothing, gRPC neither, listens to more than this machine',
    run: async ({ running }) => {
      const addresses = listeningAddresses(running.child.pid!)

      expect(addresses.length).toBeGreaterThan(0)
      expect(new Set(addresses)).toEqual(new Set(['0100007F']))
    },
  },
  {
    number: 4,
    words: 'listening everywhere without a key is refused',
    run: async () => {
      const data = temporaryFolder()
      const refusal = await startMillwright({ data, args: ['--host', '0.0.0.0'] }).catch(String)
      removeFolder(data)

      expect(refusal).toContain('must send an API key, and there is no active one')
    },
  },
  {
    number: 5,
    words: 'jobs are accepted from, and told to, nobody without a key',
    run: ({ guarded }) =>
      expectRefusals(guarded, [
        ['accept', rawPost(`${PREDICT}?async=1`, BODY), 401, 'UNAUTHENTICATED'],
        ['prefer', rawPost(PREDICT, BODY, ['prefer: respond-async']), 401, 'UNAUTHENTICATED'],
        [
          'read',
          get('/api/v1/deployments/churn/jobs/job_01M8HFJZYB5CS0DE6W1FKESR4K'),
          401,
          'UNAUTHENTICATED',
        ],
      ]),
  },
  {
    number: 6,
    words:
      'a page of another site, and a name made to resolve here, are refused, whatever the browser says it is',
    run: (targets) => {
      const row = (what: string, lines: readonly string[], code: string) =>
        [
          what,
          rawPost(PREDICT, BODY, lines).replace(
            /host: localhost\r\n/,
            lines.some((line) => line.startsWith('host:')) ? '' : '$&',
          ),
          403,
          code,
        ] as const
      return expectRefusals(targets, [
        row('a rebound name', ['host: evil.example'], 'HOST_NOT_ALLOWED'),
        row('one like ours', ['host: localhost.evil.example'], 'HOST_NOT_ALLOWED'),
        row('a page', ['origin: https://evil.example'], 'FOREIGN_ORIGIN'),
        row('a sandboxed page', ['origin: null'], 'FOREIGN_ORIGIN'),
        row(
          'a page that says it is curl',
          ['origin: https://evil.example', 'user-agent: curl/8.0'],
          'FOREIGN_ORIGIN',
        ),
        row(
          'a page without an origin',
          ['sec-fetch-site: cross-site', 'sec-fetch-mode: no-cors'],
          'FOREIGN_ORIGIN',
        ),
      ])
    },
  },
  {
    number: 7,
    words: 'what stands in a query is run by no shell',
    run: async (targets) => {
      const file = mark()
      const shell = encodeURIComponent(`x;touch ${file};$(touch ${file})\`touch ${file}\`|touch ${file}`)
      const statuses = []
      for (const path of [
        `/api/v1/predictions?deployment=${shell}`,
        `/api/v1/predictions?id=${shell}&version=${shell}`,
        `/api/v1/events?limit=${shell}`,
        `/api/v1/models?cursor=${shell}`,
        `/api/v1/deployments/churn/jobs/${shell}?wait=${shell}`,
      ])
        statuses.push((await targets.send(get(path), { answers: 1 }))[0]!.status)

      expect(statuses.filter((status) => status >= 500)).toEqual([])
      expect(existsSync(file)).toBe(false)
    },
  },
  {
    number: 8,
    words: 'the way to control passes nothing on to another host',
    run: (targets) =>
      expectUntouched(targets, async () => {
        const { port } = targets.trap
        for (const target of [
          `http://127.0.0.1:${port}/api/v1/models`,
          `//127.0.0.1:${port}/`,
          `/api/v1/logs?url=http://127.0.0.1:${port}/`,
          `/log_proxy?url=http://127.0.0.1:${port}/`,
          `/@127.0.0.1:${port}/`,
        ])
          await targets.send(get(target, [`x-forwarded-host: 127.0.0.1:${port}`]), { answers: 1 })
        await targets.send(`CONNECT 127.0.0.1:${port} HTTP/1.1\r\nhost: localhost\r\n\r\n`, {
          quietMs: 1_000,
        })
      }),
  },
  {
    number: 9,
    words: 'no alias of a route, and no twin of it over gRPC, is open without a key',
    run: ({ guarded }) => expectClosed(guarded),
  },
  {
    number: 10,
    words: 'an address among the values is a value: it is not fetched',
    run: (targets) =>
      expectUntouched(targets, async () => {
        const url = `http://127.0.0.1:${targets.trap.port}/latest/meta-data`
        const row = { ...JSON.parse(ROW), total_orders: url }
        await expectRefusals(targets, [
          ['native', rawPost(PREDICT, JSON.stringify({ row })), 400, 'VALIDATION_FAILED'],
          [
            'V1',
            rawPost(
              '/v1/models/churn:predict',
              JSON.stringify({ instances: [{ ...row, image: { uri: url } }] }),
            ),
            400,
          ],
          [
            'V2',
            rawPost(
              '/v2/models/churn/infer',
              JSON.stringify({
                inputs: [{ name: 'x', datatype: 'BYTES', shape: [1, 4], data: [url, url, url, url] }],
              }),
            ),
            400,
          ],
          ['MLflow', rawPost('/invocations', JSON.stringify({ inputs: url })), 400],
          ['TorchServe', rawPost('/predictions/churn', JSON.stringify({ url })), 400],
        ])
      }),
  },
  refusals(
    11,
    'answers are posted to no address of the inside, however it is written',
    [
      'http://169.254.169.254/latest/meta-data/',
      'http://[::ffff:169.254.169.254]/',
      'http://2852039166/',
      'http://0xa9fea9fe/',
      'http://0251.0376.0251.0376/',
      'http://127.0.0.1/',
      'http://[::1]/',
      'http://0/',
      'http://metadata.google.internal/',
      'file:///etc/passwd',
      'gopher://hooks.example/',
      'unix:/run/control.sock',
      'javascript:alert(1)',
      'hooks.example',
    ].map((url) => [url, webhook(url), 400, 'WEBHOOK_REFUSED'] as const),
  ),
  {
    number: 12,
    words: 'callers set no path of a log, and write no line into it',
    run: async (targets) => {
      const file = mark()
      const settings = (path: string, body: object) => rawPost(path, JSON.stringify(body))
      await expectRefusals(targets, [
        ['the log', settings('/v2/logging', { log_file: file }), 400],
        ['traces', settings('/v2/trace/setting', { trace_file: file }), 400],
        ['traces of a model', settings('/v2/models/churn/trace/setting', { trace_file: file }), 400],
        ['an escape in a name', rawPost('/predict/%1b%5b31mred%0d%0aforged', ROW), 404],
        ['an escape in an address', get('/forged%0d%0aline%1b%5b2J'), 404],
      ])
      await targets.send(get('/health', ['request-id: a\x1b[31mred']), { answers: 1 })

      expect(existsSync(file)).toBe(false)
      const written = targets.running.output()
      expect(['\x1b[31m', '\x1b[2J', '\nforged', '\nline'].filter((text) => written.includes(text))).toEqual(
        [],
      )
    },
  },
  {
    number: 13,
    words: 'no error tells an inner name, and no memory of the server can be named',
    run: async (targets) => {
      const region = (kind: string) => `/v2/${kind}sharedmemory/region/x/register`
      await expectRefusals(targets, [
        [
          'system',
          rawPost(
            region('system'),
            '{"key":"/triton_python_backend_shm_region_1","offset":0,"byte_size":64}',
          ),
          400,
        ],
        ['cuda', rawPost(region('cuda'), '{"raw_handle":{"b64":"AA=="},"device_id":0,"byte_size":64}'), 400],
        [
          'a tensor in it',
          rawPost(
            '/v2/models/churn/infer',
            '{"inputs":[{"name":"x","datatype":"FP64","shape":[1,4],"parameters":{"shared_memory_region":"x","shared_memory_byte_size":32}}]}',
          ),
          400,
        ],
      ])
      const status = (await targets.send(get('/v2/systemsharedmemory/status'), { answers: 1 }))[0]!

      expect(status.body).toBe('[]')
    },
  },
  {
    number: 14,
    words: 'a name with "..", a slash, NUL or too many letters is refused before any path is made of it',
    run: async (targets) => {
      const names = [
        '..',
        '.',
        '%2e%2e',
        '..%2f..%2fetc',
        '%2fetc%2fpasswd',
        'a%00b',
        'x'.repeat(129),
        'file:%2f%2fx',
        '-x',
        '%ff',
      ]
      const found = []
      for (const name of names)
        for (const request of [
          versions({ digest: 'a'.repeat(64) }, name),
          rawPost(`/api/v1/deployments/${name}/predict`, BODY),
          rawPost(`/v2/models/${name}/versions/${name}/infer`, '{}'),
          rawPost(`/v2/repository/models/${name}/load`, '{}'),
          get(`/api/v1/models/${name}/versions/1`),
          get(`/api/v1/deployments/${name}/jobs/${name}`),
          rawPost('/api/v1/deployments', JSON.stringify({ name: decode(name), model: 'churn', version: 1 })),
        ])
          found.push((await targets.send(request, { answers: 1 }))[0]?.status)

      expect(found.filter((status) => status === undefined || status < 400 || status >= 500)).toEqual([])
      const kept = readdirSync(targets.running.data, { recursive: true, encoding: 'utf8' })
      expect(kept.filter((path) => /passwd|\.\./.test(path))).toEqual([])
    },
  },
]

function decode(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

async function expectClosed(guarded: Target): Promise<void> {
  const { gateway, control } = await listRoutes()
  const samples: Readonly<Record<string, string>> = { version: '1', alias: 'production', key: 'key_none' }
  const open: string[] = []
  const paths = new Set(
    [...gateway, ...control]
      .filter(({ permission }) => permission !== 'public')
      .map(({ path }) => path.replaceAll(/\{(\w+)\}/g, (_, name) => samples[name] ?? 'churn')),
  )
  for (const path of paths)
    for (const write of ALIASES) {
      const requests = ['GET', 'POST', 'PUT', 'DELETE'].map(
        (method) =>
          `${method} ${write(path)} HTTP/1.1\r\nhost: localhost\r\naccept: text/html\r\nx-http-method-override: GET\r\nx-original-url: ${path}\r\ncontent-length: 0\r\n\r\n`,
      )
      const answers = await guarded.send(requests.join(''), { answers: requests.length })
      const wrong = answers.filter(({ status }) => status !== 401)
      if (wrong.length > 0 || answers.length !== requests.length)
        open.push(`${write(path)}: ${answers.map(({ status }) => status)}`)
    }
  const client = guarded.grpc()
  const rpcs = grpcRoutes(anything as never).filter(({ permission }) => permission !== 'public')
  for (const { path } of rpcs) {
    const answer = await client.callBytes(path, Buffer.alloc(0)).answer
    if (Buffer.isBuffer(answer) || answer.code !== 16) open.push(path)
  }
  client.close()

  expect(paths.size).toBeGreaterThan(60)
  expect(rpcs.length).toBeGreaterThan(15)
  expect(open).toEqual([])
}
