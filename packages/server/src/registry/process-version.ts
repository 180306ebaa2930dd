import { Readable } from 'node:stream'
import { MillwrightError } from '@millwright/contracts'
import { RefusedFile } from '@millwright/engine/compile-file'
import { ModelError } from '@millwright/engine/errors'
import { readBlob } from '../blobs/blob-store.ts'
import type { Context } from '../context.ts'
import { inTransaction } from '../db/transaction.ts'
import { recordEvent } from '../events/record.ts'
import { type StoredVersion, subjectOf, type VersionKey } from './model.ts'
import { readFiles } from './parts.ts'
import type { ModelReading, Sample } from './read-model.ts'
import { findVersion, updateVersion, type VersionChange } from './store.ts'

/** A file that ended the process this often while it was read is refused. */
const MAX_ATTEMPTS = 3

/**
 * Reads a PENDING version's file and makes it READY, or REFUSED with the reason. When storage fails the version stays
 * PENDING and the error is thrown; it is tried again when asked for, and at start.
 */
export async function processVersion(context: Context, key: VersionKey): Promise<StoredVersion> {
  const version = await findVersion(context.db, key)
  if (version?.state !== 'PENDING') return version!
  if (version.attempts >= MAX_ATTEMPTS)
    return settle(context, version, refusal(`reading this file ended the server ${MAX_ATTEMPTS} times`))
  await updateVersion(context.db, key, { attempts: version.attempts + 1 })
  try {
    return await settle(context, version, await examine(context, version))
  } catch (error) {
    await updateVersion(context.db, key, { attempts: version.attempts }).catch(() => {})
    throw error
  }
}

type Outcome = {
  readonly type: string
  readonly data: Record<string, unknown>
  readonly change: VersionChange
}

async function examine(context: Context, version: StoredVersion): Promise<Outcome> {
  try {
    const { program: bytes, ...reading } = await read(context, version)
    const { digest: program } = await context.blobs.put(Readable.from([bytes]))
    const change = { ...reading, state: 'READY', reason: null, program } as const
    return { type: 'version.ready', data: { label: version.label }, change }
  } catch (error) {
    if (error instanceof RefusedFile) return refusal(error.message, error.report)
    if (error instanceof ModelError) return refusal(error.message)
    if (error instanceof MillwrightError || isSystemFault(error)) throw error
    const { model, number } = version
    context.log.error({ error }, `model "${model}" version ${number} could not be read`)
    return refusal('reading this file failed for a reason that lies with us; please report it')
  }
}

const refusal = (reason: string, report?: Record<string, unknown>): Outcome => ({
  type: 'version.refused',
  data: { reason },
  change: { state: 'REFUSED', reason, ...(report && { report }) },
})

/** Said by the operating system or SQLite: not the file's fault. */
const isSystemFault = (error: unknown): boolean =>
  error instanceof Error && ('errno' in error || 'errcode' in error)

async function read(context: Context, version: StoredVersion): Promise<ModelReading> {
  const sample = version.sample === null ? undefined : await readBlob(context.blobs, version.sample)
  const { bytes, others } = await readFiles(context.blobs, version)
  return context.readModel(bytes, sample && (JSON.parse(sample.toString()) as Sample), others)
}

async function settle(context: Context, version: StoredVersion, outcome: Outcome): Promise<StoredVersion> {
  return inTransaction(context.db, async (tx) => {
    const settled = await updateVersion(tx, version, { ...outcome.change, attempts: 0 })
    await recordEvent(tx, {
      at: context.now(),
      type: outcome.type,
      subject: subjectOf(version),
      by: version.createdBy,
      data: outcome.data,
    })
    return settled
  })
}
