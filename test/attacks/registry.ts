import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually, ROOT } from '../support/millwright.ts'
import { rawPost } from '../support/raw.ts'
import { codeOf } from './attack.ts'
import { JSON_TYPE, type Target } from './target.ts'

/** What an attacker, or a test, does to a server's models. */

export const fixture = (path: string): Buffer => readFileSync(join(ROOT, path))

/** Uploads a file and makes a version of it. What it is answered: a version, or the code of its refusal. */
export async function register(
  target: Target,
  model: string,
  bytes: Uint8Array,
): Promise<{ status: number; code: string | undefined; number: number; detail: string }> {
  const upload = await target.ask('PUT', '/api/v1/uploads', { body: Buffer.from(bytes) })
  const { digest } = JSON.parse(upload.body) as { digest: string }
  const { status, body } = await target.ask('POST', `/api/v1/models/${model}/versions`, {
    headers: JSON_TYPE,
    body: JSON.stringify({ digest }),
  })
  const answer = JSON.parse(body) as { number?: number; detail?: string }
  return { status, code: codeOf(body), number: answer.number ?? 0, detail: answer.detail ?? '' }
}

/** A model file, served under the name of its model. */
export async function serve(
  target: Target,
  name: string,
  bytes: Uint8Array,
  config: object = {},
): Promise<void> {
  const { number, detail } = await register(target, name, bytes)
  if (number === 0) throw new Error(`${name} was refused: ${detail}`)
  const body = JSON.stringify({ name, model: name, version: number, ...config })
  await target.ask('POST', '/api/v1/deployments', { headers: JSON_TYPE, body })
  await eventually(async () => (await target.ask('GET', `/v2/models/${name}/ready`)).status === 200)
}

export const predictRows = (target: Target, name: string, body: object) =>
  target.ask('POST', `/api/v1/deployments/${name}/predict`, {
    headers: JSON_TYPE,
    body: JSON.stringify(body),
  })

export const rawPredict = (name: string, body: object): string =>
  rawPost(`/api/v1/deployments/${name}/predict`, JSON.stringify(body))
