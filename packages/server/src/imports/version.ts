import type { ImportedVersion, ImportVersion } from '@millwright/contracts'
import { MillwrightError } from '@millwright/contracts/errors'
import type { Db } from '../db/database.ts'
import { type RegisterDeps, registerVersion } from '../registered/register.ts'

/**
 * Adds a version of a model with the number it has elsewhere; its files are here already, and the engine reads them. One that is
 * here is left as it is.
 * @throws MlflowError; MillwrightError IMPORT_CONFLICT when the number is that of something else
 */
export async function importVersion(
  deps: RegisterDeps,
  model: string,
  version: ImportVersion,
): Promise<ImportedVersion> {
  const { number } = version
  const before = await findAny(deps.db, model, number)
  if (before !== undefined) {
    if (before.created_at !== version.created_at || before.source !== version.source)
      throw new MillwrightError('IMPORT_CONFLICT', {
        what: `version ${number} of model "${model}"`,
        reason: 'there is another version of that number here; rename one of the models',
      })
    if (before.state === 'PENDING') await deps.queue.process({ model, number })
    const { state, reason } = (await findAny(deps.db, model, number))!
    return { model, number, created: false, state, reason }
  }
  const { state, reason } = await registerVersion(deps, {
    ...{ model, source: version.source, runId: version.run_id, modelId: version.model_id },
    ...{ description: version.description, runLink: version.run_link, tags: version.tags },
    by: version.user_id,
    elsewhere: version,
  })
  return { model, number, created: true, state, reason }
}

const findAny = (db: Db, model: string, number: number) =>
  db
    .selectFrom('versions')
    .select(['created_at', 'source', 'state', 'reason'])
    .where('model', '=', model)
    .where('number', '=', number)
    .executeTakeFirst()
