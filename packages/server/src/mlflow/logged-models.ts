import { type RawBuilder, type Selectable, sql } from 'kysely'

import { folderOfUri, parseFolder, pathIn } from '../artifacts/path.ts'
import { listFolder } from '../artifacts/store.ts'

import { numbers } from '../db/dialect.ts'

import type { Tables } from '../db/tables.ts'
import { invalid } from '../tracking/errors.ts'
import { LOGGED_MODELS } from '../tracking/filter/entities.ts'
import { parseFilter } from '../tracking/filter/filter.ts'
import { type Order, parseOrder } from '../tracking/filter/order.ts'
import {
  createLoggedModel,
  deleteLoggedModel,
  deleteModelTag,
  findLoggedModel,
  finishLoggedModel,
  getLoggedModel,
  type LoggedModel,
  putModelParams,
  putModelTags,
  withModelData,
} from '../tracking/logged-models.ts'
import { searchedLoggedModels } from '../tracking/search/entities.ts'
import { search } from '../tracking/search/search.ts'
import { ofLoggedModel, ofNewLoggedModel } from './about.ts'
import { numbersIn, numbersOf, within } from './bounds.ts'
import { entriesOf, loggedModelOf } from './encode.ts'
import { bool, int64, list, type Message, message, oneOf, required, text } from './fields.ts'
import { newRunId, runName } from './names.ts'
import { assertPageSize } from './pages.ts'
import { change, type MlflowCall, type MlflowRoute, route } from './route.ts'

const ID = { model_id: required(text) }
const STATUS = oneOf(['LOGGED_MODEL_PENDING', 'LOGGED_MODEL_READY', 'LOGGED_MODEL_UPLOAD_FAILED'])
const PARAM = { key: required(text), value: text }
const DATASET = { dataset_name: required(text), dataset_digest: text }
const ORDER = { field_name: required(text), ascending: bool, dataset_name: text, dataset_digest: text }
/** Clients look for a model of a run in all of its name, and say no number. */
const MODELS_A_PAGE = 1000

const answerOf = (model: LoggedModel) => ({ model: loggedModelOf(model) })
const valued = ({ key, value = '' }: Message<typeof PARAM>) => ({ key, value })

export const LOGGED_MODEL_ROUTES: readonly MlflowRoute[] = [
  route('POST', 'logged-models', 'track', {
    about: ofNewLoggedModel,
    fields: {
      ...{ experiment_id: required(text), name: text, model_type: text, source_run_id: text },
      ...{ params: list(required(message(PARAM))), tags: list(required(message(PARAM))) },
    },
    answer: change(async (db, message, { now }) => {
      const { experiment_id: experiment, name, model_type, source_run_id, params, tags } = message
      return answerOf(
        await createLoggedModel(db, {
          ...{ experiment, modelId: `m-${newRunId()}`, name: name || runName(), now: now() },
          ...{ modelType: model_type ?? '', sourceRunId: source_run_id || null },
          ...{ params: params.map(valued), tags: tags.map(valued) },
        }),
      )
    }),
  }),
  route('POST', 'logged-models/search', 'read', {
    about: 'listed',
    fields: {
      ...{ experiment_ids: list(required(text)), filter: text, max_results: int64, page_token: text },
      ...{ datasets: list(required(message(DATASET))), order_by: list(required(message(ORDER))) },
    },
    answer: searchModels,
  }),
  route('GET', 'logged-models/{model_id}', 'read', {
    about: ofLoggedModel,
    fields: ID,
    answer: async ({ db }, { model_id: id }) => answerOf(await getLoggedModel(db, id)),
  }),
  route('PATCH', 'logged-models/{model_id}', 'track', {
    about: ofLoggedModel,
    fields: { ...ID, status: required(STATUS) },
    answer: change(async (db, { model_id: id, status }, { now }) =>
      answerOf(await finishLoggedModel(db, id, { status, now: now() })),
    ),
  }),
  route('DELETE', 'logged-models/{model_id}', 'track', {
    about: ofLoggedModel,
    fields: ID,
    answer: change((db, { model_id: id }, { now }) => deleteLoggedModel(db, id, now())),
  }),
  route('PATCH', 'logged-models/{model_id}/tags', 'track', {
    about: ofLoggedModel,
    fields: { ...ID, tags: list(required(message(PARAM))) },
    answer: change(async (db, { model_id: id, tags }) =>
      putModelTags(db, await findLoggedModel(db, id), tags.map(valued)),
    ),
  }),
  route('DELETE', 'logged-models/{model_id}/tags/{tag_key}', 'track', {
    about: ofLoggedModel,
    fields: { ...ID, tag_key: required(text) },
    answer: change((db, { model_id: id, tag_key: key }) => deleteModelTag(db, id, key)),
  }),
  route('GET', 'logged-models/{model_id}/artifacts/directories', 'read', {
    about: ofLoggedModel,
    fields: { ...ID, artifact_directory_path: text },
    async answer({ db }, { model_id: id, artifact_directory_path: path = '' }) {
      const { artifact_uri: uri } = await findLoggedModel(db, id)
      const [root, below] = [folderOfUri(uri), parseFolder(path)]
      if (root === undefined)
        throw invalid(`Its files are at ${uri}, which this server does not read; ask that store`)
      const entries = await listFolder(db, below === '' ? root : pathIn(root, below))
      return {
        root_uri: uri,
        files: entriesOf(entries, (name) => (below === '' ? name : `${below}/${name}`)),
      }
    },
  }),
  route('POST', 'logged-models/{model_id}/params', 'track', {
    about: ofLoggedModel,
    fields: { ...ID, params: list(required(message(PARAM))) },
    answer: change(async (db, { model_id: id, params }) =>
      putModelParams(db, await findLoggedModel(db, id), params.map(valued)),
    ),
  }),
]

