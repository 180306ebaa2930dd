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
