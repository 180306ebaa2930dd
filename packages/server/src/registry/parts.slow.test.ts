import { readFile } from 'node:fs/promises'
import type { FastifyInstance } from 'fastify'
import { expect, test } from 'vitest'
import { UNCLAIMED_MS } from '../blobs/collect.ts'
import { ask, openTestControl, temporaryFolder, upload } from '../control/testing.ts'

const CHAINS = new URL('../../../engine/test/fixtures/chains/', import.meta.url)
const COLUMNS = ['age', 'income', 'visits']

const uploadFile = async (app: FastifyInstance, path: string): Promise<string> =>
  upload(app, await readFile(new URL(path, CHAINS)))

/** A scaler and a model, uploaded apart. */
async function uploadTwo(app: FastifyInstance) {
  const digest = await uploadFile(app, 'two-files/model.pkl')
  const scaler = await uploadFile(app, 'two-files/scaler.pkl')
  return { digest, parts: { after: [{ digest: scaler }], columns: COLUMNS } }
}

const create = (app: FastifyInstance, body: unknown) => ask(app, 'POST', '/api/v1/models/shop/versions', body)

test('a scaler and a model in two files become one version', async () => {
  await using folder = await temporaryFolder()
  const control = await openTestControl(folder.path)

  const { status, body } = await create(control.app, await uploadTwo(control.app))

  expect(status).toBe(201)
  expect(body).toMatchObject({
    state: 'READY',
    report: { estimator: expect.stringMatching(/LogisticRegression$/) },
  })
  const { inputs } = body.schema as { inputs: { name: string }[] }
  expect(inputs.map(({ name }) => name)).toEqual(COLUMNS)
  await control.close()
})

test('the same parts find the same version, other parts make another', async () => {
  await using folder = await temporaryFolder()
  const control = await openTestControl(folder.path)
  const two = await uploadTwo(control.app)
  const reversed = { ...two, parts: { ...two.parts, columns: COLUMNS.toReversed() } }

  const first = await create(control.app, two)
  const again = await create(control.app, two)
  const other = await create(control.app, reversed)

  expect([first, again, other].map(({ status, body }) => [status, body.number])).toEqual([
    [201, 1],
    [200, 1],
    [201, 2],
  ])
  expect(other.body.digest).not.toBe(first.body.digest)
  await control.close()
})

test('encoders are picked out of a file by their key', async () => {
  await using folder = await temporaryFolder()
  const control = await openTestControl(folder.path)
  const digest = await uploadFile(control.app, 'encoder-file/model.pkl')
  const encoders = await uploadFile(control.app, 'encoder-file/encoders.pkl')
  const encode = ['brand', 'city'].map((column) => ({ column, digest: encoders, key: column }))

  const { body } = await create(control.app, { digest, parts: { encode } })

  const { inputs } = body.schema as { inputs: { name: string; categories?: unknown[] }[] }
  expect(inputs.find(({ name }) => name === 'city')?.categories).toEqual(['Lima', 'Oslo', 'Quito'])
  await control.close()
})

test('blobs of parts are kept while their version is there', async () => {
  await using folder = await temporaryFolder()
  const before = await openTestControl(folder.path)
  const { digest, parts } = await uploadTwo(before.app)
  const unclaimed = await uploadFile(before.app, 'encoder-file/encoders.pkl')
  const { body } = await create(before.app, { digest, parts })
  await before.close()

  const later = await openTestControl(folder.path, { now: () => Date.now() + 2 * UNCLAIMED_MS })

  const kept = async (name: string) => (await later.context.blobs.head(name)) !== undefined
  expect(await Promise.all([digest, parts.after[0]!.digest, body.digest as string].map(kept))).toEqual([
    true,
    true,
    true,
  ])
  expect(await kept(unclaimed)).toBe(false)
  await later.close()
})

test('a part that was not uploaded is named', async () => {
  await using folder = await temporaryFolder()
  const control = await openTestControl(folder.path)
  const { digest } = await uploadTwo(control.app)
  const missing = '0'.repeat(64)

  const { body } = await create(control.app, { digest, parts: { after: [{ digest: missing }] } })

  expect(body).toMatchObject({ code: 'UPLOAD_NOT_FOUND', detail: expect.stringContaining(missing) })
  await control.close()
})
