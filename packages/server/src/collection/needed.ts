import type { Db } from '../db/database.ts'
import { isSqlite, texts } from '../db/dialect.ts'

/** What registered versions need, by the id of a run or a logged model: a version that says so. */
export type Needed = {
  readonly runs: ReadonlyMap<string, string>
  readonly models: ReadonlyMap<string, string>
}

/** The folder of a run or of a logged model in a location. */
const IN_LOCATION = /\/(?:models\/(m-[0-9a-f]+)|([\w-]+))\/artifacts(?:\/|$)/

/**
 * Runs and logged models that versions say they come from, or have their files in: rules compare metrics of the one, clients
 * load files of the other.
 */
export async function readNeeded(db: Db): Promise<Needed> {
  const [runs, models] = [new Map<string, string>(), new Map<string, string>()]
  const versions = await db
    .selectFrom('versions')
    .select(['model', 'number', 'run_id', 'model_id', 'source', 'storage'])
    .where('deleted_at', 'is', null)
    .execute()
  for (const { model, number, run_id, model_id, source, storage } of versions) {
    const version = `${model}@${number}`
    if (run_id !== null) runs.set(run_id, version)
    if (model_id !== null) models.set(model_id, version)
    for (const location of [source, storage]) {
      const [, logged, run] = IN_LOCATION.exec(location ?? '') ?? []
      if (logged !== undefined) models.set(logged, version)
      if (run !== undefined) runs.set(run, version)
    }
  }
  const sources = await db
    .selectFrom('logged_models')
    .select(['model_id', 'source_run_id'])
    .where('source_run_id', 'is not', null)
    .where('model_id', 'in', texts(isSqlite(db), [...models.keys()]))
    .execute()
  for (const { model_id, source_run_id } of sources)
    if (!runs.has(source_run_id!)) runs.set(source_run_id!, models.get(model_id)!)
  return { runs, models }
}
