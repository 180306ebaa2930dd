import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'
import { CommandError } from '../command.ts'
import { filesBelow, localFolder } from './local-files.ts'
import {
  type Foreign,
  metricValue,
  type Source,
  type SourceMetric,
  type SourceModel,
  type SourceRun,
  type Tag,
} from './source.ts'

const STATUS = ['RUNNING', 'RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED'] as const
const STATE = ['PENDING', 'PENDING', 'READY', 'UPLOAD_FAILED'] as const
const META = 'meta.yaml'
const TRASH = '.trash'
/** Lines of metrics sent at once. */
const STRIDE = 5000

/** A folder `mlruns`, as MLflow kept runs and models before it had a database. It may have been moved. */
export function folderSource(root: string, artifacts: string | undefined): Source {
  if (
    !existsSync(join(root, '0', META)) &&
    !existsSync(join(root, 'models')) &&
    !existsSync(join(root, TRASH))
  )
    throw new CommandError(`${root} is no mlruns folder`, [
      'it has a folder with a meta.yaml for each experiment',
    ])
  const roots = [root, ...(artifacts === undefined ? [] : [artifacts])]
  const placeOf = (experiment: string): string =>
    [join(root, experiment), join(root, TRASH, experiment)].find((path) => existsSync(join(path, META))) ??
    join(root, experiment)
  return {
    name: root,
    experiments: async function* () {
      for (const place of [root, join(root, TRASH)])
        for (const id of await foldersIn(place)) {
          const meta = id === 'models' || id === TRASH ? undefined : await metaOf(join(place, id))
          if (meta === undefined) continue
          const [createdAt, updatedAt] = [meta.creation_time ?? 0, meta.last_update_time ?? 0]
          yield {
            id,
            row: {
              ...{ type: 'experiment', name: meta.name, lifecycle: meta.lifecycle_stage },
              ...{
                created_at: createdAt,
                updated_at: updatedAt,
                tags: await textsIn(join(place, id, 'tags')),
              },
            },
          }
        }
    },
    runs: async function* (experiment) {
      const place = placeOf(experiment)
      for (const id of await foldersIn(place)) {
        const meta = await metaOf(join(place, id))
        if (meta?.run_id !== undefined || meta?.run_uuid !== undefined) yield runOf(place, id, meta)
      }
    },
    metrics: ({ row: { run_id, experiment_id } }) =>
      historyIn(join(placeOf(experiment_id), run_id, 'metrics')),
    loggedModels: async function* (experiment) {
      const place = join(placeOf(experiment), 'models')
      for (const id of await foldersIn(place)) {
        const meta = await metaOf(join(place, id))
        if (meta?.model_id !== undefined && meta.lifecycle_stage !== 'deleted')
          yield modelOf(place, experiment, meta)
      }
    },
    ...registryIn(root),
    files: (uri) => filesBelow(movedFolder(uri, root) ?? localFolder(uri, roots)),
    close: () => {},
  }
}

const registryIn = (root: string): Pick<Source, 'registeredModels' | 'versions'> => ({
  registeredModels: async function* () {
    for (const folder of await foldersIn(join(root, 'models'))) {
      const meta = await metaOf(join(root, 'models', folder))
      if (meta === undefined) continue
      const model = meta.name as string
      yield {
        row: {
          ...{ type: 'registered_model', name: model, description: meta.description ?? null },
          ...{ created_at: meta.creation_timestamp ?? 0, updated_at: meta.last_updated_timestamp ?? 0 },
          tags: await textsIn(join(root, 'models', folder, 'tags')),
        },
        lastNumber: Math.max(0, ...(await versionFolders(join(root, 'models', folder))).map(numberIn)),
        aliases: (await textsIn(join(root, 'models', folder, 'aliases'))).map(({ key, value }) => ({
          ...{ type: 'alias', model, alias: key, version: Number(value) },
        })),
      }
    }
  },
  versions: async function* (model) {
    const place = join(root, 'models', model)
    for (const name of await versionFolders(place)) {
      const meta = await metaOf(join(place, name))
      if (meta === undefined || (meta.current_stage as string) === 'Deleted_Internal') continue
      const source = (meta.source ?? '') as string
      yield {
        ...{ model, storage: meta.storage_location ?? source },
        version: {
          ...{ number: Number(meta.version), source, run_id: meta.run_id || null },
          model_id: meta.model_id || (/^models:\/(m-[0-9a-f]+)$/.exec(source)?.[1] ?? null),
          ...{
            run_link: meta.run_link ?? '',
            description: meta.description ?? '',
            user_id: meta.user_id ?? '',
          },
          ...{ stage: meta.current_stage ?? 'None', created_at: meta.creation_timestamp ?? 0 },
          ...{
            updated_at: meta.last_updated_timestamp ?? 0,
            tags: await textsIn(join(place, name, 'tags')),
          },
        },
      }
    }
  },
})

const numberIn = (folder: string): number => Number(folder.slice('version-'.length))

