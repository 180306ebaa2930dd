import { copyFiles, type Export, type Ids } from './export-parts.ts'
import { NotThere } from './rest.ts'
import type { RegisteredModel, SourceVersion } from './source.ts'

/** Registered models with their versions, whose numbers stay, and aliases. */
export async function exportModels(work: Export, ids: Ids): Promise<void> {
  const { source, tally, onProgress } = work
  const versions: SourceVersion[] = []
  const models: RegisteredModel[] = []
  for await (const model of source.registeredModels()) {
    await ensureModel(work, model)
    tally.add('models', 1, 1)
    models.push(model)
    for await (const version of source.versions(model.row.name)) versions.push(version)
  }
  versions.sort((a, b) => a.version.created_at - b.version.created_at || a.version.number - b.version.number)
  for (const version of versions) {
    await exportVersion(work, version, ids)
    onProgress(`${tally.of('versions')} versions`)
  }
  for (const { aliases } of models)
    for (const { model: name, alias, version } of aliases) {
      await work.ask('POST', '/api/2.0/mlflow/registered-models/alias', {
        json: { name, alias, version: String(version) },
      })
      tally.add('aliases', 1, 1)
    }
}

async function ensureModel(
  { ask }: Export,
  { row: { name, description, tags } }: RegisteredModel,
): Promise<void> {
  try {
    await ask('GET', '/api/2.0/mlflow/registered-models/get', { query: { name } })
  } catch (error) {
    if (!(error instanceof NotThere)) throw error
    await ask('POST', '/api/2.0/mlflow/registered-models/create', { json: { name, tags } })
  }
  if (description !== null && description !== '')
    await ask('PATCH', '/api/2.0/mlflow/registered-models/update', { json: { name, description } })
}

async function exportVersion(
  work: Export,
  { model, version, storage }: SourceVersion,
  ids: Ids,
): Promise<void> {
  const { ask, tally, there } = work
  const taken = new Set<number>()
  for await (const { version: found } of there.versions(model)) taken.add(found.number)
  const { number, description, stage, run_link } = version
  tally.add('versions', 1, 1)
  if (taken.has(number)) return
  const source = await sourceThere(work, { model, version, storage }, ids)
  const run_id = version.run_id === null ? undefined : (ids.runs.get(version.run_id)?.id ?? version.run_id)
  const model_id = version.model_id === null ? undefined : (ids.models.get(version.model_id)?.id ?? undefined)
  const body = { name: model, source, run_id, model_id, run_link, description, tags: version.tags }
  for (;;) {
    const made = (await ask('POST', '/api/2.0/mlflow/model-versions/create', { json: body })) as {
      model_version: { version: string }
    }
    const got = Number(made.model_version.version)
    if (got === number) break
    // Numbers of versions that were deleted here are taken there, too.
    await ask('DELETE', '/api/2.0/mlflow/model-versions/delete', {
      json: { name: model, version: String(got) },
    })
    if (got > number) {
      tally.differ(`version ${number} of ${model}: the number was that of a version deleted there`)
      return
    }
  }
  if (stage !== 'None')
    await ask('POST', '/api/2.0/mlflow/model-versions/transition-stage', {
      json: { name: model, version: String(number), stage, archive_existing_versions: false },
    })
}

/** What a version is made of, by the ids there. Files of versions that came by upload are taken along. */
async function sourceThere(
  work: Export,
  { model, version, storage }: SourceVersion,
  ids: Ids,
): Promise<string> {
  const logged = version.model_id === null ? undefined : ids.models.get(version.model_id)
  if (logged !== undefined) return `models:/${logged.id}`
  if (/^models:\/+[^/]+\/\d+$/.test(version.source)) return version.source
  const run = version.run_id === null ? undefined : ids.runs.get(version.run_id)
  const below = new RegExp(`${version.run_id}/artifacts/(.+)$`).exec(storage)?.[1]
  if (run !== undefined && below !== undefined) return `${run.uri}/${below}`
  if (!storage.startsWith('mlflow-artifacts:')) return version.source || storage
  const to = `mlflow-artifacts:/millwright/${encodeURIComponent(model)}/${version.number}`
  await copyFiles(work, { from: storage, to, of: `version ${version.number} of ${model}` })
  return to
}
