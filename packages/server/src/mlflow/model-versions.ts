import { sql } from 'kysely'
import { boundsOf } from '../access/permission.ts'
import { FOLLOWED_ALIAS } from '../deployments/model.ts'
import { recordEvent } from '../events/record.ts'
import { writeAlias } from '../registered/aliases.ts'
import { registerVersion } from '../registered/register.ts'
import { storageOf } from '../registered/source.ts'
import {
  deleteRegisteredVersion,
  deleteVersionTag,
  describeVersion,
  findRegisteredVersion,
  getRegisteredVersion,
  moveToStage,
  parseStage,
  parseVersion,
  putVersionTag,
  type VersionRow,
  withVersionData,
} from '../registered/versions.ts'
import { ensureView } from '../registered/view.ts'
import { MODEL_VERSIONS } from '../tracking/filter/entities.ts'
import { parseOrders } from '../tracking/filter/order.ts'
import { SEARCHED_VERSIONS } from '../tracking/search/entities.ts'
import { search } from '../tracking/search/search.ts'
import { announce } from '../webhooks/announce.ts'
import { ofModel, ofNewVersion } from './about.ts'
import { within } from './bounds.ts'
import { modelVersionOf } from './encode.ts'
import { bool, int64, list, type Message, message, required, text } from './fields.ts'
import { assertPageSize } from './pages.ts'
import { REGISTRY_TAG, withoutPrompts } from './registered-models.ts'
import { change, type MlflowRoute, route } from './route.ts'

const ID = { name: required(text), version: required(text) }
const idOf = ({ name, version }: Message<typeof ID>) => ({ model: name, number: parseVersion(version) })
/** What webhooks are told of a version. */
const toldOf = ({ name, version }: Message<typeof ID>, data: Readonly<Record<string, string>>) => ({
  ...{ model: name, data: { version: `${parseVersion(version)}`, ...data } },
})
const VERSIONS_A_PAGE = 10_000
const MOST = 200_000
/** Stages that are aliases by another name. */
const ALIAS_OF: Readonly<Record<string, string>> = { Production: FOLLOWED_ALIAS, Staging: 'staging' }

export const MODEL_VERSION_ROUTES: readonly MlflowRoute[] = [
  route('POST', 'model-versions/create', 'track', {
    about: ofNewVersion,
    fields: {
      ...{ name: required(text), source: required(text), run_id: text, model_id: text },
      ...{ tags: list(required(message(REGISTRY_TAG))), run_link: text, description: text },
    },
    answer: async (call, { name, source, run_id, model_id, tags, run_link, description }) => ({
      model_version: modelVersionOf(
        await registerVersion(call, {
          ...{ model: name, source, runId: run_id || null, modelId: model_id || null, by: call.by },
          ...{ runLink: run_link ?? '', description: description ?? '' },
          tags: tags.map(({ key, value = '' }) => ({ key, value })),
        }),
      ),
    }),
  }),
  route('GET', 'model-versions/get', 'read', {
    about: ofModel,
    fields: ID,
    answer: async ({ db }, id) => ({
      model_version: modelVersionOf(await getRegisteredVersion(db, idOf(id))),
    }),
  }),
  route('GET', 'model-versions/search', 'read', {
    about: 'listed',
    fields: { filter: text, max_results: int64, order_by: list(required(text)), page_token: text },
    async answer({ db, grant }, { filter = '', max_results, order_by, page_token }) {
      const { rows, next } = await search<VersionRow>(db, SEARCHED_VERSIONS, {
        ...{ filter, orders: parseOrders(order_by, MODEL_VERSIONS), token: page_token || undefined },
        limit: assertPageSize(max_results ?? VERSIONS_A_PAGE, MOST),
        where: [
          sql`versions.deleted_at is null`,
          ...within(sql.ref('versions.model'), boundsOf(grant, 'models')),
          ...withoutPrompts(filter, MODEL_VERSIONS, {
            table: 'version_tags',
            belongs: sql`prompt.model = versions.model and prompt.number = versions.number`,
          }),
        ],
      })
      const versions = await withVersionData(db, rows)
      return { model_versions: versions.map(modelVersionOf), next_page_token: next }
    },
  }),
  route('GET', 'model-versions/get-download-uri', 'read', {
    about: ofModel,
    fields: ID,
    async answer(call, id) {
      const version = await findRegisteredVersion(call.db, idOf(id))
      await ensureView(call, version)
      return { artifact_uri: storageOf(version) }
    },
  }),
  route('PATCH', 'model-versions/update', 'track', {
    about: ofModel,
    fields: { ...ID, description: text },
    answer: change(async (db, { description = '', ...id }, { now }) => ({
      model_version: modelVersionOf(await describeVersion(db, idOf(id), { description, now: now() })),
    })),
  }),
  route('POST', 'model-versions/transition-stage', 'deploy', {
    about: ofModel,
    fields: { ...ID, stage: required(text), archive_existing_versions: bool },
    async answer({ core, writer, by, now }, { stage: name, archive_existing_versions: archive, ...of }) {
      const [id, stage] = [idOf(of), parseStage(name)]
      await findRegisteredVersion(core.db, id)
      const alias = ALIAS_OF[stage]
      if (alias !== undefined) await writeAlias(core, { ...id, alias, by })
      const version = await writer.write(async (db) => {
        const at = now()
        const moved = await moveToStage(db, id, { stage, archiveOthers: archive ?? false, now: at })
        const subject = `models/${id.model}/versions/${id.number}`
        await recordEvent(db, { at, by, type: 'version.staged', subject, data: { stage } })
        return moved
      })
      return { model_version: modelVersionOf(version) }
    },
  }),
  route('DELETE', 'model-versions/delete', 'deploy', {
    about: ofModel,
    fields: ID,
    answer: change(async (db, of, { by, now }) => {
      const [id, at] = [idOf(of), now()]
      await deleteRegisteredVersion(db, id, at)
      const subject = `models/${id.model}/versions/${id.number}`
      await recordEvent(db, { at, by, type: 'version.deleted', subject, data: {} })
    }),
  }),
  route('POST', 'model-versions/set-tag', 'track', {
    about: ofModel,
    fields: { ...ID, ...REGISTRY_TAG },
    answer: change(async (db, { key, value = '', ...id }, { now }) => {
      await putVersionTag(db, idOf(id), { key, value })
      await announce(db, { what: 'version.tag_set', ...toldOf(id, { key, value }), now: now() })
    }),
  }),
  route('DELETE', 'model-versions/delete-tag', 'track', {
    about: ofModel,
    fields: { ...ID, key: required(text) },
    answer: change(async (db, { key, ...id }, { now }) => {
      await deleteVersionTag(db, idOf(id), key)
      await announce(db, { what: 'version.tag_deleted', ...toldOf(id, { key }), now: now() })
    }),
  }),
]
