import { type Selectable, sql } from 'kysely'
import { boundsOf } from '../access/permission.ts'
import type { Tables } from '../db/tables.ts'
import { recordEvent } from '../events/record.ts'
import { deleteAlias, writeAlias } from '../registered/aliases.ts'
import {
  createRegisteredModel,
  deleteRegisteredModel,
  deleteRegisteredModelTag,
  describeModel,
  findRegisteredModel,
  getRegisteredModel,
  latestVersions,
  putRegisteredModelTag,
  renameModel,
  withRegisteredData,
} from '../registered/models.ts'
import { getVersionByAlias, parseStage, parseVersion } from '../registered/versions.ts'
import { REGISTERED_MODELS } from '../tracking/filter/entities.ts'
import { parseFilter } from '../tracking/filter/filter.ts'
import { parseOrders } from '../tracking/filter/order.ts'
import { IS_PROMPT, SEARCHED_MODELS } from '../tracking/search/entities.ts'
import { search } from '../tracking/search/search.ts'
import { announce } from '../webhooks/announce.ts'
import { ofModel, ofRename } from './about.ts'
import { within } from './bounds.ts'
import { modelVersionOf, registeredModelOf } from './encode.ts'
import { int64, list, message, required, text } from './fields.ts'
import { assertPageSize } from './pages.ts'
import { change, type MlflowRoute, route } from './route.ts'

const NAME = { name: required(text) }
export const REGISTRY_TAG = { key: required(text), value: text }
const MODELS_A_PAGE = 100
const MOST = 1000

/** Who does not ask for prompts does not get them. */
export const withoutPrompts = (
  filter: string,
  entity: Parameters<typeof parseFilter>[1],
  tags: { readonly table: string; readonly belongs: ReturnType<typeof sql> },
) =>
  parseFilter(filter, entity).some(({ kind, key }) => kind === 'tag' && key === IS_PROMPT)
    ? []
    : [
        sql`not exists (select 1 from ${sql.table(tags.table)} as prompt where ${tags.belongs} and prompt.key = ${IS_PROMPT} and prompt.value = 'true')`,
      ]

export const REGISTERED_MODEL_ROUTES: readonly MlflowRoute[] = [
  route('POST', 'registered-models/create', 'track', {
    about: ofModel,
    fields: { ...NAME, tags: list(required(message(REGISTRY_TAG))), description: text },
    answer: change(async (db, { name, tags, description }, { by, now }) => {
      const at = now()
      const model = await createRegisteredModel(db, {
        ...{ name, description: description ?? null, now: at },
        tags: tags.map(({ key, value = '' }) => ({ key, value })),
      })
      await recordEvent(db, { at, by, type: 'model.created', subject: `models/${name}`, data: {} })
      return { registered_model: registeredModelOf(model) }
    }),
  }),
  route('GET', 'registered-models/get', 'read', {
    about: ofModel,
    fields: NAME,
    answer: async ({ db }, { name }) => ({
      registered_model: registeredModelOf(await getRegisteredModel(db, name)),
    }),
  }),
  route('GET', 'registered-models/search', 'read', {
    about: 'listed',
    fields: { filter: text, max_results: int64, order_by: list(required(text)), page_token: text },
    async answer({ db, grant }, { filter = '', max_results, order_by, page_token }) {
      const { rows, next } = await search<Selectable<Tables['models']>>(db, SEARCHED_MODELS, {
        ...{ filter, orders: parseOrders(order_by, REGISTERED_MODELS), token: page_token || undefined },
        limit: assertPageSize(max_results ?? MODELS_A_PAGE, MOST),
        where: [
          ...within(sql.ref('models.name'), boundsOf(grant, 'models')),
          ...withoutPrompts(filter, REGISTERED_MODELS, {
            table: 'model_tags',
            belongs: sql`prompt.model = models.name`,
          }),
        ],
      })
      const models = await withRegisteredData(db, rows)
      return { registered_models: models.map(registeredModelOf), next_page_token: next }
    },
  }),
  route('POST', 'registered-models/rename', 'deploy', {
    about: ofRename,
    fields: { ...NAME, new_name: required(text) },
    answer: change(async (db, { name, new_name: to }, { by, now }) => {
      const at = now()
      const model = await renameModel(db, name, { to, now: at })
      await recordEvent(db, { at, by, type: 'model.renamed', subject: `models/${to}`, data: { from: name } })
      return { registered_model: registeredModelOf(model) }
    }),
  }),
  route('PATCH', 'registered-models/update', 'track', {
    about: ofModel,
    fields: { ...NAME, description: text },
    answer: change(async (db, { name, description = '' }, { now }) => ({
      registered_model: registeredModelOf(await describeModel(db, name, { description, now: now() })),
    })),
  }),
  route('DELETE', 'registered-models/delete', 'deploy', {
    about: ofModel,
    fields: NAME,
    answer: change(async (db, { name }, { by, now }) => {
      await deleteRegisteredModel(db, name)
      await recordEvent(db, { at: now(), by, type: 'model.deleted', subject: `models/${name}`, data: {} })
    }),
  }),
  route(['GET', 'POST'], 'registered-models/get-latest-versions', 'read', {
    about: ofModel,
    fields: { ...NAME, stages: list(required(text)) },
    async answer({ db }, { name, stages }) {
      await findRegisteredModel(db, name)
      const versions = await latestVersions(db, name, stages.map(parseStage))
      return { model_versions: versions.map(modelVersionOf) }
    },
  }),
  route('POST', 'registered-models/set-tag', 'track', {
    about: ofModel,
    fields: { ...NAME, ...REGISTRY_TAG },
    answer: change(async (db, { name, key, value = '' }, { now }) => {
      await findRegisteredModel(db, name)
      await putRegisteredModelTag(db, name, { key, value })
      await announce(db, { what: 'model.tag_set', model: name, data: { key, value }, now: now() })
    }),
  }),
  route('DELETE', 'registered-models/delete-tag', 'track', {
    about: ofModel,
    fields: { ...NAME, key: required(text) },
    answer: change(async (db, { name, key }, { now }) => {
      await findRegisteredModel(db, name)
      await deleteRegisteredModelTag(db, name, key)
      await announce(db, { what: 'model.tag_deleted', model: name, data: { key }, now: now() })
    }),
  }),
  route('POST', 'registered-models/alias', 'deploy', {
    about: ofModel,
    fields: { ...NAME, alias: required(text), version: required(text) },
    async answer({ core, by }, { name: model, alias, version }) {
      await writeAlias(core, { model, alias, number: parseVersion(version), by })
      return {}
    },
  }),
  route('DELETE', 'registered-models/alias', 'deploy', {
    about: ofModel,
    fields: { ...NAME, alias: required(text) },
    answer: change((db, { name: model, alias }, { by, now }) =>
      deleteAlias(db, { model, alias, by, now: now() }),
    ),
  }),
  route('GET', 'registered-models/alias', 'read', {
    about: ofModel,
    fields: { ...NAME, alias: required(text) },
    async answer({ db }, { name, alias }) {
      await findRegisteredModel(db, name)
      return { model_version: modelVersionOf(await getVersionByAlias(db, name, alias)) }
    },
  }),
]
