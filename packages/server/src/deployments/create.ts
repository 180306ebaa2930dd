import { type CreateDeployment, type Deployment, MillwrightError } from '@millwright/contracts'
import type { Context } from '../context.ts'
import type { Db } from '../db/database.ts'
import { inTransaction } from '../db/transaction.ts'
import { recordingRefusals } from '../promotion/check.ts'
import { getReadyVersion } from '../registry/lookups.ts'
import { answerDeployment, buildConfig } from './model.ts'
import { getDeployment, makeDefault, writeRevision } from './revise.ts'
import { findDeployment, hasDefault, insertDeployment } from './store.ts'

/**
 * The first deployment becomes the default one.
 * @throws MillwrightError MODEL_NOT_FOUND, VERSION_NOT_FOUND, VERSION_NOT_READY, VALIDATION_FAILED, PROMOTION_REFUSED
 */
export async function createDeployment(
  context: Context,
  request: CreateDeployment & { readonly by: string },
): Promise<Deployment> {
  const { name, model, by, reason, default: wanted, ...config } = request
  const now = context.now()
  const create = async (tx: Db): Promise<void> => {
    if ((await findDeployment(tx, name)) !== undefined) throw nameTaken(name)
    await getReadyVersion(tx, { model, number: config.version })
    await insertDeployment(tx, { name, model, createdAt: now })
    await writeRevision(
      tx,
      { name, model },
      {
        revision: 1,
        config: buildConfig(config),
        action: 'deployed',
        by,
        reason: reason ?? null,
        at: now,
        restores: null,
      },
    )
    if (wanted === true || !(await hasDefault(tx))) await makeDefault(tx, { name, by, reason }, now)
  }
  await recordingRefusals(context, request, () => inTransaction(context.db, create))
  await context.routing.publish()
  return answerDeployment(await getDeployment(context.db, name))
}

function nameTaken(name: string): MillwrightError {
  const message = `deployment "${name}" exists; change it with PATCH /api/v1/deployments/${name}`
  const fields = [{ pointer: '/name', code: 'taken', message }]
  return new MillwrightError('VALIDATION_FAILED', { count: 1 }, { fields })
}
