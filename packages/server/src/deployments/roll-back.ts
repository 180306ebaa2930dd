import { isDeepStrictEqual } from 'node:util'
import { type Deployment, MillwrightError, type RollBack } from '@millwright/contracts'
import type { Actor, Context } from '../context.ts'
import type { Db } from '../db/database.ts'
import { originOf, type StoredDeployment, type StoredRevision } from './model.ts'
import { reviseDeployment } from './revise.ts'
import { findRevision } from './store.ts'

/**
 * Restores a revision whole: version, decision, respond, limits, cache, pins, rollout. Without `revision`, the one before those
 * in force that had no rollout under way, so that one version answers everybody, and set something else; asked again, it
 * goes further back, never to what was just left.
 *   1 v1 · 2 v2 · 3 v3 · 4 rolled back, restores 2 · 5 rolled back, restores 1
 *   1 v1 · 2 v1 and 5 % v2 · 3 v1 and 50 % v2 · 4 v2 · 5 rolled back, restores 1
 *   1 v1 · 2 v2 · 3 v2 and 5 % v3 · 4 aborted, v2 · 5 rolled back, restores 1
 * @throws MillwrightError NOTHING_TO_ROLL_BACK, REVISION_NOT_FOUND
 */
export async function rollBack(
  context: Context,
  request: RollBack & Actor & { readonly name: string },
): Promise<Deployment> {
  return reviseDeployment(context, request, async (current, tx) => {
    const target = await (request.revision === undefined
      ? getSettledBefore(tx, current)
      : getRevision(tx, current.name, request.revision))
    const restores = originOf(target)
    return { config: target.config, action: 'rolled_back', restores }
  })
}

async function getSettledBefore(db: Db, { name, revision }: StoredDeployment): Promise<StoredRevision> {
  for (let number = originOf(revision) - 1; number > 0; number--) {
    const candidate = await getRevision(db, name, number)
    const { rollout } = candidate.config
    if (rollout === undefined && !isDeepStrictEqual(candidate.config, revision.config)) return candidate
  }
  throw new MillwrightError('NOTHING_TO_ROLL_BACK', { name })
}

async function getRevision(db: Db, name: string, revision: number): Promise<StoredRevision> {
  const found = await findRevision(db, name, revision)
  if (found === undefined) throw new MillwrightError('REVISION_NOT_FOUND', { name, revision })
  return found
}
