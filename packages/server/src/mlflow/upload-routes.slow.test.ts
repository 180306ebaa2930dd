import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { API, type ArtifactTest, openArtifactTest, pathOfUrl } from '../../test/artifacts.ts'

let at: ArtifactTest
beforeAll(async () => {
  at = await openArtifactTest()
})
afterAll(() => at.close())

describe('a file in parts', () => {
  const MPU = '/api/2.0/mlflow-artifacts/mpu'
  type Created = { upload_id: string; credentials: { url: string; part_number: number }[] }
  const create = async (name: string, parts: number, headers: object = {}): Promise<Created> => {
    const { text } = await at.send('POST', `${MPU}/create/mpu/x`, {
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ path: `/home/ana/${name}`, num_parts: parts }),
    })
    return JSON.parse(text) as Created
  }
  const sendPart = async (url: string, body: string) => {
    const { status, headers } = await at.send('PUT', pathOfUrl(url), { body })
    return { status, etag: headers.etag as string }
  }
  const finish = (name: string, upload_id: string, etags: readonly string[]) =>
    at.sendJson('POST', `${MPU}/complete/mpu/x`, {
      ...{ path: name, upload_id },
      parts: etags.map((etag, i) => ({ part_number: i + 1, etag, url: 'ignored' })),
    })
  const uploads = () => readdir(join(at.folder, 'parts'))

  test('is put together of them in their order, whatever order they came in', async () => {
    const { upload_id: id, credentials } = await create('big.bin', 3)
    const third = await sendPart(credentials[2]!.url, 'three')
    const first = await sendPart(credentials[0]!.url, 'one ')
    const wrong = await sendPart(credentials[1]!.url, 'not this')
    const second = await sendPart(credentials[1]!.url, 'two ')

    expect([first.status, second.status, third.status, wrong.status]).toEqual([200, 200, 200, 200])
    expect(await finish('big.bin', id, [first.etag, second.etag, third.etag])).toEqual({
      status: 200,
      body: {},
    })
    expect((await at.send('GET', `${API}/mpu/x/big.bin`)).text).toBe('one two three')
    expect(await finish('big.bin', id, [first.etag, second.etag, third.etag])).toMatchObject({ status: 200 })
    expect(await readdir(join(at.folder, 'parts', id))).toEqual(['upload.json'])
  })

  test('has addresses of this server as the client calls it', async () => {
    const plain = await create('a', 1)
    const behind = await create('a', 1, {
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'ml.example.com',
    })

    expect(plain.credentials[0]!.url).toMatch(
      /^http:\/\/localhost:7600\/api\/2\.0\/mlflow-artifacts\/signed\/parts\//,
    )
    expect(behind.credentials[0]!.url).toMatch(/^https:\/\/ml\.example\.com\/api\//)
  })

  test('is made of nothing but what was promised', async () => {
    const { upload_id: id, credentials } = await create('c.bin', 2)
    const { etag } = await sendPart(credentials[0]!.url, 'one')

    for (const etags of [[etag], [etag, '"nothing"'], [etag, etag], [etag, '"../../upload.json"'], []])
      expect([etags, (await finish('c.bin', id, etags)).status]).toEqual([etags, 400])
    expect(await finish('other.bin', id, [etag, etag])).toMatchObject({ status: 404 })
    expect((await at.send('GET', `${API}/mpu/x/c.bin`)).status).toBe(404)
  })

  test('takes no part that its address was not signed for', async () => {
    const { credentials } = await create('d.bin', 2)
    const { url } = credentials[0]!
    const forged = [
      url.replace('/1?', '/2?'),
      url.replace(/signature=(.)/, (_, first) => `signature=${first === 'A' ? 'B' : 'A'}`),
      url.replace(/&signature=.*/, ''),
      url.replace(/expires=\d+/, 'expires=99999999999'),
      url.replace(/expires=\d+/, 'expires=-1'),
      url.replace(/parts\/[0-9a-f]{4}/, 'parts/0000'),
      url.replace('/parts/', '/files/'),
      url.replace('/1?', '/1%2f..?'),
    ]

    for (const address of forged)
      expect([address, (await sendPart(address, 'x')).status >= 400]).toEqual([address, true])
    expect((await sendPart(url.replace('/1?', '/2?'), 'x')).status).toBe(403)
  })

  test('that is given up, or not finished in a day, leaves nothing', async () => {
    const aborted = await create('e.bin', 1)
    await sendPart(aborted.credentials[0]!.url, 'x')
    expect(
      await at.sendJson('POST', `${MPU}/abort/mpu/x`, { path: 'e.bin', upload_id: aborted.upload_id }),
    ).toEqual({
      ...{ status: 200, body: {} },
    })
    expect((await sendPart(aborted.credentials[0]!.url, 'x')).status).toBe(404)
    expect(await uploads()).not.toContain(aborted.upload_id)

    const late = await create('f.bin', 1)
    const { etag } = await sendPart(late.credentials[0]!.url, 'x')
    at.passTime(24 * 60 * 60 * 1000 + 1000)
    expect((await sendPart(late.credentials[0]!.url, 'x')).status).toBe(403)
    expect(await finish('f.bin', late.upload_id, [etag])).toMatchObject({ status: 404 })
    const next = await create('g.bin', 1)
    expect(await uploads()).toEqual([next.upload_id])
  })

  test('says how many parts there may be', async () => {
    const answer = await at.sendJson('POST', `${MPU}/create/mpu`, { path: 'a', num_parts: 10_001 })
    expect(answer).toMatchObject({ status: 400, body: { error_code: 'INVALID_PARAMETER_VALUE' } })
    expect(await at.sendJson('POST', `${MPU}/create/mpu`, { path: 'a', num_parts: 0 })).toMatchObject({
      status: 400,
    })
    expect(await at.sendJson('POST', `${MPU}/create/mpu`, { path: '..', num_parts: 1 })).toMatchObject({
      status: 400,
    })
  })

  test('goes on after a restart', async () => {
    const { upload_id: id, credentials } = await create('h.bin', 2)
    const first = await sendPart(credentials[0]!.url, 'before ')
    await at.restart()
    const second = await sendPart(credentials[1]!.url, 'after')

    expect(await finish('h.bin', id, [first.etag, second.etag])).toEqual({ status: 200, body: {} })
    expect((await at.send('GET', `${API}/mpu/x/h.bin`)).text).toBe('before after')
  })
})

