import { createHash } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ModelError } from '@millwright/engine'
import { describe, expect, test } from 'vitest'
import { isIntact } from '../blobs/blob-store.ts'
import {
  addChurn,
  ask,
  openTestControl,
  readChurn,
  silentLogger,
  temporaryFolder,
  upload,
} from '../control/testing.ts'
import { layoutOf } from '../layout.ts'
import { updateVersion } from './store.ts'

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

const diskFull = () => Object.assign(new Error('no space'), { code: 'ENOSPC', errno: -28 })

/** A model is read in a process that takes its time to start on a busy machine. */
const POLL = { timeout: 15_000 }

describe('uploads', () => {
  test('an upload answers its digest and lies in the blob folder under it', async () => {
    await using folder = await temporaryFolder()
    const control = await openTestControl(folder.path)
    const bytes = await readChurn('v2')

    const digest = await upload(control.app, bytes)

    expect(digest).toBe(sha256(bytes))
    const path = join(layoutOf(folder.path).blobs, 'sha256', digest.slice(0, 2), digest.slice(2))
    expect(sha256(await readFile(path))).toBe(digest)
    expect(await readdir(layoutOf(folder.path).incoming)).toEqual([])
    await control.close()
  })

  test('an upload that is not what its sender promised is refused and leaves nothing', async () => {
    await using folder = await temporaryFolder()
    const control = await openTestControl(folder.path)

    const byQuery = await control.app.inject({
      method: 'PUT',
      url: `/api/v1/uploads?sha256=${'0'.repeat(64)}`,
      payload: Buffer.from('abc'),
    })
    const byHeader = await control.app.inject({
      method: 'PUT',
      url: '/api/v1/uploads',
      headers: { digest: `sha-256=${Buffer.alloc(32).toString('base64')}` },
      payload: Buffer.from('abc'),
    })

    expect(byQuery.json()).toMatchObject({ code: 'DIGEST_MISMATCH', status: 422 })
    expect(byHeader.json()).toMatchObject({ code: 'DIGEST_MISMATCH' })
    expect(await readdir(layoutOf(folder.path).incoming)).toEqual([])
    expect(await control.context.blobs.head(sha256(Buffer.from('abc')))).toBeUndefined()
    await control.close()
  })

  test('the right digest in base64 is taken', async () => {
    await using folder = await temporaryFolder()
    const control = await openTestControl(folder.path)
    const digest = createHash('sha256').update('abc').digest('base64')

    const reply = await control.app.inject({
      method: 'PUT',
      url: '/api/v1/uploads',
      headers: { digest: `md5=x, SHA-256=${digest}`, 'content-type': 'application/json' },
      payload: Buffer.from('abc'),
    })

    expect(reply.json()).toEqual({ digest: sha256(Buffer.from('abc')), bytes: 3 })
    await control.close()
  })

  test('a file beyond the limit is refused, whether its length was told or not', async () => {
    await using folder = await temporaryFolder()
    const control = await openTestControl(folder.path, { maxModelBytes: 10 })

    const told = await control.app.inject({
      method: 'PUT',
      url: '/api/v1/uploads',
      payload: Buffer.alloc(11),
    })

    expect(told.json()).toMatchObject({ code: 'BODY_TOO_LARGE', status: 413 })
    expect(await readdir(layoutOf(folder.path).incoming)).toEqual([])
    await control.close()
  })
})

