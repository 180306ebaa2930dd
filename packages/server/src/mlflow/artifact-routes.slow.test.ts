import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { API, type ArtifactTest, openArtifactTest, sha256 } from '../../test/artifacts.ts'

let at: ArtifactTest
beforeAll(async () => {
  at = await openArtifactTest()
})
afterAll(() => at.close())

describe('a file', () => {
  test('comes back as it was sent, to be kept and not to be run', async () => {
    expect(await at.put('1/run/artifacts/plot.html', '<script>alert(1)</script>')).toMatchObject({
      status: 200,
      text: '{}',
    })

    const { status, headers, text } = await at.send('GET', `${API}/1/run/artifacts/plot.html`)

    expect({ status, text }).toEqual({ status: 200, text: '<script>alert(1)</script>' })
    expect(headers).toMatchObject({
      'content-type': 'text/html',
      'content-length': '25',
      'content-disposition': 'attachment; filename="plot.html"',
      'content-security-policy': "sandbox; default-src 'none'",
      'x-content-type-options': 'nosniff',
      'accept-ranges': 'bytes',
      etag: `"${sha256('<script>alert(1)</script>')}"`,
      'repr-digest': `sha-256=:${sha256('<script>alert(1)</script>', 'base64')}:`,
      'cache-control': 'private, no-cache',
    })
  })

  test('of no bytes, of any bytes, or of any type is one', async () => {
    const bytes = Buffer.from(Array.from({ length: 1 << 18 }, (_, i) => (i * 7919) & 0xff))
    await at.put('r/empty', '')
    await at.put('r/bytes', bytes, { 'content-type': 'application/json' })

    expect(await at.send('GET', `${API}/r/empty`)).toMatchObject({
      status: 200,
      text: '',
      headers: { 'content-length': '0' },
    })
    expect((await at.send('GET', `${API}/r/bytes`)).bytes.equals(bytes)).toBe(true)
  })

  test('is told of by HEAD, without its bytes', async () => {
    await at.put('r/a.txt', 'hello')

    const { status, headers, text } = await at.send('HEAD', `${API}/r/a.txt`)

    expect({ status, text, length: headers['content-length'] }).toEqual({
      status: 200,
      text: '',
      length: '5',
    })
  })

  test('has a name in any letters', async () => {
    const name = `é "x" (1)'*;.txt`
    await at.put(`r/${encodeURIComponent(name)}`, 'x')

    const { status, headers } = await at.send('GET', `${API}/r/${encodeURIComponent(name)}`)

    expect(status).toBe(200)
    expect(headers['content-disposition']).toBe(
      `attachment; filename="_ _x_ _1____.txt"; filename*=UTF-8''%C3%A9%20%22x%22%20%281%29%27%2a%3B.txt`,
    )
  })

  test('is not sent again to who has it, and in parts to who asks for them', async () => {
    await at.put('r/ten', '0123456789')
    const { etag } = (await at.send('GET', `${API}/r/ten`)).headers as { etag: string }
    const get = async (headers: Record<string, string>) => {
      const answer = await at.send('GET', `${API}/r/ten`, { headers })
      return [answer.status, answer.text, answer.headers['content-range']]
    }

    expect(await get({ 'if-none-match': etag })).toEqual([304, '', undefined])
    expect(await get({ 'if-none-match': '"other"' })).toEqual([200, '0123456789', undefined])
    expect(await get({ range: 'bytes=2-4' })).toEqual([206, '234', 'bytes 2-4/10'])
    expect(await get({ range: 'bytes=-3' })).toEqual([206, '789', 'bytes 7-9/10'])
    expect(await get({ range: 'bytes=2-4', 'if-range': etag })).toEqual([206, '234', 'bytes 2-4/10'])
    expect(await get({ range: 'bytes=2-4', 'if-range': '"other"' })).toEqual([200, '0123456789', undefined])
    expect(await get({ range: 'bytes=2-4', 'if-range': 'Tue, 01 Jan 2030 00:00:00 GMT' })).toEqual([
      ...[200, '0123456789', undefined],
    ])
    expect(await get({ range: 'bytes=10-' })).toEqual([
      ...[416, expect.stringContaining("'r/ten' has 10 bytes"), 'bytes */10'],
    ])
  })

  test('is kept only if its bytes are those that were promised', async () => {
    const good = { digest: `sha-256=${sha256('x', 'base64')}` }
    expect((await at.put('r/d', 'x', good)).status).toBe(200)
    expect(
      (await at.put('r/d', 'x', { 'content-digest': `sha-256=:${sha256('x', 'base64')}:` })).status,
    ).toBe(200)

    const refused = await at.put('r/d', 'y', { 'content-digest': `sha-256=:${sha256('x', 'base64')}:` })

    expect(refused).toMatchObject({ status: 400, text: expect.stringContaining('INVALID_PARAMETER_VALUE') })
    expect((await at.put('r/d', 'y', { 'content-digest': 'sha-256=:abc:' })).status).toBe(400)
    expect((await at.send('GET', `${API}/r/d`)).text).toBe('x')
  })

  test('that equals another is stored once', async () => {
    const before = (await Array.fromAsync(at.control().context.blobs.list())).length
    await at.put('r/one', 'the same bytes')
    await at.put('r/two', 'the same bytes')

    expect((await Array.fromAsync(at.control().context.blobs.list())).length).toBe(before + 1)
  })

  test('that is not there is not found, and deleting it does no harm', async () => {
    expect(await at.sendJson('GET', `${API}/r/nothing`)).toEqual({
      status: 404,
      body: { error_code: 'RESOURCE_DOES_NOT_EXIST', message: "No such artifact: 'r/nothing'" },
    })
    expect(await at.sendJson('GET', `${API}/1/run`)).toMatchObject({ status: 404 })
    expect(await at.sendJson('DELETE', `${API}/r/nothing`)).toEqual({ status: 200, body: {} })
  })

  test('whose bytes were lost is not found either', async () => {
    await at.put('r/lost', 'bytes that will be lost')
    await at.control().context.blobs.delete(sha256('bytes that will be lost'))

    expect(await at.sendJson('GET', `${API}/r/lost`)).toEqual({
      status: 404,
      body: {
        error_code: 'RESOURCE_DOES_NOT_EXIST',
        message: "The bytes of 'r/lost' are gone from the store; log it again",
      },
    })
  })

  test('and its folder are deleted', async () => {
    await at.put('del/a/b', '1')
    await at.put('del/a/c', '2')
    await at.put('del/x', '3')

    expect((await at.send('DELETE', `${API}/del/a/`)).status).toBe(200)

    expect((await at.send('GET', `${API}/del/a/b`)).status).toBe(404)
    expect((await at.send('GET', `${API}/del/x`)).status).toBe(200)
  })
})

