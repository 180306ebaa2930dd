import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RELAYED } from '../channel/relayed.ts'
import { listenForRelays } from '../control/relay.ts'
import { openSharedControl } from '../control/testing.ts'
import { createRelay } from '../gateway/relay.ts'
import { createKey } from '../keys/create.ts'
import { ARTIFACT_ROUTES } from './artifact-routes.ts'
import { MLFLOW_ROUTES } from './door.ts'

/** Keys for one experiment and one model, against everything of another. */

const API = '/api/2.0/mlflow'
const FILES = '/api/2.0/mlflow-artifacts'

const secrets: Record<string, string> = {}
type Place = { experiment: string; run: string; logged: string; model: string }
let own: Place
let foreign: Place

type Asked = { readonly key?: string; readonly body?: unknown; readonly text?: string }

async function ask(method: string, url: string, { key = 'bound', body, text }: Asked = {}) {
  const reply = await control.app.inject({
    ...{ method: method as 'GET', url },
    headers: {
      authorization: `Bearer ${secrets[key]}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { payload: JSON.stringify(body) }),
    ...(text !== undefined && { payload: text }),
  })
  return { status: reply.statusCode, body: reply.body, json: () => JSON.parse(reply.body) }
}
const admin = async (path: string, body: unknown) =>
  (await ask('POST', `${API}/${path}`, { key: 'admin', body })).json()

async function createPlace(name: string): Promise<Place> {
  const { experiment_id: experiment } = await admin('experiments/create', { name })
  const { run } = await admin('runs/create', { experiment_id: experiment })
  const { model } = await admin('logged-models', { experiment_id: experiment, name })
  const logged = model.info.model_id as string
  await ask('PUT', `${FILES}/artifacts/${experiment}/${run.info.run_id}/artifacts/a.txt`, {
    ...{ key: 'admin', text: name },
  })
  await ask('PUT', `${FILES}/artifacts/${experiment}/models/${logged}/artifacts/MLmodel`, {
    ...{ key: 'admin', text: 'flavors: {}' },
  })
  await admin('registered-models/create', { name })
  await admin('model-versions/create', { name, source: `models:/${logged}`, model_id: logged })
  await admin('registered-models/alias', { name, alias: 'best', version: '1' })
  return { experiment, run: run.info.run_id, logged, model: name }
}

const makeKey = async (name: string, more: object) => {
  const key = await createKey(control.context, {
    name,
    kind: 'service',
    scopes: ['deploy'],
    by: 'test',
    ...more,
  })
  secrets[name] = key.secret
}

const access = { boundToLoopback: false, loginRequired: true, allowedHosts: [] }
const { control, close, folder } = await openSharedControl({ access })
afterAll(close)
beforeAll(async () => {
  await makeKey('admin', { scopes: ['admin'] })
  own = await createPlace('own')
  foreign = await createPlace('foreign')
  await makeKey('bound', { experiments: ['own'], models: ['own'] })
  await makeKey('experiment', { experiments: [own.experiment] })
  await makeKey('model', { models: ['own'] })
  await makeKey('predict', { scopes: ['predict'] })
})

/** Fields of requests that say what they are about, and others that must be there. */
const bodyOf = ({ experiment, run, logged, model }: Place): Record<string, unknown> => ({
  ...{ experiment_id: experiment, run_id: run, model_id: logged, name: model, experiment_name: model },
  ...{ run_ids: [run], metric_key: 'm', key: 'k', value: '1', timestamp: 1, new_name: model },
  ...{ version: '1', alias: 'best', stage: 'None', source: `models:/${logged}`, source_run_id: run },
  ...{ model_json: '{}', tag_key: 'k', tags: [], params: [], models: [], datasets: [] },
  ...{ path: 'a.txt', num_parts: 1, upload_id: 'x', parts: [{ part_number: 1, etag: 'e' }] },
})

function requestOf(method: string, path: string, place: Place) {
  const body: Record<string, unknown> = bodyOf(place)
  const url = path.replaceAll(/\{(\w+)\}/g, (_, name) => String(body[name] ?? 'none'))
  if (path.endsWith('/log-metric')) body.value = 1
  if (path.startsWith('logged-models') || path.includes('/logged-models/')) body.status = 'LOGGED_MODEL_READY'
  if (/runs\/outputs|log-inputs/.test(path)) body.models = [{ model_id: place.logged, step: 0 }]
  if (path.endsWith('get-history-bulk')) body.run_id = [place.run]
  if (!['GET', 'HEAD'].includes(method)) return { url, body }
  const { experiment_id, run_id, model_id, name, experiment_name, run_ids, metric_key, version, alias } = body
  const query = new URLSearchParams()
  const given = {
    ...{ experiment_id, run_id, model_id, name, experiment_name },
    ...{ run_ids, metric_key, version, alias },
  }
  for (const [field, value] of Object.entries(given))
    for (const one of [value].flat()) query.append(field, String(one))
  query.append('path', 'a.txt')
  return { url: `${url}?${query}` }
}

const rows = MLFLOW_ROUTES.flatMap(({ methods, path, about, permission }) =>
  methods.map((method) => ({ method, path, about, permission })),
)
const prefixes = ['/api/2.0/mlflow', '/api/3.0/mlflow', '/ajax-api/2.0/mlflow', '/ajax-api/3.0/mlflow']

describe('every row of the protocol', () => {
  test.each(prefixes)('below %s refuses a key for another experiment and model', async (prefix) => {
    const wrong: string[] = []
    for (const { method, path, about } of rows.filter(({ about }) => typeof about === 'function')) {
      const { url, body } = requestOf(method, `${prefix}/${path}`, foreign)
      const { status, json } = await ask(method, url, { body })
      if (status !== 403 || json().error_code !== 'PERMISSION_DENIED')
        wrong.push(`${method} ${path} ${status} ${about}`)
    }

    expect(wrong).toEqual([])
  })

  test('refuses a key that lacks its scope', async () => {
    const wrong: string[] = []
    for (const { method, path } of rows) {
      const { url, body } = requestOf(method, `${API}/${path}`, own)
      const { status, json } = await ask(method, url, { key: 'predict', body })
      if (status !== 403 || json().error_code !== 'PERMISSION_DENIED')
        wrong.push(`${method} ${path} ${status}`)
    }

    expect(wrong).toEqual([])
  })

  test('is known to be about nothing, about many, or about something', () => {
    const named = (about: string) => rows.filter((row) => row.about === about).map(({ path }) => path)

    expect(named('anyone')).toEqual(['server-info'])
    expect(named('listed').sort()).toEqual([
      ...['experiments/search', 'experiments/search', 'experiments/search-datasets', 'logged-models/search'],
      ...['model-versions/search', 'registered-models/search', 'runs/search'],
    ])
  })

  test('answers a key for its own experiment and model, but what is about everything', async () => {
    const refused: string[] = []
    for (const { method, path, permission } of rows) {
      if (permission === 'admin' || /delete|rename/.test(path) || method === 'DELETE') continue
      const { url, body } = requestOf(method, `${API}/${path}`, own)
      const { status } = await ask(method, url, { body })
      if (status === 403) refused.push(path)
    }

    expect(refused).toEqual(['experiments/create'])
  })
})

test('every relayed call refuses a key for another experiment, and answers it for its own', async () => {
  const path = join(folder, 'relay.sock')
  await listenForRelays(control.relay, path)
  const relay = createRelay(path)
  const wrong: string[] = []
  for (const { method, path: full } of RELAYED) {
    const isListed = full.endsWith('/search')
    const isNew = full.endsWith('/update')
    for (const place of [own, foreign]) {
      const { url, body } = requestOf(method, full, place)
      const headers = {
        ...{ host: 'localhost', 'content-type': 'application/json' },
        authorization: `Bearer ${secrets.bound}`,
      }
      const sent = isNew ? { run_id: place.run } : { ...body, max_results: 5 }
      const { code } = await relay.ask({ method, url, id: 'r', headers }, Buffer.from(JSON.stringify(sent)))
      if (code !== (place === own || isListed ? 200 : 403))
        wrong.push(`${method} ${full} ${place.model} ${code}`)
    }
  }
  relay.close()

  expect(RELAYED.length).toBeGreaterThan(20)
  expect(wrong).toEqual([])
})

describe('every row of files', () => {
  const files = ARTIFACT_ROUTES.flatMap((row) => row.methods.map((method) => ({ ...row, method })))
  const restOf = (path: string, place: Place): string => {
    const root = `${place.experiment}/${place.run}/artifacts`
    if (path.includes('logged-models')) return `${place.logged}/artifacts/files`
    return path.includes('/mpu/') ? root : `${root}/a.txt`
  }
  const askFile = (method: string, path: string, place: Place) => {
    const { url, body } = requestOf(method, path.replace('*', restOf(path, place)), place)
    const folder = `${place.experiment}/${place.run}/artifacts`
    const isList = path.endsWith('mlflow-artifacts/artifacts')
    const address = isList
      ? `${path}?path=${folder}`
      : `${url}${url.includes('?') ? '&' : '?'}run_uuid=${place.run}`
    return ask(method, address, { body })
  }

  test('is about something, unless its address is signed', () => {
    const open = files.filter(({ about }) => about === 'anyone')

    expect(new Set(open.map(({ permission }) => permission))).toEqual(new Set(['public']))
    expect(new Set(open.map(({ path }) => path.split('/').at(-2)))).toEqual(new Set(['parts', 'files']))
  })

  test('refuses a key for another experiment and model', async () => {
    const wrong: string[] = []
    for (const { method, path } of files.filter(({ about }) => about !== 'anyone')) {
      const { status } = await askFile(method, path, foreign)
      if (status !== 403) wrong.push(`${method} ${path} ${status}`)
    }

    expect(wrong).toEqual([])
  })

  test('answers a key for its own', async () => {
    const wrong: string[] = []
    for (const { method, path } of files.filter(({ about }) => about !== 'anyone')) {
      const { status } = await askFile(method, path, own)
      if (status === 403) wrong.push(`${method} ${path} ${status}`)
      if (method === 'DELETE') await ask('PUT', `${FILES}/artifacts/${restOf('', own)}`, { text: 'own' })
    }

    expect(wrong).toEqual([])
  })

  test.each(['', '?path=', '?path=registry'])(
    'the root of all files (%j) belongs to nobody',
    async (rest) => {
      expect((await ask('GET', `${FILES}/artifacts${rest}`)).status).toBe(403)
    },
  )
})

describe('a key for a model alone', () => {
  test('reads the files that its versions are made of, and writes none', async () => {
    const path = `${FILES}/artifacts/${own.experiment}/models/${own.logged}/artifacts/MLmodel`
    const read = await ask('GET', path, { key: 'model' })
    const written = await ask('PUT', path, { key: 'model', text: 'x' })
    const beside = await ask('GET', `${FILES}/artifacts/${own.experiment}/${own.run}/artifacts/a.txt`, {
      key: 'model',
    })

    expect([read.status, written.status, beside.status]).toEqual([200, 403, 403])
  })

  test('sees no runs, and is told of no experiment', async () => {
    const runs = await ask('POST', `${API}/runs/search`, {
      key: 'model',
      body: { experiment_ids: ['1', '2'] },
    })
    const experiments = await ask('GET', `${API}/experiments/search?max_results=10`, { key: 'model' })
    const unknown = await ask('GET', `${API}/experiments/get?experiment_id=777`, { key: 'model' })
    const there = await ask('GET', `${API}/experiments/get?experiment_id=${own.experiment}`, { key: 'model' })

    expect([runs.json(), experiments.json()]).toEqual([{}, {}])
    expect([unknown.status, unknown.body]).toEqual([there.status, there.body])
    expect(there.status).toBe(403)
  })
})

describe('searches', () => {
  test('give what the key is good for, and fill their pages with it', async () => {
    for (let i = 0; i < 3; i++)
      for (const place of [own, foreign])
        await admin('runs/create', { experiment_id: place.experiment, start_time: i })
    const ids = { experiment_ids: [own.experiment, foreign.experiment], max_results: 4 }
    const runs = (await ask('POST', `${API}/runs/search`, { body: ids })).json().runs as {
      info: { experiment_id: string }
    }[]
    const names = async (path: string, of: string) =>
      (await ask('GET', `${API}/${path}/search?max_results=10`))
        .json()
        [of].map((one: { name: string }) => one.name)
    const models = await ask('POST', `${API}/logged-models/search`, { body: ids })

    expect(runs.map(({ info }) => info.experiment_id)).toEqual(
      Array.from({ length: 4 }, () => own.experiment),
    )
    expect(await names('experiments', 'experiments')).toEqual(['own'])
    expect(await names('registered-models', 'registered_models')).toEqual(['own'])
    expect(new Set(await names('model-versions', 'model_versions'))).toEqual(new Set(['own']))
    expect(models.json().models.every((one: { info: { name: string } }) => one.info.name === 'own')).toBe(
      true,
    )
  })
})

describe('a version', () => {
  const sources = (): readonly (readonly [string, object])[] => [
    ['a logged model', { source: `models:/${foreign.logged}` }],
    ['a version', { source: 'models:/foreign/1' }],
    ['an alias', { source: 'models:/foreign@best' }],
    ['a run', { source: `runs:/${foreign.run}/a.txt` }],
    ['a place', { source: `mlflow-artifacts:/${foreign.experiment}/${foreign.run}/artifacts` }],
    [
      'a place of a named host',
      { source: `mlflow-artifacts://host:1/${foreign.experiment}/${foreign.run}/artifacts` },
    ],
    ['a place of nobody', { source: 'mlflow-artifacts:/registry' }],
    ['the root', { source: 'mlflow-artifacts:/' }],
    ['a store', { source: 's3://bucket/model' }],
    ['a file', { source: 'file:///etc' }],
    ['a run beside its own', { source: `models:/${own.logged}`, run_id: foreign.run }],
    ['a model beside its own', { source: `models:/${own.logged}`, model_id: foreign.logged }],
    [
      'a prompt',
      {
        source: `mlflow-artifacts:/${foreign.experiment}/${foreign.run}/artifacts`,
        tags: [{ key: 'mlflow.prompt.is_prompt', value: 'true' }],
      },
    ],
  ]

  test('is not made of what the key may not read', async () => {
    const statuses: unknown[] = []
    for (const [what, change] of sources())
      statuses.push([
        what,
        (await ask('POST', `${API}/model-versions/create`, { body: { name: 'own', ...change } })).status,
      ])

    expect(statuses).toEqual(sources().map(([what]) => [what, 403]))
  })

  test('of its own is made', async () => {
    const body = { name: 'own', source: `models:/${own.logged}`, model_id: own.logged }

    expect((await ask('POST', `${API}/model-versions/create`, { body })).status).toBe(200)
  })
})