describe('a signed address', () => {
  test('of a file is good for it, in parts too, until it expires', async () => {
    await at.put('signed/é a.txt'.replaceAll(' ', '%20').replace('é', '%C3%A9'), '0123456789')
    const { body } = await at.sendJson('GET', '/api/2.0/mlflow-artifacts/presigned/signed/%C3%A9%20a.txt')
    const url = pathOfUrl(body.url)

    expect(body).toEqual({
      url: expect.stringContaining('/signed/files/signed/%C3%A9%20a.txt?expires='),
      headers: {},
      file_size: 10,
    })
    expect(await at.send('GET', url)).toMatchObject({ status: 200, text: '0123456789' })
    expect(await at.send('GET', url, { headers: { range: 'bytes=1-2' } })).toMatchObject({
      status: 206,
      text: '12',
    })
    expect(await at.send('GET', url.replace('a.txt', 'b.txt'))).toMatchObject({ status: 403 })
    expect(await at.send('PUT', url, { body: 'x' })).toMatchObject({ status: 404 })
    at.passTime(3_600_000)
    expect(await at.sendJson('GET', url)).toEqual({
      status: 403,
      body: { error_code: 'PERMISSION_DENIED', message: 'This address has expired; ask for a new one' },
    })
  })

  test('of a file of a run is given for as long as asked', async () => {
    await at.put('1/run1/artifacts/s.txt', 'abc')
    const ask = (body: object) =>
      at.sendJson('POST', '/api/2.0/mlflow/artifacts/presigned-download-url', body)

    const { body } = await ask({ run_id: 'run1', path: 's.txt', expiration: 60 })
    const url = pathOfUrl(body.presigned_url)
    expect(body).toMatchObject({ file_size: 3, headers: {} })
    expect(await at.send('GET', url)).toMatchObject({ status: 200, text: 'abc' })
    at.passTime(60_000)
    expect(await at.send('GET', url)).toMatchObject({ status: 403 })
    expect(await ask({ run_id: 'run1', path: 'none.txt' })).toMatchObject({ status: 404 })
    expect(await ask({ run_id: 'run1', path: 's.txt', expiration: 604_801 })).toMatchObject({ status: 400 })
    expect(await ask({ run_id: 'run1' })).toMatchObject({ status: 400 })
  })
})

test('a key that is lost is made anew, and old addresses are good no longer', async () => {
  await at.put('key/a', 'x')
  const { body } = await at.sendJson('GET', '/api/2.0/mlflow-artifacts/presigned/key/a')
  const url = pathOfUrl(body.url)
  await at.restart(() => rm(join(at.folder, 'signing.key')))

  expect(await at.send('GET', url)).toMatchObject({ status: 403 })
})
