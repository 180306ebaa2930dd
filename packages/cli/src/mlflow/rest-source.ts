import { filesBelow, localFolder } from './local-files.ts'
import { type Ask, createAsk, NotThere } from './rest.ts'
import type {
  Foreign,
  RegisteredModel,
  Source,
  SourceFile,
  SourceMetric,
  SourceVersion,
  Tag,
} from './source.ts'

const RUNS_A_PAGE = 200
const ROWS_A_PAGE = 1000
const METRICS_A_PAGE = 5000
const IS_PROMPT = 'tag.`mlflow.prompt.is_prompt`'

/** A server that speaks MLflow's protocol: MLflow's own, or Millwright. */
export function restSource(url: string, artifacts?: string): Source {
  const ask = createAsk(url)
  return {
    // Without the password that may be in it.
    name: new URL(url).origin,
    experiments: async function* () {
      const body = { view_type: 'ALL', max_results: ROWS_A_PAGE, order_by: ['experiment_id ASC'] }
      for await (const experiment of pages(ask, 'experiments/search', body, 'experiments'))
        yield {
          id: experiment.experiment_id,
          row: {
            ...{ type: 'experiment', name: experiment.name, lifecycle: experiment.lifecycle_stage },
            ...{
              created_at: Number(experiment.creation_time ?? 0),
              updated_at: Number(experiment.last_update_time ?? 0),
            },
            tags: tagsOf(experiment.tags),
          },
        }
    },
    runs: async function* (experiment) {
      const body = {
        ...{ experiment_ids: [experiment], run_view_type: 'ALL', max_results: RUNS_A_PAGE },
        order_by: ['attributes.start_time ASC'],
      }
      for await (const run of pages(ask, 'runs/search', body, 'runs'))
        yield { row: runOf(run), artifactUri: run.info.artifact_uri, ...{ keys: keysOf(run) } }
    },
    metrics: async function* (run) {
      for (const key of (run as Foreign).keys as string[]) {
        let token: string | undefined
        do {
          const answer: Foreign = await ask('GET', '/api/2.0/mlflow/metrics/get-history', {
            query: {
              ...{ run_id: run.row.run_id, metric_key: key, max_results: String(METRICS_A_PAGE) },
              ...(token && { page_token: token }),
            },
          })
          yield (answer.metrics ?? []).map(metricOf)
          token = answer.next_page_token || undefined
        } while (token !== undefined)
      }
    },
    loggedModels: async function* (experiment) {
      try {
        const body = { experiment_ids: [experiment], max_results: 50 }
        for await (const model of pages(ask, 'logged-models/search', body, 'models'))
          yield { row: loggedModelOf(model), artifactUri: model.info.artifact_uri }
      } catch (error) {
        // A server of 2.x keeps models among the files of runs only.
        if (!(error instanceof NotThere)) throw error
      }
    },
    registeredModels: async function* () {
      for (const filter of [`${IS_PROMPT} != 'true'`, `${IS_PROMPT} = 'true'`])
        for await (const model of listed(ask, 'registered-models/search', filter, 'registered_models'))
          yield registeredOf(
            (
              (await ask('GET', '/api/2.0/mlflow/registered-models/get', {
                query: { name: model.name },
              })) as Foreign
            ).registered_model,
          )
    },
    versions: async function* (model) {
      const name = `name = '${model.replaceAll("'", "''")}'`
      const seen = new Set<number>()
      for (const filter of [name, `${name} AND ${IS_PROMPT} = 'true'`])
        for await (const version of listed(ask, 'model-versions/search', filter, 'model_versions')) {
          if (seen.has(Number(version.version))) continue
          seen.add(Number(version.version))
          yield await versionOf(ask, version)
        }
    },
    files: (uri) =>
      OWN.test(uri)
        ? filesAt(ask, uri)
        : filesBelow(localFolder(uri, artifacts === undefined ? [] : [artifacts])),
    close: () => {},
  }
}

/** Pages of a search, one thing after the other. */
async function* pages(ask: Ask, path: string, body: object, of: string): AsyncGenerator<Foreign> {
  let token: string | undefined
  do {
    const json = { ...body, ...(token && { page_token: token }) }
    const answer: Foreign = await ask('POST', `/api/2.0/mlflow/${path}`, { json })
    yield* answer[of] ?? []
    token = answer.next_page_token || undefined
  } while (token !== undefined)
}

async function* listed(ask: Ask, path: string, filter: string, of: string): AsyncGenerator<Foreign> {
  let token: string | undefined
  do {
    const query = { filter, max_results: '100', ...(token && { page_token: token }) }
    const answer: Foreign = await ask('GET', `/api/2.0/mlflow/${path}`, { query })
    yield* answer[of] ?? []
    token = answer.next_page_token || undefined
  } while (token !== undefined)
}

const tagsOf = (tags: Foreign[] | undefined): Tag[] =>
  (tags ?? []).map(({ key, value }) => ({ key, value: value ?? '' }))