/** Of deleted versions, too. */
const versionFolders = async (model: string): Promise<string[]> =>
  (await foldersIn(model))
    .filter((name) => /^version-\d+$/.test(name))
    .sort((a, b) => numberIn(a) - numberIn(b))

/** Where the files of a run or a model lie in this folder, wherever it was when they were written. */
function movedFolder(uri: string, root: string): string | undefined {
  const [, below] = /(?:^|\/)(\d+\/(?:models\/)?[\w-]+\/artifacts)\/?$/.exec(uri) ?? []
  if (below === undefined) return undefined
  return [join(root, below), join(root, TRASH, below)].find((path) => existsSync(path))
}

async function runOf(place: string, id: string, meta: Foreign): Promise<SourceRun> {
  const folder = join(place, id)
  const inputs = await metasIn(join(folder, 'inputs'))
  const datasets = await Promise.all(
    inputs
      .filter(({ source_type }) => (source_type as string) === 'DATASET')
      .map(async ({ source_id, tags }) => ({
        dataset: (await metaOf(join(place, 'datasets', source_id))) as never,
        tags: Object.entries(tags ?? {}).map(([key, value]) => ({ key, value: String(value) })),
      })),
  )
  const uses = (metas: readonly Foreign[], type: RegExp) =>
    metas
      .filter(({ source_type }) => type.test(source_type))
      .map(({ source_id, step }) => ({ model_id: source_id as string, step: step ?? 0 }))
  return {
    row: {
      ...{ type: 'run', run_id: id, experiment_id: String(meta.experiment_id), name: meta.run_name ?? '' },
      ...{ user_id: meta.user_id ?? '', status: STATUS[Number(meta.status)] ?? 'RUNNING' },
      ...{ start_time: meta.start_time ?? 0, end_time: meta.end_time ?? null },
      ...{ lifecycle: meta.lifecycle_stage, deleted_at: meta.deleted_time ?? null },
      ...{ tags: await textsIn(join(folder, 'tags')), params: await textsIn(join(folder, 'params')) },
      ...{ datasets, models_in: uses(inputs, /MODEL/) },
      models_out: uses(await metasIn(join(folder, 'outputs')), /OUTPUT/),
    },
    artifactUri: meta.artifact_uri,
  }
}

async function modelOf(place: string, experiment: string, meta: Foreign): Promise<SourceModel> {
  const folder = join(place, meta.model_id)
  return {
    row: {
      ...{ type: 'logged_model', model_id: meta.model_id, experiment_id: experiment, name: meta.name },
      ...{
        model_type: meta.model_type ?? '',
        status: `LOGGED_MODEL_${STATE[Number(meta.status)] ?? 'PENDING'}`,
      },
      ...{ status_message: meta.status_message ?? null, source_run_id: meta.source_run_id || null },
      ...{ created_at: meta.creation_timestamp, updated_at: meta.last_updated_timestamp },
      ...{ tags: await textsIn(join(folder, 'tags')), params: await textsIn(join(folder, 'params')) },
      metrics: [],
    },
    artifactUri: meta.artifact_location,
  }
}

/** A file a metric, a line a value: `timestamp value step`. The same line again is nothing new. */
async function* historyIn(folder: string): AsyncGenerator<readonly SourceMetric[]> {
  for await (const { name: key, open } of filesBelow(folder)) {
    const text = Buffer.concat(await Array.fromAsync(await open())).toString()
    const lines = [...new Set(text.split('\n').filter((line) => line.trim() !== ''))]
    for (let from = 0; from < lines.length; from += STRIDE)
      yield lines.slice(from, from + STRIDE).map((line): SourceMetric => {
        const [timestamp, value = 'nan', step = '0'] = line.trim().split(' ')
        return [key, metricValue(numberOf(value)), Number(timestamp), Number(step)]
      })
  }
}

/** As Python writes it. */
const numberOf = (text: string): number =>
  ({ nan: Number.NaN, inf: Number.POSITIVE_INFINITY, '-inf': Number.NEGATIVE_INFINITY })[text] ?? Number(text)

/** A file a key; keys with slashes are in folders. */
async function textsIn(folder: string): Promise<Tag[]> {
  const texts: Tag[] = []
  for await (const { name, open } of filesBelow(folder))
    texts.push({ key: name, value: Buffer.concat(await Array.fromAsync(await open())).toString() })
  return texts
}

async function foldersIn(path: string): Promise<string[]> {
  if (!existsSync(path)) return []
  const entries = await readdir(path, { withFileTypes: true })
  return entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort()
}

async function metaOf(folder: string): Promise<Foreign | undefined> {
  const path = join(folder, META)
  return existsSync(path) ? (parse(await readFile(path, 'utf8')) as Foreign) : undefined
}

async function metasIn(folder: string): Promise<Foreign[]> {
  const metas = await Promise.all((await foldersIn(folder)).map((name) => metaOf(join(folder, name))))
  return metas.filter((meta) => meta !== undefined)
}
