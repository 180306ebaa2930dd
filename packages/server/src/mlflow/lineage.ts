import { assertJsonDepth } from '../json-depth.ts'
import { invalid } from '../tracking/errors.ts'
import { putDatasets, putModelUses } from '../tracking/inputs.ts'
import { findActiveRow, getTag, putTags } from '../tracking/runs.ts'
import { ofRun } from './about.ts'
import { TAG } from './experiments.ts'
import { int64, list, message, required, text } from './fields.ts'
import { changeRun, type MlflowRoute, route } from './route.ts'
import { RUN, runIdOf } from './run-fields.ts'

const DATASET = {
  ...{ name: required(text), digest: required(text), source_type: required(text), source: required(text) },
  ...{ schema: text, profile: text },
}
/** Where clients before version 3 say which models a run made. */
const MODEL_HISTORY = 'mlflow.log-model.history'

export const LINEAGE_ROUTES: readonly MlflowRoute[] = [
  route('POST', 'runs/log-inputs', 'track', {
    about: ofRun,
    fields: {
      ...RUN,
      datasets: list(
        required(message({ tags: list(required(message(TAG))), dataset: required(message(DATASET)) })),
      ),
      models: list(required(message({ model_id: required(text) }))),
    },
    answer: changeRun(async (db, { datasets, models, ...run }) => {
      const row = await findActiveRow(db, runIdOf(run))
      await putDatasets(db, row, datasets)
      const uses = models.map(({ model_id }) => ({ model_id, step: 0 }))
      await putModelUses(db, { run: row.id, role: 'input' }, uses)
    }),
  }),
  route('POST', 'runs/outputs', 'track', {
    about: ofRun,
    fields: { ...RUN, models: list(required(message({ model_id: required(text), step: int64 }))) },
    answer: changeRun(async (db, { models, ...run }) => {
      const row = await findActiveRow(db, runIdOf(run))
      const uses = models.map(({ model_id, step = 0 }) => ({ model_id, step }))
      await putModelUses(db, { run: row.id, role: 'output' }, uses)
    }),
  }),
  route('POST', 'runs/log-model', 'track', {
    about: ofRun,
    fields: { ...RUN, model_json: required(text) },
    answer: changeRun(async (db, { model_json, ...run }) => {
      const model = readModel(model_json)
      const { id } = await findActiveRow(db, runIdOf(run))
      const before = JSON.parse((await getTag(db, id, MODEL_HISTORY)) ?? '[]') as readonly unknown[]
      await putTags(db, id, [{ key: MODEL_HISTORY, value: JSON.stringify([...before, model]) }])
    }),
  }),
]

/** Levels of a model that is logged in the old way: it is written again with each one that follows. */
const MODEL_DEPTH = 64
const MODEL_KEYS = ['artifact_path', 'flavors', 'utc_time_created', 'run_id']

/** @throws MlflowError INVALID_PARAMETER_VALUE */
function readModel(text: string): Record<string, unknown> {
  let model: unknown
  try {
    assertJsonDepth(text, MODEL_DEPTH)
    model = JSON.parse(text)
  } catch {
    throw invalid(`Malformed model info. \n ${text.slice(0, 200)} \n does not represent a valid json`)
  }
  const missing = MODEL_KEYS.filter((key) => !Object.hasOwn(Object(model), key))
  if (missing.length > 0) throw invalid(`Model json is missing mandatory fields: ${missing.join(', ')}`)
  return model as Record<string, unknown>
}
