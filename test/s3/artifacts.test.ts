import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ObjectStore } from '../../packages/server/src/blobs/blob-store.ts'
import { s3Blobs } from '../../packages/server/src/blobs/s3.ts'
import { openS3 } from '../../packages/server/src/blobs/s3-client.ts'
import { openArtifactTest } from '../../packages/server/test/artifacts.ts'
import { eventually, type Running, startMillwright } from '../support/millwright.ts'
import { CREDENTIALS, type S3Server, startS3, whyNoS3 } from './versitygw.ts'

const reason = whyNoS3()
if (reason !== undefined) console.warn(`skipped: ${reason}`)

const LOCATION = 's3://bucket/some/prefix'
const API = '/api/2.0/mlflow-artifacts'
const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex')
/** Bytes that differ from one another, as many as wanted. */
const bytesOf = (length: number, seed = 1) => {
  const bytes = Buffer.allocUnsafeSlow(length)
  for (let i = 0; i < length; i++) bytes[i] = (Math.imul(i + seed, 2_654_435_761) >>> 13) & 0xff
  return bytes
}
const pieces = function* (bytes: Buffer) {
  for (let at = 0; at < bytes.length; at += 65_536) yield Buffer.from(bytes.subarray(at, at + 65_536))
}
const read = async (source: Readable) => Buffer.concat(await source.toArray())