const keysOf = (run: Foreign): string[] => (run.data?.metrics ?? []).map(({ key }: Foreign) => key)
const metricOf = ({ key, value, timestamp, step }: Foreign): SourceMetric => [
  ...([key, value ?? 0, Number(timestamp ?? 0), Number(step ?? 0)] as const),
]

const runOf = ({ info, data, inputs, outputs }: Foreign) =>
  ({
    ...{ type: 'run', run_id: info.run_id, experiment_id: info.experiment_id, name: info.run_name ?? '' },
    ...{ user_id: info.user_id ?? '', status: info.status, start_time: Number(info.start_time ?? 0) },
    ...{ end_time: info.end_time === undefined ? null : Number(info.end_time) },
    ...{ lifecycle: info.lifecycle_stage, deleted_at: null },
    ...{ tags: tagsOf(data?.tags), params: tagsOf(data?.params) },
    datasets: (inputs?.dataset_inputs ?? []).map(({ dataset, tags }: Foreign) => ({
      dataset,
      tags: tagsOf(tags),
    })),
    models_in: (inputs?.model_inputs ?? []).map(useOf),
    models_out: (outputs?.model_outputs ?? []).map(useOf),
  }) as never

const useOf = ({ model_id, step }: Foreign) => ({ model_id, step: Number(step ?? 0) })

const loggedModelOf = ({ info, data }: Foreign) =>
  ({
    ...{ type: 'logged_model', model_id: info.model_id, experiment_id: info.experiment_id, name: info.name },
    ...{
      model_type: info.model_type ?? '',
      status: info.status,
      status_message: info.status_message ?? null,
    },
    ...{ source_run_id: info.source_run_id || null, created_at: Number(info.creation_timestamp_ms) },
    ...{
      updated_at: Number(info.last_updated_timestamp_ms),
      tags: tagsOf(info.tags),
      params: tagsOf(data?.params),
    },
    metrics: (data?.metrics ?? []).map((metric: Foreign) => ({
      ...{ key: metric.key, value: metric.value ?? 0, timestamp: Number(metric.timestamp ?? 0) },
      ...{ step: Number(metric.step ?? 0), run_id: metric.run_id },
      ...{ dataset_name: metric.dataset_name, dataset_digest: metric.dataset_digest },
    })),
  }) as never

const registeredOf = (model: Foreign): RegisteredModel => ({
  row: {
    ...{ type: 'registered_model', name: model.name, description: model.description ?? null },
    ...{
      created_at: Number(model.creation_timestamp ?? 0),
      updated_at: Number(model.last_updated_timestamp ?? 0),
    },
    tags: tagsOf(model.tags),
  },
  // What was deleted is told nobody.
  lastNumber: 0,
  aliases: (model.aliases ?? []).map(({ alias, version }: Foreign) => ({
    ...{ type: 'alias', model: model.name, alias, version: Number(version) },
  })),
})

async function versionOf(ask: Ask, version: Foreign): Promise<SourceVersion> {
  const query = { name: version.name, version: version.version }
  const answer: Foreign = await ask('GET', '/api/2.0/mlflow/model-versions/get-download-uri', { query })
  const source = version.source ?? ''
  return {
    ...{ model: version.name, storage: answer.artifact_uri ?? source },
    version: {
      ...{ number: Number(version.version), source, run_id: version.run_id || null },
      ...{ model_id: version.model_id || (/^models:\/(m-[0-9a-f]+)$/.exec(source)?.[1] ?? null) },
      ...{ run_link: version.run_link ?? '', description: version.description ?? '' },
      ...{ user_id: version.user_id ?? '', stage: version.current_stage ?? 'None' },
      ...{
        created_at: Number(version.creation_timestamp ?? 0),
        updated_at: Number(version.last_updated_timestamp ?? 0),
      },
      tags: tagsOf(version.tags),
    },
  }
}

const OWN = /^mlflow-artifacts:(?:\/\/[^/]*)?\/(.*)$/

/** Files that the server keeps itself. */
async function* filesAt(ask: Ask, uri: string, below = ''): AsyncGenerator<SourceFile> {
  const root = OWN.exec(uri)![1]!
  const answer: Foreign = await ask('GET', '/api/2.0/mlflow-artifacts/artifacts', {
    query: { path: below === '' ? root : `${root}/${below}` },
  })
  for (const { path: name, is_dir, file_size } of answer.files ?? []) {
    const path = below === '' ? name : `${below}/${name}`
    if (is_dir) yield* filesAt(ask, uri, path)
    else
      yield {
        ...{ name: path, bytes: Number(file_size ?? 0), isNear: false },
        open: () => ask.bytes(`/api/2.0/mlflow-artifacts/artifacts/${encoded(`${root}/${path}`)}`),
      }
  }
}

const encoded = (path: string): string => path.split('/').map(encodeURIComponent).join('/')
