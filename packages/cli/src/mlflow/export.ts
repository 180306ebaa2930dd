import { exportModels } from './export-models.ts'
import { copyFiles, type Export, type Ids, own, tagsFor } from './export-parts.ts'
import type { Foreign, Source, SourceExperiment, SourceRun } from './source.ts'

/** Most of each that a request of the protocol takes. */
const [METRICS, PARAMS] = [1000, 100]

/**
 * Takes everything to a server of MLflow's protocol. It gives ids of its own, so runs and logged models say in a tag which one
 * they are here, by which an export that was interrupted goes on. Its clocks and users are its own for models and versions.
 */
export async function exportAll(work: Export): Promise<void> {
  const ids: Ids = { runs: new Map(), models: new Map() }
  const late: [run: string, parent: string][] = []
  for await (const experiment of work.source.experiments()) {
    const target = await ensureExperiment(work, experiment)
    await findBefore(work, target, ids)
    for await (const run of work.source.runs(experiment.id)) await exportRun(work, { run, target, ids, late })
    for await (const model of work.source.loggedModels(experiment.id))
      await exportLoggedModel(work, { model, target, ids })
    for await (const run of work.source.runs(experiment.id)) await endRun(work, run, ids)
    if (experiment.row.lifecycle === 'deleted')
      await work.ask('POST', '/api/2.0/mlflow/experiments/delete', { json: { experiment_id: target } })
    work.tally.add('experiments', 1, 1)
  }
  for (const [run, parent] of late)
    if (ids.runs.has(parent))
      await setTag(work, ids.runs.get(run)!.id, { key: PARENT, value: ids.runs.get(parent)!.id })
  await exportModels(work, ids)
}

const PARENT = 'mlflow.parentRunId'

const setTag = (work: Export, run_id: string, tag: object) =>
  work.ask('POST', '/api/2.0/mlflow/runs/set-tag', { json: { run_id, ...tag } })

/** @returns its id there */
async function ensureExperiment({ ask, there }: Export, { row }: SourceExperiment): Promise<string> {
  for await (const found of there.experiments()) {
    if (found.row.name !== row.name) continue
    if (found.row.lifecycle === 'deleted')
      await ask('POST', '/api/2.0/mlflow/experiments/restore', { json: { experiment_id: found.id } })
    return found.id
  }
  const answer: Foreign = await ask('POST', '/api/2.0/mlflow/experiments/create', {
    json: { name: row.name, tags: row.tags },
  })
  return answer.experiment_id
}

/** What an export brought there before. */
async function findBefore({ there }: Export, experiment: string, ids: Ids): Promise<void> {
  for await (const { row, artifactUri } of there.runs(experiment)) {
    const from = row.tags.find(({ key }) => key === own.run)?.value
    const isComplete = row.status !== 'RUNNING' || row.lifecycle === 'deleted'
    if (from !== undefined)
      ids.runs.set(from, {
        id: row.run_id,
        uri: artifactUri,
        isComplete,
        isDeleted: row.lifecycle === 'deleted',
      })
  }
  for await (const { row, artifactUri } of there.loggedModels(experiment)) {
    const from = row.tags.find(({ key }) => key === own.model)?.value
    const isComplete = row.status !== 'LOGGED_MODEL_PENDING'
    if (from !== undefined)
      ids.models.set(from, { id: row.model_id, uri: artifactUri, isComplete, isDeleted: false })
  }
}

type RunWork = {
  readonly run: SourceRun
  readonly target: string
  readonly ids: Ids
  readonly late: [run: string, parent: string][]
}

