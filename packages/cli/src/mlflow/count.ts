import type { RegisteredModel, Source, SourceExperiment, SourceModel, SourceRun } from './source.ts'
import type { Tally } from './tally.ts'

/** What of a server is meant, where it is not all. */
export type Which = {
  readonly experiment: (experiment: SourceExperiment) => boolean
  readonly run: (run: SourceRun) => boolean
  readonly loggedModel: (model: SourceModel) => boolean
  readonly registered: (model: RegisteredModel) => boolean
  /** Tags that a run has besides. */
  readonly addedTags: number
}
export const EVERYTHING: Which = {
  ...{ experiment: () => true, run: () => true, loggedModel: () => true, registered: () => true },
  addedTags: 0,
}

type Counting = {
  readonly source: Source
  readonly tally: Tally
  readonly side: 'source' | 'here'
  readonly which?: Which
  readonly onProgress: (note: string) => void
}

/** Reads all that there is on a side, and counts it. */
export async function countAll({
  source,
  tally,
  side,
  which = EVERYTHING,
  onProgress,
}: Counting): Promise<void> {
  const add: Add = (what, count) =>
    side === 'source' ? tally.add(what, count, 0) : tally.add(what, 0, count)
  const countFiles = async (uri: string, of: string): Promise<void> => {
    try {
      for await (const { bytes } of source.files(uri)) {
        add('files', 1)
        add('bytes', bytes)
      }
    } catch (error) {
      tally.differ(`files of ${of}: ${(error as Error).message}`)
    }
  }
  let runs = 0
  for await (const experiment of source.experiments()) {
    if (!which.experiment(experiment)) continue
    add('experiments', 1)
    for await (const run of source.runs(experiment.id)) {
      if (!which.run(run)) continue
      add('runs', 1)
      add('params', run.row.params.length)
      add('tags', run.row.tags.length - which.addedTags)
      for await (const stretch of source.metrics(run)) add('metrics', stretch.length)
      await countFiles(run.artifactUri, `run ${run.row.run_id}`)
      onProgress(`${++runs} runs`)
    }
    for await (const model of source.loggedModels(experiment.id)) {
      if (!which.loggedModel(model)) continue
      add('logged models', 1)
      await countFiles(model.artifactUri, `logged model ${model.row.model_id}`)
    }
  }
  await countRegistry({ source, which }, add)
}

type Add = (what: Parameters<Tally['add']>[0], count: number) => void

async function countRegistry(
  { source, which }: { readonly source: Source; readonly which: Which },
  add: Add,
): Promise<void> {
  for await (const model of source.registeredModels()) {
    if (!which.registered(model)) continue
    add('models', 1)
    add('aliases', model.aliases.length)
    for await (const _ of source.versions(model.row.name)) add('versions', 1)
  }
}
