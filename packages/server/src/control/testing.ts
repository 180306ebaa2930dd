import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { databaseIn } from '../db/testing.ts'
import { layoutOf } from '../layout.ts'
import { createLogger } from '../logging.ts'
import { engineReader } from '../registry/engine-reader.ts'
import { type Control, type ControlOptions, openControl } from './open.ts'

/** What tests of control share: a real one over a folder of its own. */

export const CHURN = ['v2', 'v3', 'bad'] as const

export const readChurn = (name: (typeof CHURN)[number]): Promise<Buffer> =>
  readFile(new URL(`../../../../examples/churn/models/churn_model_${name}.pkl`, import.meta.url))

export async function temporaryFolder(): Promise<{ path: string; [Symbol.asyncDispose](): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'millwright-control-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

export const silentLogger = () =>
  createLogger({ role: 'control', level: 'error', version: 'test', destination: { write: () => {} } })

export async function openTestControl(
  folder: string,
  options: Partial<ControlOptions> = {},
): Promise<Control> {
  return openControl({
    layout: layoutOf(folder),
    database: await databaseIn(folder),
    logger: createLogger({
      role: 'control',
      level: 'error',
      version: 'test',
      destination: { write: (line) => void process.stderr.write(line) },
    }),
    access: { boundToLoopback: true, loginRequired: false, allowedHosts: [] },
    maxModelBytes: 64 << 20,
    ackTimeoutMs: 2_000,
    readModel: engineReader({
      ...{ maxHeapMib: 512, deadlineMs: 30_000, maxBytes: 64 << 20 },
      host: { memoryMib: 512, loadMs: 20_000, runMs: 5_000 },
    }),
    readLogStatus: async () => ({ segments: 0, bytes: 0, dropped: {} }),
    routes: [],
    ...options,
  })
}

/** One in a folder of its own, for all tests of a file, which ends with `afterAll(close)`. */
export async function openSharedControl(options: Partial<ControlOptions> = {}) {
  const folder = await temporaryFolder()
  const control = await openTestControl(folder.path, options)
  return {
    control,
    folder: folder.path,
    async close(): Promise<void> {
      await control.close()
      await folder[Symbol.asyncDispose]()
    },
  }
}

type Answer = {
  readonly status: number
  readonly body: Record<string, unknown>
  readonly headers: Record<string, unknown>
}

/** One request with a JSON body, as `ana` sends it. */
export async function ask(
  app: FastifyInstance,
  method: 'GET' | 'PUT' | 'POST' | 'PATCH',
  url: string,
  body?: unknown,
): Promise<Answer> {
  const reply = await app.inject({
    method,
    url,
    headers: {
      'x-millwright-user': 'ana',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
  })
  const parsed = reply.body === '' ? {} : (JSON.parse(reply.body) as Record<string, unknown>)
  return { status: reply.statusCode, body: parsed, headers: reply.headers }
}

/** As MLflow's client asks: of a GET the message is the query. */
export async function askMlflow(
  app: FastifyInstance,
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
  call: string,
  message: Readonly<Record<string, unknown>> = {},
) {
  const url = `/api/2.0/mlflow/${call}`
  const reply = await app.inject(
    method === 'GET'
      ? { method, url: `${url}?${new URLSearchParams(message as Record<string, string>)}` }
      : { method, url, payload: JSON.stringify(message), headers: { 'content-type': 'application/json' } },
  )
  return { status: reply.statusCode, body: reply.json() }
}

/** … of what is changed, which must be. @returns the answer, as what it is known to be */
export async function postMlflow(app: FastifyInstance, call: string, message: object): Promise<never> {
  const { status, body } = await askMlflow(app, 'POST', call, { ...message })
  if (status !== 200) throw new Error(`${call}: ${status} ${JSON.stringify(body)}`)
  return body as never
}

/** Stores a file of a run or a model, as MLflow's client does. */
export async function putArtifact(
  app: FastifyInstance,
  path: string,
  payload: string | Buffer,
): Promise<void> {
  const reply = await app.inject({
    ...{ method: 'PUT', url: `/api/2.0/mlflow-artifacts/artifacts/${path}`, payload },
    headers: { 'content-type': 'application/octet-stream' },
  })
  if (reply.statusCode !== 200) throw new Error(`${path}: ${reply.statusCode} ${reply.body}`)
}

/** Sends the bytes of a file. @returns its digest */
export async function upload(app: FastifyInstance, bytes: Uint8Array): Promise<string> {
  const reply = await app.inject({
    method: 'PUT',
    url: '/api/v1/uploads',
    headers: { 'content-type': 'application/octet-stream' },
    payload: Buffer.from(bytes),
  })
  return (reply.json() as { digest: string }).digest
}

/** Makes a version of one of the churn example's files. */
export async function addChurn(app: FastifyInstance, name: (typeof CHURN)[number]): Promise<Answer> {
  const digest = await upload(app, await readChurn(name))
  return ask(app, 'POST', '/api/v1/models/churn/versions', { digest, filename: `churn_model_${name}.pkl` })
}
