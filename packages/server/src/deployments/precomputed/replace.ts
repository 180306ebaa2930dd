import { Readable } from 'node:stream'
import { type CreatePrecomputed, MillwrightError, type Precomputed } from '@millwright/contracts'
import type { Context } from '../../context.ts'
import type { Db } from '../../db/database.ts'
import { inTransaction } from '../../db/transaction.ts'
import { recordEvent } from '../../events/record.ts'
import { buildIndex } from '../../keyed-answers/build-index.ts'
import { getReadyVersion } from '../../registry/lookups.ts'
import { subjectOf } from '../model.ts'
import { getDeployment } from '../revise.ts'
import { advanceEpoch, findRevision } from '../store.ts'
import { deletePrecomputed, findPrecomputed, replacePrecomputed, type StoredPrecomputed } from './store.ts'

/** @throws MillwrightError PRECOMPUTED_NOT_FOUND */
export async function getPrecomputed(db: Db, name: string): Promise<StoredPrecomputed> {
  await getDeployment(db, name)
  const found = await findPrecomputed(db, name)
  if (found === undefined) throw new MillwrightError('PRECOMPUTED_NOT_FOUND', { name })
  return found
}

export const answerPrecomputed = (stored: StoredPrecomputed): Precomputed => ({
  generation: stored.generation,
  revision: stored.revision,
  version: stored.version,
  key: stored.key,
  keys: stored.keys,
  replaced: stored.replaced,
  computed_at: new Date(stored.computedAt).toISOString(),
  max_age: stored.maxAge,
  by: stored.by,
})

type Request = CreatePrecomputed & { readonly name: string; readonly by: string }

/**
 * Reads an upload of answers, and lets gateways answer with them: every key with the new ones from one moment on.
 * @throws MillwrightError DEPLOYMENT_NOT_FOUND, REVISION_NOT_FOUND, VALIDATION_FAILED, GATEWAYS_NOT_ACKED
 */
export async function replaceAnswers(context: Context, request: Request): Promise<Precomputed> {
  const { db, blobs } = context
  const { name, revision, upload, by } = request
  const now = context.now()
  const source = await getSource(db, name, revision)
  if ((await blobs.head(upload)) === undefined)
    throw invalid('/upload', 'no such upload; send its bytes with PUT /api/v1/uploads first')
  const computedAt = request.computed_at === undefined ? now : Date.parse(request.computed_at)
  if (computedAt > now) throw invalid('/computed_at', 'expected a time that is not to come')
  const { bytes, keys, replaced } = await buildIndex(blobs, upload)
  const index = await blobs.put(Readable.from([bytes]))
  const stored = await inTransaction(db, async (tx) => {
    const before = await findPrecomputed(tx, name)
    const next: StoredPrecomputed = {
      ...source,
      generation: (before?.generation ?? 0) + 1,
      ...{ revision, key: request.key, answers: upload, index: index.digest, keys, replaced },
      ...{ computedAt, maxAge: request.max_age ?? null, by },
    }
    await replacePrecomputed(tx, name, next)
    const data = { generation: next.generation, revision, key: next.key, keys, answers: upload }
    await recordEvent(tx, { at: now, type: 'deployment.precomputed', subject: subjectOf(name), by, data })
    await advanceEpoch(tx)
    return next
  })
  await context.routing.publish()
  return answerPrecomputed(stored)
}

/** Version and decision of a revision. */
async function getSource(
  db: Db,
  name: string,
  revision: number,
): Promise<Pick<StoredPrecomputed, 'version' | 'decision'>> {
  const { model } = await getDeployment(db, name)
  const found = await findRevision(db, name, revision)
  if (found === undefined) throw new MillwrightError('REVISION_NOT_FOUND', { name, revision })
  const { number, label } = await getReadyVersion(db, { model, number: found.config.version })
  return { version: { number, label }, decision: found.config.decision ?? null }
}

/** @throws MillwrightError PRECOMPUTED_NOT_FOUND, GATEWAYS_NOT_ACKED */
export async function removeAnswers(
  context: Context,
  { name, by }: { readonly name: string; readonly by: string },
): Promise<Precomputed> {
  const removed = await inTransaction(context.db, async (tx) => {
    const stored = await getPrecomputed(tx, name)
    await deletePrecomputed(tx, name)
    const event = { at: context.now(), type: 'deployment.precomputed_removed', subject: subjectOf(name), by }
    await recordEvent(tx, { ...event, data: { generation: stored.generation } })
    await advanceEpoch(tx)
    return stored
  })
  await context.routing.publish()
  return answerPrecomputed(removed)
}

const invalid = (pointer: string, message: string): MillwrightError =>
  new MillwrightError(
    'VALIDATION_FAILED',
    { count: 1 },
    { fields: [{ pointer, code: 'invalid', message: `${pointer.slice(1)}: ${message}` }] },
  )
