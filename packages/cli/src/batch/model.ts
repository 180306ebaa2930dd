import { createHash } from 'node:crypto'
import { existsSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import type { Client } from '@millwright/client'
import type { Decision, ModelSchema } from '@millwright/contracts'
import { compileFiles, ModelError } from '@millwright/engine'
import { isHosted } from '@millwright/engine/hosted'
import { schemaOf } from '@millwright/inference/schema'
import { type SharedProgram, shareProgram } from '@millwright/runtime/pool'
import { CommandError } from '../command.ts'
import { argumentsOf, type ModelFiles, readModelFiles } from '../model-parts.ts'

/** A model to score a file with, and what is to be said of it. */
export type BatchModel = {
  readonly shared: SharedProgram
  readonly schema: ModelSchema
  readonly decision: Decision | null
  /** Written beside every answer: `v3`, or `sha256:` and the beginning of the program's digest. */
  readonly version: string
  /** sha256 of the program. */
  readonly digest: string
}

/** A model file, or the name of a deployment: what is no file is asked for at the server. */
export const isModelFile = (given: string): boolean =>
  (existsSync(given) && statSync(given).isFile()) ||
  /[/\\#]|\.(pkl|pickle|joblib|json|txt|cbm|skops|onnx|ubj|model)$/i.test(given)

/** @throws CommandError with the refusal */
export async function openModelFile(files: ModelFiles): Promise<BatchModel> {
  const parts = await readModelFiles(files)
  try {
    const { program } = await compileFiles(parts, {})
    const digest = digestOf(program)
    return open(program, { digest, decision: null, version: `sha256:${digest.slice(0, 12)}` })
  } catch (error) {
    if (!(error instanceof ModelError)) throw error
    throw new CommandError(`${basename(files.model.path)} cannot be served: ${error.message}`, [
      `millwright inspect ${argumentsOf(files)}`,
    ])
  }
}

/** What a deployment serves now, its decision included. @throws ClientError; CommandError for bytes that were damaged */
export async function openDeployment(client: Client, name: string): Promise<BatchModel> {
  const { headers, body } = await client.getDeploymentProgram(name)
  const { version, revision } = await client.getDeployment(name)
  if (headers.get('x-millwright-version') !== String(version.number))
    throw new CommandError(`${name} was promoted while it was asked for`, ['run the command again'])
  const digest = digestOf(body)
  if (headers.get('digest') !== `sha-256=${Buffer.from(digest, 'hex').toString('base64')}`)
    throw new CommandError(`the program of ${name} was damaged on its way`, ['run the command again'])
  return open(body, { digest, version: version.label, decision: revision.config.decision ?? null })
}

function open(program: Uint8Array, about: Omit<BatchModel, 'shared' | 'schema'>): BatchModel {
  const shared = shareProgram(program)
  if (isHosted(shared.program))
    throw new CommandError('this model is run by a process of its own, which batch does not do', [
      'millwright score FILE --data ROWS, or send the rows to a server: millwright predict DEPLOYMENT --data ROWS',
    ])
  return { ...about, shared, schema: schemaOf(shared.program) }
}

const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