async function exportRun(work: Export, { run, target, ids, late }: RunWork): Promise<void> {
  const { ask, source, tally, onProgress } = work
  const { row } = run
  const parent = row.tags.find(({ key }) => key === PARENT)?.value
  if (parent !== undefined && !ids.runs.has(parent)) late.push([row.run_id, parent])
  if (!ids.runs.has(row.run_id)) {
    const tags = row.tags.map(({ key, value }) =>
      key === PARENT ? { key, value: ids.runs.get(value)?.id ?? value } : { key, value },
    )
    const answer: Foreign = await ask('POST', '/api/2.0/mlflow/runs/create', {
      json: {
        ...{ experiment_id: target, user_id: row.user_id, run_name: row.name, start_time: row.start_time },
        tags: [...tags, { key: own.run, value: row.run_id }],
      },
    })
    const { run_id: id, artifact_uri: uri } = answer.run.info
    ids.runs.set(row.run_id, { id, uri, isComplete: false, isDeleted: false })
  }
  const { id, uri, isComplete } = ids.runs.get(row.run_id)!
  tally.add('runs', 1, 1)
  if (isComplete) {
    tally.skip()
    return
  }
  for await (const stretch of source.metrics(run)) {
    for (let from = 0; from < stretch.length; from += METRICS) {
      const metrics = stretch
        .slice(from, from + METRICS)
        .map(([key, value, timestamp, step]) => ({ key, value, timestamp, step }))
      await ask('POST', '/api/2.0/mlflow/runs/log-batch', { json: { run_id: id, metrics } })
    }
    tally.add('metrics', stretch.length, stretch.length)
  }
  for (let from = 0; from < row.params.length; from += PARAMS)
    await ask('POST', '/api/2.0/mlflow/runs/log-batch', {
      json: { run_id: id, params: row.params.slice(from, from + PARAMS) },
    })
  tally.add('params', row.params.length, row.params.length)
  tally.add('tags', row.tags.length, row.tags.length)
  if (row.datasets.length > 0)
    await ask('POST', '/api/2.0/mlflow/runs/log-inputs', { json: { run_id: id, datasets: row.datasets } })
  await copyFiles(work, { from: run.artifactUri, to: uri, of: `run ${row.run_id}` })
  onProgress(`${tally.of('runs')} runs, ${tally.of('metrics')} metric values, ${tally.of('files')} files`)
}

type ModelWork = {
  readonly model: Source['loggedModels'] extends (id: string) => AsyncIterable<infer M> ? M : never
  readonly target: string
  readonly ids: Ids
}

async function exportLoggedModel(work: Export, { model, target, ids }: ModelWork): Promise<void> {
  const { ask, tally } = work
  const { row } = model
  tally.add('logged models', 1, 1)
  if (ids.models.get(row.model_id)?.isComplete) return
  if (!ids.models.has(row.model_id)) {
    const answer: Foreign = await ask('POST', '/api/2.0/mlflow/logged-models', {
      json: {
        ...{ experiment_id: target, name: row.name, model_type: row.model_type, params: row.params },
        ...(row.source_run_id !== null && {
          source_run_id: ids.runs.get(row.source_run_id)?.id ?? row.source_run_id,
        }),
        tags: [...tagsFor(row.tags), { key: own.model, value: row.model_id }],
      },
    })
    const { model_id: id, artifact_uri: uri } = answer.model.info
    ids.models.set(row.model_id, { id, uri, isComplete: false, isDeleted: false })
  }
  const { id, uri } = ids.models.get(row.model_id)!
  for (const { run_id, dataset_name, dataset_digest, ...metric } of row.metrics) {
    const run = ids.runs.get(run_id)
    // A run that was deleted there already takes no more, and has had them.
    if (run === undefined || run.isDeleted) continue
    const dataset = dataset_name ? { dataset_name, dataset_digest: dataset_digest ?? '' } : {}
    await ask('POST', '/api/2.0/mlflow/runs/log-batch', {
      json: { run_id: run.id, metrics: [{ ...metric, ...dataset, model_id: id }] },
    })
  }
  await copyFiles(work, { from: model.artifactUri, to: uri, of: `logged model ${row.model_id}` })
  if (row.status !== 'LOGGED_MODEL_PENDING')
    await ask('PATCH', `/api/2.0/mlflow/logged-models/${id}`, { json: { model_id: id, status: row.status } })
}

/** The models that it read and made, and how it ended. */
async function endRun({ ask }: Export, { row }: SourceRun, ids: Ids): Promise<void> {
  const { id: run_id, isComplete } = ids.runs.get(row.run_id)!
  if (isComplete) return
  const there = (uses: readonly { model_id: string; step: number }[]) =>
    uses.map(({ model_id, step }) => ({ model_id: ids.models.get(model_id)?.id ?? model_id, step }))
  if (row.models_in.length > 0)
    await ask('POST', '/api/2.0/mlflow/runs/log-inputs', {
      json: { run_id, models: there(row.models_in).map(({ model_id }) => ({ model_id })) },
    })
  if (row.models_out.length > 0)
    await ask('POST', '/api/2.0/mlflow/runs/outputs', { json: { run_id, models: there(row.models_out) } })
  const end = row.end_time === null ? {} : { end_time: row.end_time }
  await ask('POST', '/api/2.0/mlflow/runs/update', { json: { run_id, status: row.status, ...end } })
  if (row.lifecycle === 'deleted') await ask('POST', '/api/2.0/mlflow/runs/delete', { json: { run_id } })
}
