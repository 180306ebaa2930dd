import { NAME_PATTERN } from '@millwright/contracts/name-pattern'
import type { Context } from '../context.ts'
import type { Db } from '../db/database.ts'
import { createDeployment } from '../deployments/create.ts'
import { FOLLOWED_ALIAS } from '../deployments/model.ts'
import { setAlias } from '../deployments/set-alias.ts'
import { findDeployment, findFollowedDeployment, listPinnedTo } from '../deployments/store.ts'
import { recordEvent } from '../events/record.ts'
import { readRules } from '../promotion/store.ts'
import { isReady } from '../registry/model.ts'
import { findVersion } from '../registry/store.ts'
import { invalid } from '../tracking/errors.ts'
import { assertAlias } from '../tracking/limits.ts'
import { announce } from '../webhooks/announce.ts'
import { findRegisteredModel } from './models.ts'
import { findRegisteredVersion, type VersionId } from './versions.ts'

export type AliasWrite = VersionId & { readonly alias: string; readonly by: string }

/**
 * Points an alias to a version. The alias `production` is a deployment: the one there is serves the version from now on, and
 * where there is none a deployment of the model's name is made, if the version can be served.
 * @throws MlflowError; MillwrightError as the deployment says
 */
export async function writeAlias(context: Context, { model, number, alias, by }: AliasWrite): Promise<void> {
  assertAlias(alias)
  await findRegisteredModel(context.db, model)
  await findRegisteredVersion(context.db, { model, number })
  if (alias === FOLLOWED_ALIAS && (await isDeployable(context.db, { model, number })))
    await createDeployment(context, { name: model, model, version: number, by })
  else await setAlias(context, { model, alias, version: number, by })
}

async function isDeployable(db: Db, id: VersionId): Promise<boolean> {
  const version = await findVersion(db, id)
  return (
    version !== undefined &&
    isReady(version) &&
    NAME_PATTERN.test(id.model) &&
    (await findFollowedDeployment(db, id.model)) === undefined &&
    (await findDeployment(db, id.model)) === undefined
  )
}

/**
 * What is not there is not missed.
 * @throws MlflowError INVALID_PARAMETER_VALUE while a deployment goes along with it, or rules compare with what it points to
 */
export async function deleteAlias(
  db: Db,
  { model, alias, by, now }: Omit<AliasWrite, 'number'> & { readonly now: number },
): Promise<void> {
  await findRegisteredModel(db, model)
  const followed = alias === FOLLOWED_ALIAS ? await findFollowedDeployment(db, model) : undefined
  const [pinned] = await listPinnedTo(db, model, alias)
  const deployment = followed ?? pinned?.name
  if (deployment !== undefined)
    throw invalid(
      `The deployment '${deployment}' serves what alias '${alias}' of Registered Model (name=${model}) points to; the alias can be moved, not deleted.`,
    )
  if ((await readRules(db, { model, alias })).rules.length > 0)
    throw invalid(
      `The alias '${alias}' of Registered Model (name=${model}) has promotion rules, which compare with what it points to; it can be moved, not deleted.`,
    )
  const { numDeletedRows } = await db
    .deleteFrom('aliases')
    .where('model', '=', model)
    .where('alias', '=', alias)
    .executeTakeFirstOrThrow()
  if (numDeletedRows === 0n) return
  await recordEvent(db, {
    ...{ at: now, by, type: 'alias.removed' },
    ...{ subject: `models/${model}/aliases/${alias}`, data: {} },
  })
  await announce(db, { what: 'alias.deleted', model, data: { alias }, now })
}
