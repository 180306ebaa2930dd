import { isDeepStrictEqual } from 'node:util'
import { type Deployment, type DeploymentConfig, MillwrightError } from '@millwright/contracts'
import type { Actor, Context } from '../context.ts'
import type { Db } from '../db/database.ts'
import { inTransaction } from '../db/transaction.ts'
import { recordEvent } from '../events/record.ts'
import { recordingRefusals, type Waiver } from '../promotion/check.ts'
import { getReadyVersion } from '../registry/lookups.ts'
import { moveAlias } from '../registry/move-alias.ts'
import { assertConfig } from './assert-config.ts'
import { listBeside } from './beside.ts'
import {
  answerDeployment,
  FOLLOWED_ALIAS,
  type StoredDeployment,
  type StoredRevision,
  subjectOf,
} from './model.ts'
import {
  advanceEpoch,
  findDeployment,
  findFollowedDeployment,
  insertRevision,
  listPinnedTo,
  writeDefault,
} from './store.ts'

/** A deployment, who changes it and why; `force`: whatever the promotion rules of its alias say. */
export type Target = Actor & { readonly name: string; readonly force?: true | undefined }

/** What a change would make of a deployment. */
export type Plan = {
  readonly config: DeploymentConfig
  readonly action: StoredRevision['action']
  readonly restores?: number
  readonly makeDefault?: boolean
}

/** @throws MillwrightError DEPLOYMENT_NOT_FOUND */
export async function getDeployment(db: Db, name: string): Promise<StoredDeployment> {
  const deployment = await findDeployment(db, name)
  if (deployment === undefined) throw new MillwrightError('DEPLOYMENT_NOT_FOUND', { name })
  return deployment
}

/**
 * The way of every change of a deployment: read, plan, check and write in one transaction, so that two changes at once
 * happen one after the other; then gateways are told and waited for. A plan that changes nothing makes no revision,
 * so a change can be sent again.
 * @throws MillwrightError DEPLOYMENT_NOT_FOUND, VERSION_NOT_READY, VALIDATION_FAILED, PROMOTION_REFUSED, GATEWAYS_NOT_ACKED
 */
export async function reviseDeployment(
  context: Context,
  target: Target,
  plan: (current: StoredDeployment, tx: Db) => Promise<Plan> | Plan,
): Promise<Deployment> {
  const now = context.now()
  const revise = async (tx: Db): Promise<void> => {
    const current = await getDeployment(tx, target.name)
    const next = await plan(current, tx)
    const revision = {
      revision: current.revision.revision + 1,
      config: next.config,
      action: next.action,
      by: target.by,
      reason: target.reason ?? null,
      at: now,
      restores: next.restores ?? null,
    }
    if (!isDeepStrictEqual(next.config, current.revision.config))
      await writeRevision(tx, current, revision, waiverOf(target, next))
    if (next.makeDefault && !current.isDefault) await makeDefault(tx, target, now)
  }
  await recordingRefusals(context, target, () => inTransaction(context.db, revise))
  await context.routing.publish()
  return answerDeployment(await getDeployment(context.db, target.name))
}

/** What served once may serve again. */
const waiverOf = ({ force }: Target, { action }: Plan): Waiver | undefined =>
  action === 'rolled_back' ? 'rollback' : force && 'force'

/** Writes a revision and all that goes with it: the followed alias, the event, the epoch. */
export async function writeRevision(
  tx: Db,
  deployment: { readonly name: string; readonly model: string },
  revision: StoredRevision,
  waiver?: Waiver,
): Promise<void> {
  const { name, model } = deployment
  const { config, by, at } = revision
  const version = await getReadyVersion(tx, { model, number: config.version })
  assertConfig(config, { version, ...(await listBeside(tx, model, config)) })
  await insertRevision(tx, name, revision)
  if ((await findFollowedDeployment(tx, model)) === name)
    await moveAlias(
      tx,
      {
        model,
        alias: FOLLOWED_ALIAS,
        version: version.number,
        by,
        reason: revision.reason ?? undefined,
        at,
      },
      waiver,
    )
  await assertPinned(tx, model, FOLLOWED_ALIAS)
  await recordEvent(tx, {
    at,
    type: `deployment.${revision.action}`,
    subject: subjectOf(name),
    by,
    data: {
      revision: revision.revision,
      model,
      version: version.number,
      label: version.label,
      reason: revision.reason,
      restores: revision.restores,
      rollout: config.rollout ?? null,
    },
  })
  await advanceEpoch(tx)
}

/**
 * Holds what pins a version of its API to an alias against where the alias points now.
 * @returns whether anything does
 * @throws MillwrightError VALIDATION_FAILED
 */
export async function assertPinned(tx: Db, model: string, alias: string): Promise<boolean> {
  const pinned = await listPinnedTo(tx, model, alias)
  for (const deployment of pinned) assertConfig(deployment.revision.config, deployment)
  return pinned.length > 0
}

export async function makeDefault(tx: Db, target: Actor & { name: string }, at: number): Promise<void> {
  await writeDefault(tx, target.name)
  await recordEvent(tx, {
    at,
    type: 'deployment.made_default',
    subject: subjectOf(target.name),
    by: target.by,
    data: { reason: target.reason ?? null },
  })
  await advanceEpoch(tx)
}
