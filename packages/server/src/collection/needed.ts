import type { Db } from '../db/database.ts'
import { isSqlite, texts } from '../db/dialect.ts'

/** What must stay, by the id of a run or a logged model, and why. */
export type Needed = {
  readonly runs: ReadonlyMap<string, string>
  readonly models: ReadonlyMap<string, string>
}

/** Folders of runs and of logged models in a location. */
const IN_LOCATION = /\/(?:models\/(m-[0-9a-f]+)|([\w-]+))\/artifacts(?=\/|$)/g

/**
 * Runs and logged models that versions say they come from, or have their files in: rules compare metrics of the one, clients
 * load files of the other. And those in whose folder an experiment was told to keep its own files.
 */
export async function readNeeded(db: Db): Promise<Needed> {
  const [runs, models] = [new Map<string, string>(), new Map<string, string>()]
  const needAll = (location: string, because: string): void => {
    for (const [, logged, run] of location.matchAll(IN_LOCATION)) {
      if (logged !== undefined) models.set(logged, because)
      if (run !== undefined) runs.set(run, because)
    }
  }
  const experiments = await db.selectFrom('experiments').select(['name', 'artifact_location']).execute()
  for (const { name, artifact_location } of experiments)
    needAll(artifact_location, `experiment ${name} keeps its files in its folder`)
  const versions = await db
    .selectFrom('versions')
    .select(['model', 'number', 'run_id', 'model_id', 'source', 'storage'])
    .where('deleted_at', 'is', null)
    .execute()
  for (const { model, number, run_id, model_id, source, storage } of versions) {
    const because = `${model}@${number} comes from it`
    if (run_id !== null) runs.set(run_id, because)
    if (model_id !== null) models.set(model_id, because)
    for (const location of [source, storage]) needAll(location ?? '', because)
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
