import type { TrackedRun } from '@millwright/contracts'
import type { Run } from '../tracking/runs.ts'

type MetricNumber = TrackedRun['metrics'][string]

/** JSON has no NaN and no infinity. */
export const numberInJson = (value: number): MetricNumber =>
  Number.isFinite(value) ? value : (String(value) as MetricNumber)

const timeOf = (milliseconds: number | null): string | null =>
  milliseconds === null || milliseconds === 0 ? null : new Date(milliseconds).toISOString()

const record = (pairs: readonly { readonly key: string; readonly value: string }[]): Record<string, string> =>
  Object.fromEntries(pairs.map(({ key, value }) => [key, value]))

const CONTEXT = 'mlflow.data.context'

/** @param experiment its name */
export const answerRun = (run: Run, experiment: string): TrackedRun => ({
  run_id: run.run_id,
  name: run.name,
  experiment,
  user: run.user_id,
  status: run.status,
  lifecycle: run.lifecycle,
  started_at: timeOf(run.start_time),
  ended_at: timeOf(run.end_time),
  metrics: Object.fromEntries(run.metrics.map(({ key, value }) => [key, numberInJson(value)])),
  params: record(run.params),
  tags: record(run.tags),
  datasets: run.datasets.map(({ dataset: { name, digest }, tags }) => ({
    ...{ name, digest, context: tags.find(({ key }) => key === CONTEXT)?.value ?? null },
  })),
  models: run.modelsOut.map(({ model_id }) => model_id),
})
