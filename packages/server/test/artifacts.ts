import { createHash } from 'node:crypto'
import type { InjectOptions } from 'fastify'
import type { ArtifactStorage } from '../src/artifacts/open.ts'
import { uriOf } from '../src/blobs/s3-client.ts'
import type { Control } from '../src/control/open.ts'
import { openTestControl, temporaryFolder } from '../src/control/testing.ts'
import { createExperiment } from '../src/tracking/experiments.ts'
import { createRun } from '../src/tracking/runs.ts'

/** What tests of artifacts share: a real control over a folder of its own, with a run here and one elsewhere. */

export const API = '/api/2.0/mlflow-artifacts/artifacts'
export const sha256 = (text: string, encoding: 'hex' | 'base64' = 'hex') =>
  createHash('sha256').update(text).digest(encoding)

type Method = NonNullable<InjectOptions['method']>
type Sent = { readonly headers?: Readonly<Record<string, string>>; readonly body?: string | Buffer }

export type ArtifactTest = Awaited<ReturnType<typeof openArtifactTest>>

export async function openArtifactTest(artifacts?: ArtifactStorage) {
  const folder = await temporaryFolder()
  const state = { now: Date.UTC(2030, 0, 1) }
  const open = () => openTestControl(folder.path, { now: () => state.now, artifacts })
  let control: Control = await open()
  for (const [runId, artifactLocation] of [
    ['run1', undefined],
    ['elsewhere', 's3://bucket/1'],
  ] as const) {
    const experiment = {
      artifactRoot: artifacts?.isDirect ? uriOf(artifacts) : 'mlflow-artifacts:/',
      artifactLocation,
      tags: [],
      name: runId,
    }
    const id = String(await createExperiment(control.context.db, { ...experiment, now: state.now }))
    const run = { experiment: id, runId, userId: 'ana', name: 'r', startTime: 0, tags: [] }
    await createRun(control.context.db, run)
  }

  const send = async (method: Method, url: string, { headers = {}, body }: Sent = {}) => {
    const reply = await control.app.inject({
      ...{ method, url, headers: { host: 'localhost:7600', ...headers } },
      ...(body !== undefined && { payload: body }),
    })
    return { status: reply.statusCode, headers: reply.headers, text: reply.body, bytes: reply.rawPayload }
  }
  return {
    folder: folder.path,
    control: () => control,
    passTime(ms: number) {
      state.now += ms
    },
    send,
    async sendJson(method: Method, url: string, body?: object) {
      const { status, text } = await send(method, url, {
        ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
      })
      return { status, body: JSON.parse(text) as Readonly<Record<string, unknown>> }
    },
    put: (path: string, body: string | Buffer, headers: Readonly<Record<string, string>> = {}) =>
      send('PUT', `${API}/${path}`, {
        ...{ headers: { 'content-type': 'application/octet-stream', ...headers }, body },
      }),
    async restart(meanwhile: () => Promise<void> = async () => {}) {
      await control.close()
      await meanwhile()
      control = await open()
    },
    async close() {
      await control.close()
      await folder[Symbol.asyncDispose]()
    },
  }
}

/** An address that was given out, as a path of this server. */
export const pathOfUrl = (url: unknown): string => String(url).replace(/^https?:\/\/[^/]+/, '')
