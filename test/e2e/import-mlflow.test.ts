import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cli, postJson, type Running, removeFolder, startMillwright } from '../support/millwright.ts'

/** What of an import shows without MLflow itself; test/mlflow/moving.test.ts brings everything from the real one. */
let server: Running
const folder = mkdtempSync(join(tmpdir(), 'millwright-import-'))

beforeAll(async () => {
  server = await startMillwright({ gateways: 1 })
})
afterAll(async () => {
  await server?.stop()
  removeFolder(server.data)
  removeFolder(folder)
})

function write(path: string, meta: object): void {
  mkdirSync(join(folder, path), { recursive: true })
  writeFileSync(join(folder, path, 'meta.yaml'), JSON.stringify(meta))
}
const bring = async (source: string) => {
  const { code, stdout } = await cli(['import', 'mlflow', source, '--json'], { url: server.url })
  expect(JSON.parse(stdout)).toMatchObject({ differences: [] })
  expect(code).toBe(0)
}
const nextOf = async (name: string) => {
  const url = `${server.url}/api/2.0/mlflow/model-versions/create`
  const { json } = await postJson(url, { name, source: 's3://bucket/model' })
  return (json as { model_version: { version: string } }).model_version.version
}

test('numbers of versions that were deleted in an mlruns folder are not given again', async () => {
  const version = {
    name: 'from-files',
    source: 's3://bucket/model',
    current_stage: 'None',
    creation_timestamp: 1,
  }
  write('mlruns/models/from-files', { name: 'from-files' })
  write('mlruns/models/from-files/version-1', { ...version, version: 1 })
  write('mlruns/models/from-files/version-12', { ...version, version: 12, current_stage: 'Deleted_Internal' })
  write('mlruns/0', { name: 'Default', lifecycle_stage: 'active' })
  write('mlruns/models/logged', { name: 'logged' })
  const model_id = `m-${'a'.repeat(32)}`
  write(`mlruns/0/models/${model_id}`, {
    ...{
      model_id,
      experiment_id: '0',
      name: 'model',
      status: 2,
      artifact_location: join(folder, `mlruns/0/models/${model_id}/artifacts`),
    },
    ...{ creation_timestamp: 1, last_updated_timestamp: 1 },
  })
  mkdirSync(join(folder, `mlruns/0/models/${model_id}/tags`))
  writeFileSync(
    join(folder, `mlruns/0/models/${model_id}/tags/mlflow.modelVersions`),
    '[{"name":"logged","version":4}]',
  )
  mkdirSync(join(folder, `mlruns/0/models/${model_id}/artifacts`))

  await bring(join(folder, 'mlruns'))

  expect([await nextOf('from-files'), await nextOf('logged')]).toEqual(['13', '5'])
})

test('… nor those of its database, and the import is recorded as a whole', async () => {
  const path = join(folder, 'mlflow.db')
  const db = new DatabaseSync(path)
  db.exec(`
    create table experiments (experiment_id integer, name text);
    create table runs (run_uuid text, experiment_id integer);
    create table registered_models (name text, creation_time integer, last_updated_time integer, description text);
    create table model_versions (name text, version integer, creation_time integer, last_updated_time integer, description text,
      user_id text, current_stage text, source text, run_id text, run_link text, storage_location text);
    insert into registered_models values ('from-rows', 1, 1, null);
    insert into model_versions values ('from-rows', 2, 1, 1, null, null, 'None', 's3://bucket/model', null, null, null),
      ('from-rows', 6, 1, 1, null, null, 'Deleted_Internal', 'REDACTED', null, null, null)`)
  db.close()

  await bring(path)
  const { stdout } = await cli(['events', '--type', 'tracking.imported', '--json'], { url: server.url })

  expect(await nextOf('from-rows')).toBe('7')
  const [event] = (JSON.parse(stdout) as { data: { data: object }[] }).data
  expect(event).toMatchObject({
    ...{ by: 'tester', subject: 'tracking' },
    data: {
      ...{ source: path, differences: 0, skipped_runs: 0 },
      counts: { models: { source: 1, here: 1 }, versions: { source: 1, here: 1 } },
    },
  })
})
