import { request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { API, type ArtifactTest, openArtifactTest } from '../../test/artifacts.ts'

let at: ArtifactTest
beforeAll(async () => {
  at = await openArtifactTest()
})
afterAll(() => at.close())

/** As it is: `inject` would tidy the path first. */
const sendRaw = (method: string, path: string, body = '') =>
  new Promise<{ status: number; body: unknown }>((resolve, reject) => {
    const { port } = at.control().app.server.address() as AddressInfo
    const hasBody = method === 'PUT' || method === 'POST'
    const headers = { host: 'localhost', ...(hasBody && { 'content-type': 'application/json' }) }
    const asked = request({ host: '127.0.0.1', port, method, path, headers }, async (answer) => {
      const text = Buffer.concat(await answer.toArray()).toString()
      resolve({ status: answer.statusCode!, body: JSON.parse(text) })
    })
    asked.on('error', reject).end(hasBody ? body : '')
  })

describe('a path that leads elsewhere', () => {
  const encoded = [
    ...[
      '..',
      '../x',
      '%2e%2e/x',
      '%2E%2E%2fx',
      '..%2f..%2fetc/passwd',
      '%252e%252e/x',
      '%25252e/x',
      'a/../../x',
    ],
    ...[
      '.',
      '%2e',
      './a',
      'a/.',
      '/etc/passwd',
      '%2fetc/passwd',
      'a//b',
      'a%2f%2fb',
      'a%5c..%5cb',
      '..\\x',
      'C:/x',
    ],
    ...[
      'a%00b',
      'a%0ab',
      'a%7f',
      '%EF%BC%8E%EF%BC%8E/x',
      'file:///etc',
      'a;/../b',
      'a%3b/..',
      '%20/x',
      'x%20',
    ],
    ...['a'.repeat(2049), '%61'.repeat(2049)],
  ]
  const undecodable = ['%ff', '%', 'a%2', '%c0%ae%c0%ae/x', '%u002e']
  const refused = { status: 400, body: { error_code: 'INVALID_PARAMETER_VALUE', message: 'Invalid path' } }
  const BASE = '/api/2.0/mlflow-artifacts'
  const mpu = JSON.stringify({
    path: 'f',
    upload_id: 'x',
    num_parts: 1,
    parts: [{ part_number: 1, etag: 'x' }],
  })
  const inPath = (path: string): [method: string, url: string][] => [
    ...['GET', 'HEAD', 'PUT', 'DELETE'].map((method): [string, string] => [method, `${API}/${path}`]),
    ['GET', `${BASE}/presigned/${path}`],
    ...['create', 'complete', 'abort'].map((step): [string, string] => [
      'POST',
      `${BASE}/mpu/${step}/${path}`,
    ]),
    ['GET', `/ajax-api/2.0/mlflow-artifacts/artifacts/${path}`],
    ['GET', `${BASE}/signed/files/${path}`],
  ]
  const inQuery = (path: string): [method: string, url: string][] => [
    ['GET', `${API}?path=${path}`],
    ['GET', `/get-artifact?run_id=run1&path=${path}`],
    ['GET', `/api/2.0/mlflow/artifacts/list?run_id=run1&path=${path}`],
    ['POST', `/ajax-api/2.0/mlflow/upload-artifact?run_uuid=run1&path=${path}`],
  ]
  beforeAll(() => at.control().app.listen({ port: 0, host: '127.0.0.1' }))

  test.each(encoded.map((path) => [path.slice(0, 30), path]))(
    '%s is refused in every form',
    async (_, path) => {
      for (const [method, url] of [...inPath(path), ...inQuery(path)].filter(([name]) => name !== 'HEAD'))
        expect([method, url.slice(0, 90), await sendRaw(method, url, mpu)]).toEqual([
          method,
          url.slice(0, 90),
          refused,
        ])
    },
  )

  test.each(undecodable)('or to no name at all, %s, is refused', async (path) => {
    for (const [method, url] of inPath(path).filter(([name]) => name !== 'HEAD'))
      expect([method, url, (await sendRaw(method, url, mpu)).status]).toEqual([method, url, 400])
  })

  test('or is the root, is not deleted', async () => {
    await at.put('kept/a', 'x')
    for (const path of ['/', '/.', '/%2e', '//', '/./', '/%2f', '/kept/..'])
      expect([path, await sendRaw('DELETE', `${API}${path}`)]).toEqual([path, refused])
    expect((await sendRaw('DELETE', API)).status).toBe(404)
    expect((await at.send('GET', `${API}/kept/a`)).status).toBe(200)
  })

  test('by a route that is spelled otherwise, is none', async () => {
    expect(await sendRaw('GET', '/api/2.0/mlflow-%61rtifacts/artifacts/kept/a')).toMatchObject({
      status: 404,
    })
    expect(await sendRaw('DELETE', '/api/2.0/mlflow-artifacts/artifacts%2fkept/a')).toMatchObject({
      status: 404,
    })
  })
})
