import type { Actor, Context } from '../context.ts'
import { getReadyVersion } from '../registry/lookups.ts'
import { moveAlias } from '../registry/move-alias.ts'
import { promoteDeployment } from './change.ts'
import { FOLLOWED_ALIAS } from './model.ts'
import { findFollowedDeployment } from './store.ts'

/**
 * Points an alias to a version. The alias that a deployment goes along with cannot be moved apart from it: moving it
 * is a promotion of that deployment.
 * @throws MillwrightError MODEL_NOT_FOUND, VERSION_NOT_FOUND, VERSION_NOT_READY
 */
export async function setAlias(
  context: Context,
  request: Actor & { readonly model: string; readonly alias: string; readonly version: number },
): Promise<void> {
  const { model, alias, version, by, reason } = request
  const follower = await context.db.transaction().execute(async (tx) => {
    await getReadyVersion(tx, { model, number: version })
    const deployment = alias === FOLLOWED_ALIAS ? await findFollowedDeployment(tx, model) : undefined
    if (deployment === undefined)
      await moveAlias(tx, { model, alias, version, at: context.now(), by, reason })
    return deployment
  })
  if (follower !== undefined) await promoteDeployment(context, { name: follower, version, by, reason })
}
