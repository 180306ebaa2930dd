import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { API, type ArtifactTest, openArtifactTest } from '../../packages/server/test/artifacts.ts'
import { CREDENTIALS, type S3Server, startS3, whyNoS3 } from './versitygw.ts'

/** What gc and the report on storage do where files are in a real store of objects. To the server everything there is old. */
const reason = whyNoS3()
if (reason !== undefined) console.warn(`skipped: ${reason}`)

const HOUR = 3_600_000
/** How far the clock of the server is ahead of the store's. */
const YEARS = Date.UTC(2030, 0, 1) - Date.now()
const digestOf = (text: string) => createHash('sha256').update(text).digest('hex')
const keyOf = (text: string) => `sha256/${digestOf(text).slice(0, 2)}/${digestOf(text).slice(2)}`

describe.skipIf(reason !== undefined)('files in a store of objects', () => {
  let s3: S3Server
  let prefix = ''
  const bucket = (...names: string[]) => join(s3.folder, 'bucket', ...names)
  /** Every test has a place of its own. */
  const open = (isDirect = false) =>
    openArtifactTest({ bucket: 'bucket', prefix, endpoint: s3.endpoint, isDirect })
  const objects = () =>
    existsSync(bucket(prefix))
      ? readdirSync(bucket(prefix), { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name).slice(bucket(prefix).length + 1))
          .sort()
      : []
  const withoutMarks = () => objects().filter((name) => !name.startsWith('owners/'))
  /** As a client with credentials of its own does. */
  const write = (key: string, text: string) => {
    mkdirSync(dirname(bucket(key)), { recursive: true })
    writeFileSync(bucket(key), text)
  }
  const gc = async (at: ArtifactTest, body: object = {}) => {
    const answer = await at.sendJson('POST', '/api/v1/tracking/gc', body)
    expect(answer.status, JSON.stringify(answer.body)).toBe(200)
    return answer.body
  }
  const storage = async (at: ArtifactTest) => (await at.sendJson('GET', '/api/v1/tracking/storage')).body
  const mlflow = async (at: ArtifactTest, path: string, body: object) => {
    const answer = await at.sendJson('POST', `/api/2.0/mlflow/${path}`, body)
    expect(answer.status, JSON.stringify(answer.body)).toBe(200)
    return answer.body as never
  }
  const createRun = async (at: ArtifactTest): Promise<string> => {
    const created = (await mlflow(at, 'runs/create', { experiment_id: '1' })) as {
      run: { info: { run_id: string } }
    }
    return created.run.info.run_id
  }

  beforeAll(async () => {
    s3 = await startS3()
    mkdirSync(bucket())
    Object.assign(process.env, CREDENTIALS)
  })
  afterAll(() => s3?.stop())

  test('go when nothing names them any more, an hour after they were stored; equal ones of others stay', async () => {
    prefix = 'gone'
    const at = await open()
    const run = await createRun(at)
    await at.put('1/run1/artifacts/a', 'the same')
    await at.put(`1/${run}/artifacts/a`, 'the same')
    await at.put(`1/${run}/artifacts/b`, 'only here')
    write('gone/sha256/notes.txt', 'no blob')
    at.passTime(-YEARS)
    await mlflow(at, 'runs/delete', { run_id: run })

    expect(await gc(at)).toMatchObject({ runs: 1, files: 2, bytes: 17, blobs: 0, kept: [] })
    expect(withoutMarks()).toContain(keyOf('only here'))
    at.passTime(2 * HOUR)
    expect((await storage(at)).unreferenced).toEqual({ files: 1, bytes: 9 })
    expect(await gc(at, { dry_run: true })).toMatchObject({ blobs: 1, blob_bytes: 9 })
    expect(withoutMarks()).toContain(keyOf('only here'))
    expect(await gc(at)).toMatchObject({ runs: 0, blobs: 1, blob_bytes: 9 })

    expect(withoutMarks()).toEqual([keyOf('the same'), 'sha256/notes.txt'].sort())
    expect((await at.send('GET', `${API}/1/run1/artifacts/a`)).text).toBe('the same')
    expect((await storage(at)).unreferenced).toEqual({ files: 0, bytes: 0 })
    await at.close()
  })

  test('that are stored while gc runs are there when they are acknowledged', async () => {
    prefix = 'meanwhile'
    const at = await open()
    at.passTime(-YEARS)
    const old = new Date(Date.now() - 2 * HOUR)
    for (let round = 0; round < 30; round++) {
      await at.put('1/run1/artifacts/a', 'again')
      await at.send('DELETE', `${API}/1/run1/artifacts/a`)
      utimesSync(bucket(prefix, keyOf('again')), old, old)

      const late = async (ms: number, name: string) => {
        await new Promise((resolve) => setTimeout(resolve, ms))
        await at.put(`1/run1/artifacts/${name}`, 'again')
      }
      await Promise.all([gc(at), late(round % 10, 'b'), late(round / 2, 'c'), gc(at)])

      for (const name of ['b', 'c'])
        expect(await at.send('GET', `${API}/1/run1/artifacts/${name}`)).toMatchObject({ text: 'again' })
      await at.send('DELETE', `${API}/1/run1/artifacts`)
    }
    await at.close()
  })

  test('that clients wrote go with their run and model, and with nothing else', async () => {
    prefix = 'direct'
    const at = await open(true)
    const [gone, kept, needed] = [await createRun(at), await createRun(at), await createRun(at)]
    const { model } = (await mlflow(at, 'logged-models', { experiment_id: '1', name: 'm' })) as {
      model: { info: { model_id: string } }
    }
    const { model_id } = model.info
    for (let i = 0; i < 1100; i++) write(`direct/1/${gone}/artifacts/plots/${i} é.png`, '12')
    const stays = [`1/${gone}/other.txt`, `1/${gone}-2/artifacts/x`, `1/${kept}/artifacts/x`, 'x']
    for (const name of stays) write(`direct/${name}`, 'x')
    write('outside.txt', 'x')
    write(`direct/1/${needed}/artifacts/model/MLmodel`, 'flavors: {}')
    write(`direct/1/models/${model_id}/artifacts/MLmodel`, '12345')
    await mlflow(at, 'registered-models/create', { name: 'kept' })
    const source = `s3://bucket/direct/1/${needed}/artifacts/model`
    await mlflow(at, 'model-versions/create', { name: 'kept', source, run_id: needed })
    for (const run_id of [gone, needed]) await mlflow(at, 'runs/delete', { run_id })
    await at.sendJson('DELETE', `/api/2.0/mlflow/logged-models/${model_id}`)

    const expected = { runs: 1, logged_models: 1, files: 1101, bytes: 2205 }
    expect(await storage(at)).toMatchObject({ deleted: { files: 1101, bytes: 2211 } })
    expect(await gc(at, { dry_run: true })).toMatchObject(expected)
    expect(withoutMarks()).toHaveLength(1106)
    expect(await gc(at)).toMatchObject({
      ...expected,
      kept: [{ what: needed, because: 'kept@1 comes from it' }],
    })

    expect(withoutMarks()).toEqual([...stays, `1/${needed}/artifacts/model/MLmodel`].sort())
    expect(existsSync(bucket('outside.txt'))).toBe(true)
    expect(await gc(at)).toMatchObject({ runs: 0, files: 0, bytes: 0 })
    await at.close()
  })

  test('of two databases are removed by neither, until one of them is said to be no more', async () => {
    prefix = 'shared'
    const [first, second] = [await open(), await open(true)]
    const run = await createRun(second)
    write(`shared/1/${run}/artifacts/x`, '123')
    await mlflow(second, 'runs/delete', { run_id: run })
    await first.put('1/run1/artifacts/a', 'of the first')
    await first.send('DELETE', `${API}/1/run1/artifacts/a`)
    const third = await open()
    await third.put('1/run1/artifacts/a', 'of the third')

    const refusal = {
      what: 'files at s3://bucket/shared',
      because: expect.stringContaining('another database'),
    }
    for (const at of [first, second, third])
      expect(await gc(at)).toMatchObject({ files: 0, blobs: 0, kept: [refusal] })
    expect(await storage(first)).toMatchObject({ unreferenced: null })
    expect(withoutMarks()).toEqual(
      [`1/${run}/artifacts/x`, keyOf('of the first'), keyOf('of the third')].sort(),
    )

    // The second has removed the run, and its files when it may.
    const { id } = await second
      .control()
      .context.db.selectFrom('identity')
      .select('id')
      .executeTakeFirstOrThrow()
    for (const mark of readdirSync(bucket('shared/owners')))
      if (mark !== id) rmSync(bucket('shared/owners', mark))
    expect(await gc(second, { dry_run: true })).toMatchObject({ runs: 0, files: 1, bytes: 3 })
    expect(await gc(second)).toMatchObject({ runs: 0, files: 1, bytes: 3, kept: [] })
    expect(withoutMarks()).not.toContain(`1/${run}/artifacts/x`)
    // Of the first there is a mark again when it asks.
    expect(await gc(first)).toMatchObject({ blobs: 0, kept: [refusal] })
    for (const at of [first, second, third]) await at.close()
  })

  test('of a run that was there again before they could go, stay', async () => {
    prefix = 'again'
    const at = await open(true)
    const run = await createRun(at)
    write(`again/1/${run}/artifacts/x`, 'x')
    const { db } = at.control().context
    await db
      .insertInto('purged_files')
      .values({ name: run, uri: `s3://bucket/again/1/${run}/artifacts` })
      .execute()

    expect(await gc(at)).toMatchObject({ files: 0 })
    await mlflow(at, 'runs/delete', { run_id: run })
    expect(withoutMarks()).toEqual([`1/${run}/artifacts/x`])
    expect(await gc(at)).toMatchObject({ runs: 1, files: 1 })
    expect(withoutMarks()).toEqual([])
    await at.close()
  })

  test('are told with the store they are in, also those that clients wrote', async () => {
    prefix = 'told'
    const at = await open(true)
    const run = await createRun(at)
    write(`told/1/${run}/artifacts/x`, '12345')
    write(`told/1/${run}/artifacts/model/y`, '12')
    write('told/sha256/aa/none', 'x')
    const { experiment_id } = (await mlflow(at, 'experiments/create', {
      name: 'here',
      artifact_location: 'mlflow-artifacts:/here',
    })) as { experiment_id: string }
    expect(experiment_id).toBe('3')

    expect(await storage(at)).toMatchObject({
      store: 's3://bucket/told',
      ...{ files: 2, bytes: 7, stored_bytes: 7, deleted: { files: 0, bytes: 0 } },
      unreferenced: { files: 0, bytes: 0 },
      experiments: [{ folder: 's3://bucket/told/1', experiment: 'run1', files: 2, bytes: 7 }],
      biggest: [{ folder: `s3://bucket/told/1/${run}`, name: expect.any(String), files: 2, bytes: 7 }],
    })
    await at.close()
  })

  test('stay, and so do runs, when the store does not answer', async () => {
    prefix = 'silent'
    process.env.AWS_MAX_ATTEMPTS = '1'
    const at = await openArtifactTest({
      ...{ bucket: 'bucket', prefix, endpoint: 'http://127.0.0.1:9', isDirect: false },
    })
    const run = await createRun(at)
    await mlflow(at, 'runs/delete', { run_id: run })

    const answer = await at.sendJson('POST', '/api/v1/tracking/gc', {})
    delete process.env.AWS_MAX_ATTEMPTS

    expect(answer).toMatchObject({ status: 503, body: { code: 'ARTIFACTS_UNAVAILABLE' } })
    expect(await at.sendJson('GET', `/api/2.0/mlflow/runs/get?run_id=${run}`)).toMatchObject({ status: 200 })
    await at.close()
  })
})
