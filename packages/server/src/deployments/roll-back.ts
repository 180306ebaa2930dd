import { type Deployment, MillwrightError, type RollBack } from '@millwright/contracts'
import type { Actor, Context } from '../context.ts'
import type { Db } from '../db/database.ts'
import { originOf, type StoredDeployment, type StoredRevision } from './model.ts'
import { reviseDeployment } from './revise.ts'
import { findRevision } from './store.ts'

/**
 * Restores a revision whole: version, decision, respond, limits. Without `revision`, the one before those in force;
 * asked again, it goes further back, never to what was just left.
 *   1 v1 · 2 v2 · 3 v3 · 4 rolled back, restores 2 · 5 rolled back, restores 1
 * @throws MillwrightError NOTHING_TO_ROLL_BACK, REVISION_NOT_FOUND
 */
export async function rollBack(
  context: Context,
  request: RollBack & Actor & { readonly name: string },
): Promise<Deployment> {
  return reviseDeployment(context, request, async (current, tx) => {
    const target = await getRevision(tx, current.name, request.revision ?? before(current))
    const restores = originOf(target)
    return { config: target.config, action: 'rolled_back', restores }
  })
}

function before({ name, revision }: StoredDeployment): number {
  const origin = originOf(revision)
  if (origin === 1) throw new MillwrightError('NOTHING_TO_ROLL_BACK', { name })
  return origin - 1
}

async function getRevision(db: Db, name: string, revision: number): Promise<StoredRevision> {
  const found = await findRevision(db, name, revision)
  if (found === undefined) throw new MillwrightError('REVISION_NOT_FOUND', { name, revision })
  return found
}
