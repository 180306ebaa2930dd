import { MOVED } from '@millwright/contracts'
import { type CliContext, type Command, CommandError, EXIT, takeArguments, UsageError } from '../command.ts'
import { countAll, EVERYTHING } from '../mlflow/count.ts'
import { exportAll } from '../mlflow/export.ts'
import { own } from '../mlflow/export-parts.ts'
import { createAsk } from '../mlflow/rest.ts'
import { restSource } from '../mlflow/rest-source.ts'
import type { Source, Tag } from '../mlflow/source.ts'
import { createTally, type Tally } from '../mlflow/tally.ts'
import { tell } from '../mlflow/tell.ts'
import { progress } from '../terminal.ts'

const usage = `Takes everything that is tracked and registered here to an MLflow server, by its own API.

Usage: millwright export mlflow TARGET [--json]

TARGET is the address of a server: http://user:password@host:5000

That server gives its own ids to runs and logged models; the tags millwright.run_id and millwright.model_id say which they are here.
Numbers of versions, times of runs and metrics, users of runs, stages and aliases stay; times and users of models and versions are
those of the export. Interrupted and begun again it goes on.

Example:
  millwright export mlflow http://mlflow.internal:5000
`

export const exportCommand: Command = {
  usage,
  options: {},
  async run(context, _values, positionals) {
    const [kind, target] = takeArguments(positionals, 'mlflow', 'TARGET')
    if (kind !== 'mlflow') throw new UsageError(`export takes mlflow, got ${JSON.stringify(kind)}`)
    if (!/^https?:\/\//.test(target!) || !URL.canParse(target!))
      throw new CommandError(`${JSON.stringify(target)} is no address like http://host:5000`, [], EXIT.usage)
    const sent = createTally()
    const tally = createTally()
    const bar = progress(context.terminal, 'Exporting')
    const there = restSource(target!)
    const source = restSource(withKey(context))
    await exportAll({ source, there, ask: createAsk(target!), tally: sent, onProgress: bar.update })
    await compare({ source, there, tally, onProgress: (note) => bar.update(`comparing: ${note}`) })
    for (const difference of sent.report().differences) tally.differ(difference)
    bar.done(`Exported to ${new URL(target!).host}`)
    return tell(context, tally, ['HERE', 'TARGET'])
  },
}

type Sides = {
  readonly source: Source
  readonly there: Source
  readonly tally: Tally
  readonly onProgress: (note: string) => void
}

/** Counts what is here, and what came from here there. */
async function compare({ source, there, tally, onProgress }: Sides): Promise<void> {
  const experiments = new Set<string>()
  const models = new Set<string>()
  await countAll({
    ...{ source, tally, onProgress, side: 'source' },
    which: {
      ...EVERYTHING,
      experiment: ({ row }) => experiments.add(row.name) !== undefined,
      registered: ({ row }) => models.add(row.name) !== undefined,
    },
  })
  const has = (tags: readonly Tag[], key: string): boolean => tags.some((tag) => tag.key === key)
  await countAll({
    ...{ source: there, tally, onProgress, side: 'here' },
    which: {
      experiment: ({ row }) => experiments.has(row.name),
      run: ({ row }) => has(row.tags, own.run),
      loggedModel: ({ row }) => has(row.tags, own.model),
      registered: ({ row }) => models.has(row.name),
      addedTags: 1,
    },
  })
  const { counts } = tally.report()
  for (const what of MOVED) {
    const { source: here, here: target } = counts[what]!
    if (here !== target) tally.differ(`${what}: ${here} here, ${target} there`)
  }
}

/** Our own address, which takes a key as the password of anybody. */
function withKey({ url, apiKey }: CliContext): string {
  if (apiKey === undefined) return url
  const address = new URL(url)
  address.username = 'millwright'
  address.password = apiKey
  return address.href
}
