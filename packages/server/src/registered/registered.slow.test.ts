import { afterAll, describe, expect, test } from 'vitest'
import {
  addChurn,
  ask as askAs,
  askMlflow,
  openSharedControl,
  putArtifact,
  readChurn,
} from '../control/testing.ts'

const { control, close } = await openSharedControl()
afterAll(close)

const ask = (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', call: string, message = {}) =>
  askMlflow(control.app, method, call, message)

const COLUMNS = ['days_since_last_order', 'total_orders', 'lifetime_value', 'email_open_rate']
const SIGNATURE = JSON.stringify(COLUMNS.map((name) => ({ name, type: 'double', required: true })))
const MLMODEL = (flavors: string) => `flavors:
${flavors}
saved_input_example_info: {serving_input_path: serving_input_example.json}
signature:
  inputs: '${SIGNATURE}'
`
const SKLEARN = MLMODEL('  sklearn: {pickled_model: model.pkl, serialization_format: pickle}')
const EXAMPLE = JSON.stringify({ dataframe_split: { columns: COLUMNS, data: [[47, 20, 1276.31, 0.553]] } })

/** Logs a model with these files. @returns its id */
async function logModel(files: Readonly<Record<string, string | Buffer>>): Promise<string> {
  const { body } = await ask('POST', 'logged-models', { experiment_id: '0', name: 'model' })
  const { model_id: id, artifact_uri: uri } = body.model.info
  for (const [name, payload] of Object.entries(files))
    await putArtifact(control.app, `${uri.slice('mlflow-artifacts:/'.length)}/${name}`, payload)
  return id
}
const logChurn = async (name: 'v2' | 'v3' | 'bad') =>
  logModel({ MLmodel: SKLEARN, 'model.pkl': await readChurn(name), 'serving_input_example.json': EXAMPLE })

/** Registers a model that was logged. */
async function register(name: string, modelId: string) {
  await ask('POST', 'registered-models/create', { name })
  const message = { name, source: `models:/${modelId}`, model_id: modelId }
  return (await ask('POST', 'model-versions/create', message)).body.model_version
}
const serving = async (name: string) =>
  (await askAs(control.app, 'GET', `/api/v1/deployments/${name}`)).body as { version?: { number: number } }

describe('a version that a client registers', () => {
  test('is read by the engine, tried on its example, and served by setting the alias production', async () => {
    const version = await register('first', await logChurn('v3'))
    const shown = await askAs(control.app, 'GET', '/api/v1/models/first/versions/1')
    const set = await ask('POST', 'registered-models/alias', {
      name: 'first',
      alias: 'production',
      version: '1',
    })

    expect(version).toMatchObject({ version: '1', status: 'READY', current_stage: 'None' })
    expect(version.status_message).toBeUndefined()
    expect(shown.body).toMatchObject({ state: 'READY', check: { sample: { rows: 1, failed: 0 } } })
    expect(set).toEqual({ status: 200, body: {} })
    expect((await serving('first')).version?.number).toBe(1)
  })

  test('is another one each time, and the same file is read once', async () => {
    const id = await logChurn('v2')
    const [first, second] = [await register('again', id), await register('again', id)]
    const versions = await askAs(control.app, 'GET', '/api/v1/models/again/versions')
    const data = versions.body.data as { state: string; digest: string; schema: unknown; check: unknown }[]

    expect([first.version, second.version]).toEqual(['1', '2'])
    expect(data.map(({ state }) => state)).toEqual(['READY', 'READY'])
    expect(new Set(data.map(({ digest }) => digest)).size).toBe(2)
    expect(data[0]!.schema).toEqual(data[1]!.schema)
    // Its latency was measured once.
    expect(data[0]!.check).toEqual(data[1]!.check)
  })

  test('is read anew when another file is in the place of the first', async () => {
    const id = await logChurn('v2')
    await register('replaced', id)
    await putArtifact(control.app, `0/models/${id}/artifacts/model.pkl`, await readChurn('v3'))
    await register('replaced', id)
    const versions = await askAs(control.app, 'GET', '/api/v1/models/replaced/versions')
    const data = versions.body.data as { bytes: number; report: { bytes: number } }[]

    expect(data.map(({ report }) => report.bytes)).toEqual(data.map(({ bytes }) => bytes))
    expect(data[0]!.bytes).not.toBe(data[1]!.bytes)
  })

  test.each([
    [
      'a flavor without a file that is read',
      { MLmodel: MLMODEL('  pytorch: {model_data: data}') },
      /none of its flavors \(pytorch\)/,
    ],
    ['no MLmodel', { 'model.pkl': 'x' }, /there is no file MLmodel/],
    ['no model file', { MLmodel: SKLEARN }, /its file model.pkl is not there/],
    [
      'a file that is none',
      { MLmodel: SKLEARN, 'model.pkl': 'not a pickle' },
      /Millwright cannot serve it: /,
    ],
    [
      'a path that leads out',
      { MLmodel: MLMODEL('  sklearn: {pickled_model: ../../etc/passwd}') },
      /passwd is not there/,
    ],
    ['YAML that repeats itself', { MLmodel: 'a: &a [x]\nflavors: *a' }, /MLmodel cannot be read/],
  ])('with %s is there, says why it cannot be served, and may have an alias', async (_, files, reason) => {
    const version = await register('odd', await logModel(files))
    const set = await ask('POST', 'registered-models/alias', {
      name: 'odd',
      alias: 'champion',
      version: version.version,
    })
    const got = await ask('GET', 'registered-models/alias', { name: 'odd', alias: 'champion' })

    expect(version.status).toBe('READY')
    expect(version.status_message).toMatch(reason)
    expect(set.status).toBe(200)
    expect(got.body.model_version.version).toBe(version.version)
  })
})

describe('what serves', () => {
  test('follows the alias, and cannot be deleted', async () => {
    await register('kept', await logChurn('v2'))
    await register('kept', await logChurn('v3'))
    for (const version of ['1', '2'])
      await ask('POST', 'registered-models/alias', { name: 'kept', alias: 'production', version })
    const [model, version, alias] = [
      await ask('DELETE', 'registered-models/delete', { name: 'kept' }),
      await ask('DELETE', 'model-versions/delete', { name: 'kept', version: '2' }),
      await ask('DELETE', 'registered-models/alias', { name: 'kept', alias: 'production' }),
    ]

    expect((await serving('kept')).version?.number).toBe(2)
    expect([model.status, version.status, alias.status]).toEqual([400, 400, 400])
    expect(version.body.message).toMatch(/serves the deployment 'kept'/)
  })

  test('goes along with a new name of its model', async () => {
    await register('old', await logChurn('v2'))
    await ask('POST', 'registered-models/alias', { name: 'old', alias: 'production', version: '1' })
    const renamed = await ask('POST', 'registered-models/rename', {
      name: 'old',
      new_name: 'new name/with slash',
    })
    const found = await ask('GET', 'registered-models/get', { name: 'new name/with slash' })

    expect(renamed.status).toBe(200)
    expect(found.body.registered_model.aliases).toEqual([{ alias: 'production', version: '1' }])
    expect((await serving('old')).version?.number).toBe(1)
    expect((await ask('GET', 'registered-models/get', { name: 'old' })).status).toBe(404)
  })

  test('is what the stage Production says', async () => {
    await register('staged', await logChurn('v2'))
    await register('staged', await logChurn('v3'))
    const move = (version: string) =>
      ask('POST', 'model-versions/transition-stage', {
        ...{ name: 'staged', version, stage: 'production', archive_existing_versions: true },
      })
    await move('1')
    const second = await move('2')
    const first = await ask('GET', 'model-versions/get', { name: 'staged', version: '1' })

    expect(second.body.model_version).toMatchObject({ current_stage: 'Production', aliases: ['production'] })
    expect(first.body.model_version.current_stage).toBe('Archived')
    expect((await serving('staged')).version?.number).toBe(2)
  })
})

test('a deleted version is gone for everybody, and its number is not given again', async () => {
  const id = await logChurn('v2')
  await register('gone', id)
  await register('gone', id)
  await ask('DELETE', 'model-versions/delete', { name: 'gone', version: '2' })
  const third = await register('gone', id)
  const own = await askAs(control.app, 'GET', '/api/v1/models/gone/versions')
  const searched = await ask('GET', 'model-versions/search', { filter: "name = 'gone'" })

  expect(third.version).toBe('3')
  expect((own.body.data as { number: number }[]).map(({ number }) => number)).toEqual([3, 1])
  expect(searched.body.model_versions.map(({ version }: { version: string }) => version)).toEqual(['3', '1'])
})

test('a version that came by upload looks like one that was logged', async () => {
  await addChurn(control.app, 'v3')
  const { body } = await ask('GET', 'model-versions/get-download-uri', { name: 'churn', version: '1' })
  const path = body.artifact_uri.slice('mlflow-artifacts:/'.length)
  const files = await control.app.inject({ url: `/api/2.0/mlflow-artifacts/artifacts?path=${path}` })
  const mlmodel = await control.app.inject({ url: `/api/2.0/mlflow-artifacts/artifacts/${path}/MLmodel` })

  expect(files.json().files.map((file: { path: string }) => file.path)).toEqual([
    ...['MLmodel', 'code', 'model.joblib', 'requirements.txt'],
  ])
  expect(mlmodel.body).toContain('loader_module: millwright_joblib')
})
