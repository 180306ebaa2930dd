import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Command, CommandError, EXIT, takeArguments, textOption, UsageError } from '../command.ts'
import { countAll } from '../mlflow/count.ts'
import { databaseSource } from '../mlflow/database-source.ts'
import { folderSource } from '../mlflow/folder-source.ts'
import { importAll } from '../mlflow/import.ts'
import { restSource } from '../mlflow/rest-source.ts'
import type { Source } from '../mlflow/source.ts'
import { createTally } from '../mlflow/tally.ts'
import { tell } from '../mlflow/tell.ts'
import { progress } from '../terminal.ts'

const usage = `Brings everything of an MLflow server here: experiments, runs with metrics, params, tags, datasets and files, logged models,
registered models with versions, stages, tags and aliases. Ids of runs and models, numbers of versions, times and users stay.
Interrupted and begun again it goes on; at the end both sides are compared by counts, and files by their digests.

Usage: millwright import mlflow SOURCE [--artifacts FOLDER] [--dry-run] [--again] [--json]

SOURCE is the address of a server (http://user:password@host:5000), its SQLite file (mlflow.db) or an mlruns folder.

Options:
  --artifacts FOLDER  where files are on this machine: what the server was told as --artifacts-destination
                      (default: artifacts, mlartifacts or mlruns beside the database)
  --dry-run           count what there is, and change nothing
  --again             read and compare again what came with an import before

An alias stays where it is when it is here already, and no deployment is made: to serve, deploy or promote.
Exit code 1 when the two sides differ.

Examples:
  millwright import mlflow http://mlflow.internal:5000
  millwright import mlflow ./mlflow.db --artifacts ./mlartifacts
  millwright import mlflow ./mlruns --dry-run
`

export const importCommand: Command = {
  usage,
  options: { artifacts: { type: 'string' }, 'dry-run': { type: 'boolean' }, again: { type: 'boolean' } },
  async run(context, values, positionals) {
    const [kind, place] = takeArguments(positionals, 'mlflow', 'SOURCE')
    if (kind !== 'mlflow') throw new UsageError(`import takes mlflow, got ${JSON.stringify(kind)}`)
    const source = openSource(place!, textOption(values, 'artifacts'))
    const tally = createTally()
    const bar = progress(context.terminal, values['dry-run'] ? 'Counting' : 'Importing')
    try {
      const work = { source, tally, onProgress: bar.update }
      if (values['dry-run']) await countAll({ ...work, side: 'source' })
      else await importAll({ ...work, client: context.client, again: values.again === true })
    } finally {
      source.close()
    }
    bar.done(values['dry-run'] ? `Counted ${source.name}` : `Imported ${source.name}`)
    return tell(context, tally, values['dry-run'] ? ['SOURCE'] : ['SOURCE', 'HERE'])
  },
}

/** By what it looks like. @throws CommandError */
function openSource(place: string, artifacts: string | undefined): Source {
  const folder = artifacts === undefined ? undefined : resolve(artifacts)
  if (/^https?:\/\//.test(place)) return restSource(place, folder)
  const path = resolve(place.replace(/^sqlite:\/\/\//, ''))
  if (!existsSync(path))
    throw new CommandError(
      `there is no ${place}`,
      ['SOURCE is an address, an mlflow.db or an mlruns folder'],
      EXIT.notFound,
    )
  return statSync(path).isDirectory() ? folderSource(path, folder) : databaseSource(path, folder)
}