describe('a folder', () => {
  test('is listed by names', async () => {
    await at.put('list/model/MLmodel', '12345')
    await at.put('list/notes.txt', '1')

    for (const url of [
      `${API}?path=list`,
      `${API}?path=list%2F`,
      `/ajax-api/2.0/mlflow-artifacts/artifacts?path=list`,
    ])
      expect(await at.sendJson('GET', url)).toEqual({
        status: 200,
        body: {
          files: [
            { path: 'model', is_dir: true },
            { path: 'notes.txt', is_dir: false, file_size: 1 },
          ],
        },
      })
    expect(await at.sendJson('GET', `${API}?path=list/notes.txt`)).toEqual({ status: 200, body: {} })
    expect((await at.sendJson('GET', API)).body).toHaveProperty('files')
  })

  test('of a run is listed from its root, and its files are found there', async () => {
    await at.put('1/run1/artifacts/model/MLmodel', '12345')
    const list = (query: string) => at.sendJson('GET', `/api/2.0/mlflow/artifacts/list?${query}`)

    expect(await list('run_id=run1')).toEqual({
      status: 200,
      body: { root_uri: 'mlflow-artifacts:/1/run1/artifacts', files: [{ path: 'model', is_dir: true }] },
    })
    expect((await list('run_uuid=run1&path=model')).body).toMatchObject({
      files: [{ path: 'model/MLmodel', is_dir: false, file_size: 5 }],
    })
    expect(await list('run_id=none')).toMatchObject({ status: 404 })
    expect(await list('run_id=run1&path=..')).toMatchObject({
      status: 400,
      body: { message: 'Invalid path' },
    })
    expect(await list('run_id=elsewhere')).toMatchObject({
      status: 501,
      body: { error_code: 'NOT_IMPLEMENTED' },
    })
    expect((await list('')).body).toMatchObject({ message: expect.stringContaining("parameter 'run_id'") })
    expect(await at.send('GET', '/get-artifact?run_uuid=run1&path=model/MLmodel')).toMatchObject({
      status: 200,
      text: '12345',
    })
    expect(await at.send('GET', '/get-artifact?run_id=run1&path=../run2/x')).toMatchObject({ status: 400 })
    expect(await at.send('GET', '/get-artifact?run_id=run1')).toMatchObject({ status: 400 })
  })
})

describe('a small upload of the user interface', () => {
  const upload = (query: string, body: string | Buffer) =>
    sendJsonOf(
      at.send('POST', `/ajax-api/2.0/mlflow/upload-artifact?${query}`, {
        headers: { 'content-type': 'image/png' },
        body,
      }),
    )
  const sendJsonOf = async (answer: ReturnType<ArtifactTest['send']>) => {
    const { status, text } = await answer
    return [status, (JSON.parse(text) as { message?: string }).message]
  }

  test('is a file of the run', async () => {
    expect(await upload('run_uuid=run1&path=images/a.png', 'png')).toEqual([200, undefined])
    expect((await at.send('GET', `${API}/1/run1/artifacts/images/a.png`)).text).toBe('png')
  })

  test('says what is missing, and is not large', async () => {
    expect(await upload('path=a', 'x')).toEqual([400, 'Request must specify run_uuid.'])
    expect(await upload('run_uuid=run1', 'x')).toEqual([400, 'Request must specify path.'])
    expect(await upload('run_uuid=run1&path=a', '')).toEqual([400, 'Request must specify data.'])
    expect(await upload('run_uuid=none&path=a', 'x')).toEqual([404, 'Run with id=none not found'])
    expect(await upload('run_uuid=run1&path=../a', 'x')).toEqual([400, 'Invalid path'])
    expect(await upload('run_uuid=run1&path=a', Buffer.alloc((10 << 20) + 1))).toEqual([
      ...[400, 'Artifact size is too large. Max size is 10MB.'],
    ])
  })
})

test('collecting blobs at start keeps those of artifacts, and takes those that nothing names any more', async () => {
  await at.put('gc/kept', 'kept by its row')
  await at.put('gc/old', 'replaced')
  await at.put('gc/old', 'its successor')
  at.passTime(2 * 60 * 60 * 1000 + 5 * 365 * 24 * 60 * 60 * 1000)
  await at.restart()

  expect((await at.send('GET', `${API}/gc/kept`)).text).toBe('kept by its row')
  expect((await at.send('GET', `${API}/gc/old`)).text).toBe('its successor')
  expect(await at.control().context.blobs.head(sha256('replaced'))).toBeUndefined()
})
