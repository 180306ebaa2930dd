import type { Actor, Context } from '../context.ts'
import type { Db } from '../db/database.ts'
import { inTransaction } from '../db/transaction.ts'
import { recordingRefusals } from '../promotion/check.ts'
import { getVersion } from '../registry/lookups.ts'
import { moveAlias } from '../registry/move-alias.ts'
import { promoteDeployment } from './change.ts'
import { FOLLOWED_ALIAS } from './model.ts'
import { assertPinned } from './revise.ts'
import { advanceEpoch, findFollowedDeployment } from './store.ts'

/**
 * Points an alias to a version. The alias that a deployment goes along with cannot be moved apart from it: moving it
 * is a promotion of that deployment. Deployments that pin a version of their API to the alias go along with it. An alias that
 * nobody serves may point to a version that cannot be served.
 * @throws MillwrightError MODEL_NOT_FOUND, VERSION_NOT_FOUND, VERSION_NOT_READY, PROMOTION_REFUSED, and VALIDATION_FAILED when
 *   the settings of a deployment that would serve the version do not fit it
 */
export async function setAlias(
  context: Context,
  request: Actor & {
    readonly model: string
    readonly alias: string
    readonly version: number
    readonly force?: true | undefined
  },
): Promise<void> {
  const { model, alias, version, by, reason, force } = request
  const move = (tx: Db) => moveAlias(tx, { ...request, at: context.now() }, force && 'force')
  const follower = await recordingRefusals(context, request, () =>
    inTransaction(context.db, async (tx) => {
      await getVersion(tx, { model, number: version })
      const deployment = alias === FOLLOWED_ALIAS ? await findFollowedDeployment(tx, model) : undefined
      if (deployment !== undefined) return deployment
      await move(tx)
      if (await assertPinned(tx, model, alias)) await advanceEpoch(tx)
      return undefined
    }),
  )
  if (follower === undefined) await context.routing.publish()
  else await promoteDeployment(context, { name: follower, version, by, reason, force })
}
