import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { expect, test } from 'vitest'

/** Which package may import which. Whoever is not named imports nothing of ours. */
const PACKAGE_ARROWS: Readonly<Record<string, readonly string[]>> = {
  contracts: [],
  engine: [],
  stats: [],
  client: ['contracts'],
  runtime: ['engine'],
  inference: ['contracts', 'engine'],
  server: ['contracts', 'engine', 'inference', 'runtime'],
  cli: ['contracts', 'client', 'engine', 'inference', 'runtime', 'stats'],
}

/** Folders of the server that each folder may import; files beside the folders are for all. */
const SERVER_ARROWS: Readonly<Record<string, readonly string[]>> = {
  access: ['routing'],
  inference: [],
  metrics: [],
  routing: [],
  segments: [],
  blobs: [],
  channel: [],
  db: [],
  supervisor: ['access', 'db'],
  events: ['db'],
  outgoing: [],
  webhooks: ['db', 'events', 'outgoing', 'tracking'],
  registry: ['access', 'db', 'blobs', 'events', 'deployments', 'inference', 'promotion', 'webhooks'],
  'keyed-answers': ['blobs'],
  promotion: ['db', 'events', 'registry', 'tracking'],
  deployments: ['db', 'events', 'registry', 'promotion', 'inference', 'keyed-answers', 'routing'],
  keys: ['db', 'events', 'deployments', 'access', 'routing', 'tracking'],
  tracking: ['db'],
  artifacts: ['db', 'blobs', 'tracking'],
  registered: [
    ...['db', 'blobs', 'tracking', 'artifacts', 'registry', 'deployments', 'promotion', 'events', 'webhooks'],
    'access',
  ],
  mlflow: [
    ...['db', 'blobs', 'events', 'tracking', 'artifacts', 'registered', 'access', 'deployments', 'registry'],
    ...['outgoing', 'webhooks'],
  ],
  collection: ['artifacts', 'blobs', 'db', 'deployments', 'events', 'mlflow', 'registry'],
  imports: ['artifacts', 'db', 'events', 'mlflow', 'registered', 'registry', 'tracking'],
  runs: ['artifacts', 'db', 'events', 'mlflow', 'tracking'],
  predictions: ['segments'],
  gateway: [
    'access',
    'channel',
    'inference',
    'keyed-answers',
    'metrics',
    'routing',
    'segments',
    'blobs',
    'supervisor',
    'outgoing',
  ],
  control: [
    'access',
    'channel',
    'db',
    'blobs',
    'collection',
    'events',
    'imports',
    'registry',
    'deployments',
    'artifacts',
    'mlflow',
    'keys',
    'predictions',
    'promotion',
    'tracking',
    'metrics',
    'routing',
    'runs',
    'segments',
    'supervisor',
    'outgoing',
    'webhooks',
  ],
}

const PACKAGES = resolve(import.meta.dirname, '../packages')
const IMPORT = /(?:from|import)\s*\(?\s*'([^'\n]+)'/g

type Import = { readonly file: string; readonly target: string }

const files = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(folder, file))

const importsOf = (file: string): Import[] =>
  [...readFileSync(file, 'utf8').matchAll(IMPORT)].map((match) => ({ file, target: match[1]! }))

const sources = Object.keys(PACKAGE_ARROWS).map((name) => ({
  name,
  files: files(join(PACKAGES, name, 'src')),
}))

test('packages import only what their arrow allows', () => {
  const wrong = sources.flatMap(({ name, files }) =>
    files.flatMap(importsOf).filter(({ file, target }) => {
      const ours = /^@millwright\/([a-z]+)$/.exec(target)?.[1]
      if (ours !== undefined) return !PACKAGE_ARROWS[name]!.includes(ours)
      return (
        target.startsWith('.') &&
        relative(join(PACKAGES, name), resolve(dirname(file), target)).startsWith('..')
      )
    }),
  )

  expect(wrong).toEqual([])
})

test('folders of the server import only what their arrow allows', () => {
  const root = join(PACKAGES, 'server/src')
  const wrong = files(root)
    .filter((file) => !file.endsWith('.test.ts'))
    .flatMap(importsOf)
    .filter(({ file, target }) => {
      if (!target.startsWith('.')) return false
      const [from, ...rest] = relative(root, file).split('/')
      const to = relative(root, resolve(dirname(file), target)).split('/')
      if (rest.length === 0 || to.length < 2 || to[0] === from) return false
      return !(SERVER_ARROWS[from!] ?? []).includes(to[0]!)
    })

  expect(wrong.map(({ file, target }) => `${relative(root, file)} → ${target}`)).toEqual([])
})

test('the engine needs no package, and Node only where it says so', () => {
  const root = join(PACKAGES, 'engine/src')
  const allowed: Record<string, readonly string[]> = {
    'platform/node.ts': ['node:zlib', 'node:crypto'],
    'sandbox/compile-file.ts': ['node:child_process'],
  }
  const wrong = files(root)
    .filter((file) => !file.endsWith('.test.ts'))
    .flatMap(importsOf)
    .filter(
      ({ file, target }) =>
        !target.startsWith('.') && target !== '#platform' && !allowed[relative(root, file)]?.includes(target),
    )

  expect(wrong).toEqual([])
})