describe.skipIf(reason !== undefined)('on S3', () => {
  let s3: S3Server
  /** The server keeps no empty folders. */
  const objects = (folder = '') => {
    const path = join(s3.folder, 'bucket/some/prefix', folder)
    if (!existsSync(path)) return []
    const entries = readdirSync(path, { recursive: true, withFileTypes: true })
    return entries.filter((entry) => entry.isFile()).map(({ name }) => name)
  }

  beforeAll(async () => {
    s3 = await startS3()
    // A folder at the top is a bucket.
    mkdirSync(join(s3.folder, 'bucket'))
    Object.assign(process.env, CREDENTIALS)
  })
  afterAll(() => s3?.stop())

  describe('a blob', () => {
    let blobs: ObjectStore
    beforeAll(async () => {
      blobs = s3Blobs(await openS3({ bucket: 'bucket', prefix: 'some/prefix', endpoint: s3.endpoint }))
    })

    test.each([0, 1, 8 << 20, (8 << 20) + 1, 20_000_000])(
      'of %d bytes is read back, whole and in part',
      async (length) => {
        const bytes = bytesOf(length)

        const stored = await blobs.put(Readable.from(pieces(bytes)))

        expect(stored).toEqual({ digest: sha256(bytes), bytes: length })
        expect((await read(blobs.get(stored.digest))).equals(bytes)).toBe(true)
        expect(await blobs.head(stored.digest)).toMatchObject({ bytes: length })
        const part = await read(blobs.get(stored.digest, { start: Math.floor(length / 2), end: length }))
        expect(part.equals(bytes.subarray(Math.floor(length / 2)))).toBe(true)
        expect(objects('incoming')).toEqual([])
      },
    )

    test('that is not what was promised, is too large or is cut off leaves nothing', async () => {
      const bytes = bytesOf(10_000_000, 7)
      const before = objects().length
      const failing = Readable.from(
        (async function* () {
          yield* pieces(bytes)
          throw new Error('gone')
        })(),
      )
      const put = (source: Readable, options: object) => blobs.put(source, options)

      await expect(put(Readable.from(pieces(bytes)), { expected: sha256('x') })).rejects.toMatchObject({
        code: 'DIGEST_MISMATCH',
      })
      await expect(put(Readable.from(pieces(bytes)), { maxBytes: 9_000_000 })).rejects.toMatchObject({
        code: 'BODY_TOO_LARGE',
      })
      await expect(put(failing, {})).rejects.toThrow('gone')

      expect(await blobs.head(sha256(bytes))).toBeUndefined()
      expect(objects().length).toBe(before)
    })

    test('that is deleted is gone; again does no harm', async () => {
      const { digest } = await blobs.put(Readable.from([Buffer.from('to be deleted')]))
      await blobs.delete(digest)
      await blobs.delete(digest)

      expect(await blobs.head(digest)).toBeUndefined()
      await expect(read(blobs.get(digest))).rejects.toMatchObject({ name: 'NoSuchKey' })
    })

    test('is listed among others, more than the store tells at once; what is no blob is not', async () => {
      const { digest } = await blobs.put(Readable.from([Buffer.from('listed')]))
      const folder = join(s3.folder, 'bucket/some/prefix/sha256/ab')
      const names = Array.from({ length: 1100 }, (_, i) => String(i).padStart(62, '0'))
      mkdirSync(folder, { recursive: true })
      for (const name of [...names, 'notes.txt']) writeFileSync(join(folder, name), 'x')

      const listed = await Array.fromAsync(blobs.list())
      rmSync(folder, { recursive: true })

      const found = listed.find((blob) => blob.digest === digest)
      expect(found).toMatchObject({ bytes: 6, modifiedAt: expect.any(Number) })
      expect(Math.abs(Date.now() - found!.modifiedAt)).toBeLessThan(60_000)
      const inFolder = listed.filter((blob) => blob.digest.startsWith('ab'))
      expect(inFolder.map((blob) => blob.digest)).toEqual(
        expect.arrayContaining(names.map((name) => `ab${name}`)),
      )
      expect(listed.every((blob) => /^[0-9a-f]{64}$/.test(blob.digest))).toBe(true)
    })

    test('that was stored again since is not deleted, nor one that is being stored', async () => {
      const put = (text: string) => blobs.put(Readable.from([Buffer.from(text)]))
      const { digest } = await put('again and again')
      await blobs.delete(digest, Date.now() - 3_600_000)
      expect(await blobs.head(digest)).toBeDefined()

      // All are acknowledged, whatever the order in which they reach the store.
      for (let round = 0; round < 20; round++) {
        await Promise.all([put('again and again'), blobs.delete(digest), put('again and again')])
        expect(await blobs.head(digest), `round ${round}`).toBeDefined()
        await Promise.all([blobs.delete(digest), put('again and again')])
        expect(await blobs.head(digest), `round ${round}`).toBeDefined()
      }
      await blobs.delete(digest, Date.now() + 3_600_000)
      expect(await blobs.head(digest)).toBeUndefined()
    })
  })

  describe('the server', () => {
    let server: Running
    const ask = (method: string, path: string, init: RequestInit = {}) =>
      fetch(`${server.url}${path}`, { method, ...init })
    const askJson = async (method: string, path: string, body: object) => {
      const init = { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
      return (await ask(method, path, init)).json() as Promise<never>
    }
    beforeAll(async () => {
      const env = { ...CREDENTIALS, MILLWRIGHT_ARTIFACTS_ENDPOINT: s3.endpoint }
      server = await startMillwright({ args: ['--artifacts', LOCATION], env })
    })
    afterAll(() => server?.stop())

    test('keeps files there, and nothing of them here', async () => {
      const bytes = bytesOf(12_345_678, 3)
      const file = `${API}/artifacts/1/run/artifacts/model.bin`

      expect((await ask('PUT', file, { body: bytes })).status).toBe(200)
      const got = await ask('GET', file)
      const part = await ask('GET', file, { headers: { range: 'bytes=12000000-12000009' } })

      expect(sha256(new Uint8Array(await got.arrayBuffer()))).toBe(sha256(bytes))
      expect([part.status, Buffer.from(await part.arrayBuffer())]).toEqual([
        206,
        bytes.subarray(12_000_000, 12_000_010),
      ])
      expect(await (await ask('GET', `${API}/artifacts?path=1/run/artifacts`)).json()).toEqual({
        files: [{ path: 'model.bin', is_dir: false, file_size: 12_345_678 }],
      })
      expect(objects('sha256')).toContain(sha256(bytes).slice(2))
      expect(
        readdirSync(join(server.data, 'blobs'), { recursive: true }).filter(
          (name) => String(name).length > 40,
        ),
      ).toEqual([])
      expect((await ask('DELETE', file)).status).toBe(200)
      expect((await ask('GET', file)).status).toBe(404)
    })

    test('lets the store take the parts of a file and hand it out', async () => {
      const [first, second] = [bytesOf(6 << 20, 11), bytesOf(1_000, 12)]
      type Created = { upload_id: string; credentials: { url: string; part_number: number }[] }
      const created: Created = await askJson('POST', `${API}/mpu/create/big`, {
        path: 'b é.bin',
        num_parts: 2,
      })
      const send = async (index: number, body: Buffer<ArrayBuffer>) => {
        const { url, part_number } = created.credentials[index]!
        expect(new URL(url).origin).toBe(s3.endpoint)
        const answer = await fetch(url, { method: 'PUT', body })
        return { part_number, etag: answer.headers.get('etag'), url }
      }
      const parts = [await send(1, second), await send(0, first)]
      const finish = (named: readonly object[]) =>
        askJson('POST', `${API}/mpu/complete/big`, {
          path: 'b é.bin',
          upload_id: created.upload_id,
          parts: named,
        })

      const wrong = parts.map((part) => ({ ...part, etag: '"00000000000000000000000000000000"' }))
      expect(await finish(wrong)).toMatchObject({ error_code: 'INVALID_PARAMETER_VALUE' })
      expect(await finish(parts)).toEqual({})
      expect(await finish(parts)).toEqual({})

      const signed = await (await ask('GET', `${API}/presigned/big/${encodeURIComponent('b é.bin')}`)).json()
      const { url, file_size } = signed as { url: string; file_size: number }
      const got = await fetch(url, { headers: { range: `bytes=${6 << 20}-` } })
      expect([new URL(url).origin, file_size, got.status]).toEqual([s3.endpoint, (6 << 20) + 1_000, 206])
      expect(got.headers.get('content-disposition')).toContain('attachment')
      expect(Buffer.from(await got.arrayBuffer()).equals(second)).toBe(true)
      expect(objects('incoming')).toEqual([])
    })

    test('leaves nothing of parts that are given up, nor of an upload that is cut off', async () => {
      const created = await askJson('POST', `${API}/mpu/create/x`, { path: 'a', num_parts: 1 })
      const { upload_id, credentials } = created as { upload_id: string; credentials: { url: string }[] }
      await fetch(credentials[0]!.url, { method: 'PUT', body: 'part' })
      expect(await askJson('POST', `${API}/mpu/abort/x`, { path: 'a', upload_id })).toEqual({})
      expect((await fetch(credentials[0]!.url, { method: 'PUT', body: 'part' })).status).toBe(404)

      const { hostname, port } = new URL(server.url)
      const socket = connect(Number(port), hostname)
      socket.write(
        `PUT ${API}/artifacts/cut HTTP/1.1\r\nhost: ${hostname}\r\ncontent-length: 90000000\r\n\r\n`,
      )
      socket.write(Buffer.alloc(20_000_000))
      const under = () => readdirSync(join(s3.folder, 'bucket'), { recursive: true }).length
      const before = under()
      await eventually(async () => under() > before)
      socket.destroy()
      await eventually(async () => under() <= before)
      expect((await ask('GET', `${API}/artifacts/cut`)).status).toBe(404)
    })
  })

  test('that cannot be reached is said to be so, and is asked again', async () => {
    const env = { ...CREDENTIALS, MILLWRIGHT_ARTIFACTS_ENDPOINT: 'http://127.0.0.1:9', AWS_MAX_ATTEMPTS: '1' }
    const server = await startMillwright({ args: ['--artifacts', LOCATION], env })
    const answer = await fetch(`${server.url}${API}/artifacts/a`, { method: 'PUT', body: 'x' })
    const body = await answer.json()
    await server.stop()

    expect([answer.status, body]).toEqual([
      503,
      { error_code: 'TEMPORARILY_UNAVAILABLE', message: expect.stringContaining('The store of artifacts') },
    ])
  })

  test('that clients use themselves, leaves no file to this server', async () => {
    const args = ['--artifacts', LOCATION, '--artifacts-direct']
    const server = await startMillwright({ args, env: CREDENTIALS })
    const answers = await Promise.all([
      fetch(`${server.url}${API}/artifacts/a`, { method: 'PUT', body: 'x' }),
      fetch(`${server.url}${API}/artifacts/a`),
      fetch(`${server.url}${API}/artifacts`),
    ])
    await server.stop()

    expect(answers.map(({ status }) => status)).toEqual([503, 503, 503])
  })

  test('files that clients wrote themselves are listed and handed out by their run, if they are below the location', async () => {
    const place = { bucket: 'bucket', prefix: 'some/prefix', endpoint: s3.endpoint }
    const at = await openArtifactTest({ ...place, isDirect: true })
    const { client, sdk } = await openS3(place)
    const write = (name: string) =>
      client.send(
        new sdk.PutObjectCommand({
          Bucket: 'bucket',
          Key: `some/prefix/1/run1/artifacts/${name}`,
          Body: '12345',
        }),
      )
    await write('model/MLmodel')
    await write('notes é.txt')
    const list = (query: string) => at.sendJson('GET', `/api/2.0/mlflow/artifacts/list?${query}`)
    const presign = (path: string) =>
      at.sendJson('POST', '/api/2.0/mlflow/artifacts/presigned-download-url', { run_id: 'run1', path })

    expect(await list('run_id=run1')).toEqual({
      status: 200,
      body: {
        root_uri: 's3://bucket/some/prefix/1/run1/artifacts',
        files: [
          { path: 'model', is_dir: true },
          { path: 'notes é.txt', is_dir: false, file_size: 5 },
        ],
      },
    })
    expect((await list('run_id=run1&path=model')).body.files).toEqual([
      { path: 'model/MLmodel', is_dir: false, file_size: 5 },
    ])
    expect(await list('run_id=run1&path=..')).toMatchObject({ status: 400 })
    expect(await list('run_id=elsewhere')).toMatchObject({ status: 501 })
    const { body } = await presign('notes é.txt')
    expect(body).toMatchObject({ file_size: 5 })
    expect(await (await fetch(String(body.presigned_url))).text()).toBe('12345')
    expect(await presign('none')).toMatchObject({ status: 404 })
    expect(await presign('../../../x')).toMatchObject({ status: 400 })
    await at.close()
  })

  test('files that clients wrote themselves are sent by their run and model, whole and in part, as safely as others', async () => {
    const place = { bucket: 'bucket', prefix: 'some/prefix', endpoint: s3.endpoint }
    const at = await openArtifactTest({ ...place, isDirect: true })
    const { client, sdk } = await openS3(place)
    const write = (name: string, Body: string) => {
      const Key = `some/prefix/1/${name}`
      return client.send(new sdk.PutObjectCommand({ Bucket: 'bucket', Key, Body, ContentType: 'text/html' }))
    }
    await write('run1/artifacts/page é.html', '<script>alert(1)</script>')
    await write('run1/artifacts/empty', '')
    const get = (query: string, headers = {}, method: 'GET' | 'HEAD' = 'GET') =>
      at.send(method, `/get-artifact?${query}`, { headers })
    const page = `run_id=run1&path=${encodeURIComponent('page é.html')}`

    const whole = await get(page)
    expect([whole.status, whole.text]).toEqual([200, '<script>alert(1)</script>'])
    expect(whole.headers).toMatchObject({
      'content-type': 'text/html',
      'content-length': '25',
      'content-disposition': expect.stringMatching(/^attachment; filename=/),
      'content-security-policy': "sandbox; default-src 'none'",
      'x-content-type-options': 'nosniff',
      etag: expect.stringMatching(/^"[^"]+"$/),
    })
    const { etag } = whole.headers as { etag: string }
    const part = await get(page, { range: 'bytes=1-6', 'if-range': etag })
    expect([part.status, part.text, part.headers['content-range']]).toEqual([206, 'script', 'bytes 1-6/25'])
    expect((await get(page, { 'if-none-match': etag })).status).toBe(304)
    const head = await get(page, {}, 'HEAD')
    expect([head.status, head.text, head.headers['content-length']]).toEqual([200, '', '25'])
    expect((await get(page, { range: 'bytes=90-' })).status).toBe(416)
    expect(await get('run_id=run1&path=empty')).toMatchObject({ status: 200, text: '' })
    writeFileSync(join(s3.folder, 'bucket/some/prefix/1/run1/artifacts/untagged'), 'no ETag')
    const untagged = await get('run_id=run1&path=untagged')
    expect([untagged.status, untagged.text, untagged.headers.etag]).toEqual([200, 'no ETag', undefined])
    expect((await get('run_id=run1&path=none')).status).toBe(404)
    expect((await get('run_id=run1&path=../../x')).status).toBe(400)
    expect((await get('run_id=elsewhere&path=a')).status).toBe(501)

    const { body } = await at.sendJson('POST', '/api/2.0/mlflow/logged-models', {
      experiment_id: '1',
      name: 'm',
    })
    const { model_id } = (body.model as { info: { model_id: string } }).info
    await write(`models/${model_id}/artifacts/MLmodel`, 'flavors: {}')
    const file = `/ajax-api/2.0/mlflow/logged-models/${model_id}/artifacts/files?artifact_file_path=MLmodel`
    expect(await at.send('GET', file)).toMatchObject({ status: 200, text: 'flavors: {}' })
    await at.close()
  })
})

test.each([
  [
    ['--artifacts', 'http://bucket'],
    'MILLWRIGHT_ARTIFACTS is "http://bucket"; expected s3://bucket or s3://bucket/prefix',
  ],
  [['--artifacts', 's3://bucket'], 'artifacts at s3://bucket: no region is known; set AWS_REGION'],
  [
    ['--artifacts-direct'],
    'MILLWRIGHT_ARTIFACTS_DIRECT sends clients to the store of MILLWRIGHT_ARTIFACTS, and there is none',
  ],
])('a start with %j says what is wrong', async (args, message) => {
  const env = { AWS_REGION: undefined, AWS_CONFIG_FILE: '/none', HOME: '/none' }
  const refusal = await startMillwright({ args, env }).catch((error: Error) => error.message)

  expect(refusal).toContain(message)
})