test('a model is renamed to no name of another key, nor over one', async () => {
  const to = (new_name: string) =>
    ask('POST', `${API}/registered-models/rename`, { body: { name: 'own', new_name } })

  expect([(await to('foreign')).status, (await to('free')).status]).toEqual([403, 403])
})

test('a metric is not noted of a model of another experiment', async () => {
  const metric = { run_id: own.run, key: 'm', value: 1, timestamp: 1, model_id: foreign.logged }
  const one = await ask('POST', `${API}/runs/log-metric`, { body: metric })
  const batch = await ask('POST', `${API}/runs/log-batch`, { body: { run_id: own.run, metrics: [metric] } })

  expect([one.status, batch.status]).toEqual([403, 403])
})

test('Millwright’s own routes answer for its model and take uploads, and refuse all else', async () => {
  const { paths } = (await ask('GET', '/openapi.json', { key: 'admin' })).json()
  const routes = Object.entries<Record<string, { security?: { bearer: string[] }[] }>>(paths)
    .filter(([path]) => path.startsWith('/api/v1/'))
    .flatMap(([path, operations]) =>
      Object.entries(operations)
        .filter(([, { security }]) => security?.[0]?.bearer[0] !== 'predict')
        .map(([method]) => [method.toUpperCase(), path] as const),
    )
  const answered: string[] = []
  for (const name of ['own', 'foreign'])
    for (const [method, path] of routes) {
      const url = path.replace('{model}', name).replaceAll(/\{\w+\}/g, '1')
      const { status } = await ask(method, url, method === 'GET' ? {} : { body: {} })
      if (status !== 403 && !(name === 'own' && path.includes('{model}'))) answered.push(`${method} ${path}`)
      if (method === 'GET' && url.endsWith('/models/own')) expect(status).toBe(200)
    }

  expect(routes.length).toBeGreaterThan(40)
  expect(new Set(answered)).toEqual(new Set(['PUT /api/v1/uploads']))
})

test.each([
  ['an experiment there is not', { experiments: ['none'] }, '/experiments/0'],
  ['a scope that is about more', { models: ['own'], scopes: ['admin'] }, '/scopes'],
  [
    'the kind of deployments',
    { models: ['own'], kind: 'deployment', scopes: ['read'], deployments: ['a'] },
    '/models',
  ],
])('a key for %s is refused', async (_, change, pointer) => {
  const body = { name: 'x', scopes: ['read'], ...change }
  const { status, json } = await ask('POST', '/api/v1/keys', { key: 'admin', body })

  expect([status, json().errors[0].pointer]).toEqual([400, pointer])
})