describe('versions', () => {
  test('a readable model becomes READY with its schema and a program in the blob store', async () => {
    await using folder = await temporaryFolder()
    const control = await openTestControl(folder.path)

    const { status, body } = await addChurn(control.app, 'v3')

    expect(status).toBe(201)
    expect(body).toMatchObject({ model: 'churn', number: 1, label: 'v3', state: 'READY', created_by: 'ana' })
    const schema = await ask(control.app, 'GET', '/api/v1/models/churn/versions/1/schema')
    expect((schema.body.inputs as { name: string }[]).map((column) => column.name)).toEqual([
      'days_since_last_order',
      'total_orders',
      'lifetime_value',
      'email_open_rate',
    ])
    await control.close()
  })

  test('the same bytes find the same version', async () => {
    await using folder = await temporaryFolder()
    const control = await openTestControl(folder.path)

    const first = await addChurn(control.app, 'v2')
    const second = await addChurn(control.app, 'v2')

    expect([first.status, second.status]).toEqual([201, 200])
    expect(second.body).toEqual(first.body)
    await control.close()
  })

  test('deploying the file again heals what was damaged on disk', async () => {
    await using folder = await temporaryFolder()
    const control = await openTestControl(folder.path)
    const { blobs, db } = control.context
    await addChurn(control.app, 'v2')
    const { digest, program } = await db.selectFrom('versions').selectAll().executeTakeFirstOrThrow()
    for (const name of [digest, program!]) {
      const path = join(layoutOf(folder.path).blobs, 'sha256', name.slice(0, 2), name.slice(2))
      const bytes = await readFile(path)
      bytes[1000]! ^= 1
      await writeFile(path, bytes)
    }

    const again = await addChurn(control.app, 'v2')

    expect(again).toMatchObject({ status: 200, body: { number: 1, state: 'READY' } })
    expect([await isIntact(blobs, digest), await isIntact(blobs, program!)]).toEqual([true, true])
    await control.close()
  })

  test('twenty uploads of the same bytes at once make one blob and one version', async () => {
    await using folder = await temporaryFolder()
    const control = await openTestControl(folder.path)

    const answers = await Promise.all(Array.from({ length: 20 }, () => addChurn(control.app, 'v2')))

    expect(answers.map((answer) => answer.status).sort()).toEqual([...Array(19).fill(200), 201])
    expect(new Set(answers.map((answer) => answer.body.number))).toEqual(new Set([1]))
    const list = await ask(control.app, 'GET', '/api/v1/models/churn/versions')
    expect(list.body.data).toHaveLength(1)
    expect(await readdir(layoutOf(folder.path).incoming)).toEqual([])
    await control.close()
  })

  test('a file that cannot be served is refused with the reason, and kept as REFUSED', async () => {
    await using folder = await temporaryFolder()
    const control = await openTestControl(folder.path)
    const digest = await upload(control.app, Buffer.from('this is not a model'))

    const answer = await ask(control.app, 'POST', '/api/v1/models/churn/versions', { digest })

    expect(answer).toMatchObject({ status: 422, body: { code: 'MODEL_REFUSED' } })
    const version = await ask(control.app, 'GET', '/api/v1/models/churn/versions/1')
    expect(version.body).toMatchObject({ state: 'REFUSED', reason: answer.body.detail })
    await control.close()
  })

  test('a refused file is read again when it is sent again', async () => {
    await using folder = await temporaryFolder()
    const strict = await openTestControl(folder.path, {
      readModel: () => Promise.reject(new ModelError('unsupported', 'not yet', { path: ["step 'prep'"] })),
    })
    const refused = await addChurn(strict.app, 'v2')
    await strict.close()

    const control = await openTestControl(folder.path)
    const again = await addChurn(control.app, 'v2')

    expect(refused.body).toMatchObject({ code: 'MODEL_REFUSED', detail: "step 'prep': not yet" })
    expect(again).toMatchObject({ status: 200, body: { number: 1, state: 'READY', reason: null } })
    await control.close()
  })

  test('a version left PENDING is read at the next start', async () => {
    await using folder = await temporaryFolder()
    const stuck = await openTestControl(folder.path, {
      readModel: () => Promise.reject(diskFull()),
    })
    const answer = await addChurn(stuck.app, 'v2')
    await stuck.close()

    const control = await openTestControl(folder.path)

    expect(answer.body).toMatchObject({ code: 'STORAGE_FULL', status: 507 })
    await expect
      .poll(async () => (await ask(control.app, 'GET', '/api/v1/models/churn/versions/1')).body.state, POLL)
      .toBe('READY')
    await control.close()
  })

  test('a file that ended the process three times is refused', async () => {
    await using folder = await temporaryFolder()
    const full = await openTestControl(folder.path, { readModel: () => Promise.reject(diskFull()) })
    await addChurn(full.app, 'v2')
    await updateVersion(full.context.db, { model: 'churn', number: 1 }, { attempts: 3 })
    await full.close()

    const control = await openTestControl(folder.path)

    await expect
      .poll(async () => (await ask(control.app, 'GET', '/api/v1/models/churn/versions/1')).body.reason, POLL)
      .toMatch('ended the server 3 times')
    await control.close()
  })

  test('a full disk is not held against the file', async () => {
    await using folder = await temporaryFolder()
    const full = await openTestControl(folder.path, { readModel: () => Promise.reject(diskFull()) })
    for (let attempt = 0; attempt < 4; attempt++) await addChurn(full.app, 'v2')

    const answer = await addChurn(full.app, 'v2')

    expect(answer.body).toMatchObject({ code: 'STORAGE_FULL' })
    await full.close()
  })

  test('a fault of ours refuses the file without telling what it was', async () => {
    await using folder = await temporaryFolder()
    const control = await openTestControl(folder.path, {
      logger: silentLogger(),
      readModel: () => Promise.reject(new TypeError('secret')),
    })

    const answer = await addChurn(control.app, 'v2')

    expect(answer.body).toMatchObject({ code: 'MODEL_REFUSED' })
    expect(JSON.stringify(answer.body)).not.toMatch('secret')
    await control.close()
  })

  test('without waiting, the version is PENDING first', async () => {
    await using folder = await temporaryFolder()
    const control = await openTestControl(folder.path)
    const digest = await upload(control.app, await readChurn('v2'))

    const answer = await ask(control.app, 'POST', '/api/v1/models/churn/versions?wait=false', { digest })

    expect(answer).toMatchObject({ status: 202, body: { state: 'PENDING' } })
    await control.close()
  })

  test('bytes that were never uploaded make no version and no model', async () => {
    await using folder = await temporaryFolder()
    const control = await openTestControl(folder.path)

    const answer = await ask(control.app, 'POST', '/api/v1/models/churn/versions', { digest: 'a'.repeat(64) })

    expect(answer.body).toMatchObject({ code: 'UPLOAD_NOT_FOUND' })
    expect((await ask(control.app, 'GET', '/api/v1/models/churn')).body).toMatchObject({
      code: 'MODEL_NOT_FOUND',
    })
    await control.close()
  })
})

describe('start', () => {
  test('uploads that were cut off are removed', async () => {
    await using folder = await temporaryFolder()
    const first = await openTestControl(folder.path)
    const { incoming } = layoutOf(folder.path)
    await first.close()
    await writeFile(join(incoming, 'half'), 'half')

    const second = await openTestControl(folder.path)

    expect(await readdir(incoming)).toEqual([])
    await second.close()
  })

  test('a blob nothing refers to goes after an hour; what versions need stays', async () => {
    await using folder = await temporaryFolder()
    const first = await openTestControl(folder.path)
    const unclaimed = await upload(first.app, Buffer.from('nobody wants this'))
    const { body } = await addChurn(first.app, 'v2')
    await first.close()

    const soon = await openTestControl(folder.path)
    const kept = await soon.context.blobs.head(unclaimed)
    await soon.close()
    const later = await openTestControl(folder.path, { now: () => Date.now() + 3_600_001 })

    expect(kept).toBeDefined()
    expect(await later.context.blobs.head(unclaimed)).toBeUndefined()
    expect(await later.context.blobs.head(body.digest as string)).toBeDefined()
    await later.close()
  })
})