type SearchMessage = Message<{
  experiment_ids: ReturnType<typeof list<string>>
  filter: typeof text
  max_results: typeof int64
  page_token: typeof text
  datasets: ReturnType<typeof list<Message<typeof DATASET>>>
  order_by: ReturnType<typeof list<Message<typeof ORDER>>>
}>

/** Datasets restrict the metrics that are asked for, or, where none are, the models to those measured on them. */
async function searchModels(
  { db, grant }: Pick<MlflowCall, 'db' | 'grant'>,
  { experiment_ids, filter = '', max_results, page_token, datasets, order_by }: SearchMessage,
): Promise<object> {
  if (experiment_ids.length === 0) throw invalid('At least one experiment ID must be specified.')
  const limit = assertPageSize(max_results ?? MODELS_A_PAGE, 50_000)
  const ofDatasets = anyOf(datasets)
  const asksMetrics = parseFilter(filter, LOGGED_MODELS).some(({ kind }) => kind === 'metric')
  const measured = sql`exists (select 1 from logged_model_metrics as m where m.logged_model = logged_models.id and ${ofDatasets('m')})`
  const { rows, next } = await search<Selectable<Tables['logged_models']>>(
    db,
    searchedLoggedModels(ofDatasets),
    {
      ...{ filter, orders: ordersOf(order_by), limit, token: page_token || undefined },
      where: [
        sql`logged_models.experiment in ${numbers(db, numbersOf(experiment_ids))}`,
        ...within(sql.ref('logged_models.experiment'), numbersIn(grant)),
        sql`logged_models.deleted_at is null`,
        ...(datasets.length > 0 && !asksMetrics ? [measured] : []),
      ],
    },
  )
  return { models: (await withModelData(db, rows)).map(loggedModelOf), next_page_token: next }
}

const anyOf =
  (datasets: readonly Message<typeof DATASET>[]) =>
  (alias: string): RawBuilder<unknown> => {
    if (datasets.length === 0) return sql`true`
    const [name, digest] = [sql.ref(`${alias}.dataset_name`), sql.ref(`${alias}.dataset_digest`)]
    const ways = datasets.map(({ dataset_name, dataset_digest }) =>
      dataset_digest
        ? sql`(${name} = ${dataset_name} and ${digest} = ${dataset_digest})`
        : sql`${name} = ${dataset_name}`,
    )
    return sql`(${sql.join(ways, sql` or `)})`
  }

/** `{ field_name: 'metrics.auc', ascending: false }`; ascends unless it says otherwise. */
const ordersOf = (orders: readonly Message<typeof ORDER>[]): Order[] =>
  orders.map(({ field_name, ascending = true }) => ({
    ...parseOrder(field_name, LOGGED_MODELS),
    isDescending: !ascending,
  }))
