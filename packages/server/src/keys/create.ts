import {
  type CreatedKey,
  type CreateKey,
  type FieldError,
  KIND_TABLE,
  MillwrightError,
} from '@millwright/contracts'
import type { Scope } from '@millwright/contracts/scopes'
import type { z } from 'zod'
import type { Context } from '../context.ts'
import type { Db } from '../db/database.ts'
import { inTransaction } from '../db/transaction.ts'
import { advanceEpoch } from '../deployments/store.ts'
import { recordEvent } from '../events/record.ts'
import { findExperimentId } from '../tracking/experiments.ts'
import { answerKey, buildKey, type StoredKey, subjectOf } from './model.ts'
import { insertKey } from './store.ts'

const DAY_MS = 86_400_000
/** Life of a personal key that is given no other, in days. */
const DEFAULT_DAYS = 90

export type KeyRequest = z.output<typeof CreateKey>

/** @throws MillwrightError VALIDATION_FAILED, GATEWAYS_NOT_ACKED */
export async function createKey(
  context: Pick<Context, 'db' | 'routing' | 'now'>,
  request: KeyRequest & { readonly by: string },
): Promise<CreatedKey> {
  const now = context.now()
  const { name, kind, scopes, deployments, models, by } = request
  const expiresAt = expiryOf(request, now)
  assertKind(request, expiresAt, now)
  const experiments = await idsOf(context.db, request.experiments)
  const { key, secret } = buildKey({
    ...{ name, kind, scopes: [...new Set(scopes)], deployments: deployments ?? null },
    ...{ experiments, models: models ?? null },
    ...{ createdAt: now, createdBy: by, expiresAt, replaces: null },
  })
  await inTransaction(context.db, (tx) => addKey(tx, key, { type: 'key.created', by }))
  await context.routing.publish()
  return { ...answerKey(key, now), secret }
}

/** Writes a new key and all that goes with it: the event, which never has the secret, and the epoch. */
export async function addKey(tx: Db, key: StoredKey, event: { type: string; by: string }): Promise<void> {
  const { name, kind, scopes, deployments, experiments, models, expiresAt, replaces } = key
  await insertKey(tx, key)
  await recordEvent(tx, {
    ...{ at: key.createdAt, type: event.type, subject: subjectOf(key.id), by: event.by },
    data: { name, kind, scopes, deployments, experiments, models, expires_at: expiresAt, replaces },
  })
  await advanceEpoch(tx)
}

function expiryOf({ kind, expires_at }: KeyRequest, now: number): number | null {
  if (expires_at !== undefined) return Date.parse(expires_at)
  return KIND_TABLE[kind].maxDays === undefined ? null : now + DEFAULT_DAYS * DAY_MS
}

/** Ids stay when experiments are renamed. @throws MillwrightError VALIDATION_FAILED for what is neither an id nor a name */
async function idsOf(db: Db, given: readonly string[] | undefined): Promise<string[] | null> {
  if (given === undefined) return null
  const ids: string[] = []
  const faults: FieldError[] = []
  for (const [index, text] of given.entries()) {
    const id = await findExperimentId(db, text)
    if (id !== undefined) ids.push(id)
    else
      faults.push({
        ...{ pointer: `/experiments/${index}`, code: 'invalid' },
        message: `there is no experiment of the id or name "${text}"; make it first`,
      })
  }
  if (faults.length > 0)
    throw new MillwrightError('VALIDATION_FAILED', { count: faults.length }, { fields: faults })
  return [...new Set(ids)]
}

/** What a key that is good for experiments or models alone can be used for. */
const TRACKING_SCOPES: readonly Scope[] = ['read', 'track', 'deploy']

/** What the kind of a key asks of it. */
function assertKind(request: KeyRequest, expiresAt: number | null, now: number): void {
  const { kind, scopes, deployments, experiments, models } = request
  const { scopes: allowed, maxDays } = KIND_TABLE[kind]
  const faults: FieldError[] = []
  const fault = (pointer: string, message: string): void =>
    void faults.push({ pointer, code: 'invalid', message })
  if (scopes.some((scope) => !allowed.includes(scope)))
    fault('/scopes', `a key of the kind ${kind} may have ${allowed.join(', ')}; got ${scopes.join(', ')}`)
  if (kind === 'deployment' && deployments === undefined)
    fault('/deployments', 'a key of the kind deployment names the deployments it is good for')
  if (kind !== 'deployment' && deployments !== undefined)
    fault('/deployments', `only a key of the kind deployment names deployments; this one is ${kind}`)
  if (experiments !== undefined || models !== undefined) {
    const pointer = experiments === undefined ? '/models' : '/experiments'
    if (kind === 'deployment') fault(pointer, 'a key of the kind deployment names deployments alone')
    if (scopes.some((scope) => !TRACKING_SCOPES.includes(scope)))
      fault('/scopes', `a key for experiments or models may have ${TRACKING_SCOPES.join(', ')}`)
  }
  if (expiresAt !== null && expiresAt <= now) fault('/expires_at', 'expected a time to come')
  if (maxDays !== undefined && expiresAt !== null && expiresAt > now + maxDays * DAY_MS)
    fault('/expires_at', `a key of the kind ${kind} lives ${maxDays} days at most`)
  if (faults.length > 0)
    throw new MillwrightError('VALIDATION_FAILED', { count: faults.length }, { fields: faults })
}
