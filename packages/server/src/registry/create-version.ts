import { Readable } from 'node:stream'
import type { CreateVersion } from '@millwright/contracts'
import { isIntact } from '../blobs/blob-store.ts'
import type { Actor, Context } from '../context.ts'
import type { Db } from '../db/database.ts'
import { inTransaction } from '../db/transaction.ts'
import { recordEvent } from '../events/record.ts'
import { announce } from '../webhooks/announce.ts'
import { chooseLabel } from './label.ts'
import { isReady, type StoredVersion, subjectOf } from './model.ts'
import { type Identity, identify } from './parts.ts'
import {
  ensureModel,
  findVersionByDigest,
  insertVersion,
  nameRun,
  readNumbering,
  updateVersion,
} from './store.ts'

export type NewVersionRequest = CreateVersion & { readonly model: string } & Actor

/**
 * Registers uploaded bytes as a version; it is PENDING until its file is read. The same bytes find the same version,
 * and one that was refused becomes PENDING again: the reader may have learnt, or the sample was corrected. So does one
 * whose program was damaged on disk.
 * @throws MillwrightError UPLOAD_NOT_FOUND, BODY_TOO_LARGE
 */
export async function createVersion(
  context: Context,
  request: NewVersionRequest,
): Promise<{ version: StoredVersion; created: boolean }> {
  const identity = await identify(context, request)
  const sample = await storeSample(context, request.sample)
  const isDamaged = await hasDamagedProgram(context, request.model, identity.digest)
  return inTransaction(context.db, async (tx) => {
    const present = await findVersionByDigest(tx, request.model, identity.digest)
    if (present !== undefined) await nameRun(tx, present, request.run_id)
    if (present !== undefined && (present.state === 'REFUSED' || isDamaged)) {
      const again = { state: 'PENDING', reason: null, sample: sample ?? present.sample } as const
      return { version: await updateVersion(tx, present, again), created: false }
    }
    if (present !== undefined) return { version: present, created: false }
    const version = await insert(tx, request, { ...identity, sample, now: context.now() })
    return { version, created: true }
  })
}

async function hasDamagedProgram({ db, blobs }: Context, model: string, digest: string): Promise<boolean> {
  const present = await findVersionByDigest(db, model, digest)
  return present !== undefined && isReady(present) && !(await isIntact(blobs, present.program))
}

async function storeSample(context: Context, sample: CreateVersion['sample']): Promise<string | null> {
  if (sample === undefined) return null
  const { digest } = await context.blobs.put(Readable.from([Buffer.from(JSON.stringify(sample))]))
  return digest
}

async function insert(
  tx: Db,
  request: NewVersionRequest,
  known: Identity & { sample: string | null; now: number },
): Promise<StoredVersion> {
  const { model, by } = request
  const log = { at: known.now, by }
  if (await ensureModel(tx, model, known.now)) {
    await recordEvent(tx, { ...log, type: 'model.created', subject: `models/${model}`, data: {} })
    const data = { tags: {}, description: null }
    await announce(tx, { what: 'model.created', model, data, now: known.now })
  }
  const numbering = await readNumbering(tx, model)
  const version = await insertVersion(tx, {
    model,
    number: numbering.next,
    label: chooseLabel({ ...request, number: numbering.next }, numbering.labels),
    digest: known.digest,
    parts: known.parts,
    sample: known.sample,
    filename: request.filename ?? null,
    bytes: known.bytes,
    createdAt: known.now,
    createdBy: by,
    runId: request.run_id ?? null,
  })
  await recordEvent(tx, {
    ...log,
    type: 'version.created',
    subject: subjectOf(version),
    data: { digest: version.digest, label: version.label, filename: version.filename },
  })
  await announce(tx, {
    ...{ what: 'version.created', model, now: known.now },
    data: {
      ...{ version: `${version.number}`, source: null, run_id: request.run_id ?? null },
      ...{ tags: {}, description: null },
    },
  })
  return version
}
