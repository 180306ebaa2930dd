import type { RunDiff } from '@millwright/contracts'
import {
  type CliContext,
  type Command,
  countOption,
  EXIT,
  takeArguments,
  textOption,
  UsageError,
  type Values,
} from '../command.ts'
import { cellOf, columnsFor, diffText, runText } from '../runs-text.ts'
import { printable, table } from '../terminal.ts'

const usage = `Lists, shows, compares and tags training runs.

Usage: millwright runs list [--filter FILTER] [--experiment NAME…] [--order COLUMN…] [--columns LIST] [--limit N] [--saved NAME] [--deleted]
       millwright runs show RUN [--best max|min]
       millwright runs diff RUN RUN
       millwright runs tag [RUN…] [--filter FILTER] [--experiment NAME…] [--set KEY=VALUE…] [--delete KEY…] [--limit N] [--dry-run]
       millwright runs save NAME [--filter FILTER] [--experiment NAME…] [--order COLUMN…] [--columns LIST]
       millwright runs saved
       millwright runs forget NAME

Options:
  --filter FILTER    in the grammar of MLflow's searches
  --experiment NAME  only of this experiment, by name or id; may be given again
  --order COLUMN     "metrics.auc DESC", "start_time" …; may be given again
  --columns LIST     what is shown: metrics.auc,params.depth,tags.team,user,experiment …
  --saved NAME       a search that was saved; the other options narrow or replace parts of it
  --limit N          so many (default 20, at most 1000); with tag: no more than so many are changed, or none is (1000)
  --deleted          those that were deleted
  --set, --delete    tags; of all runs that are named or found, or of none
  --dry-run          say how many would be tagged

Examples:
  millwright runs list --filter "metrics.auc > 0.85" --order "metrics.auc DESC" --columns metrics.auc,params.depth
  millwright runs diff 8c1f2a90c0b84a0f9a3c6a57ce14a6a1 f0e4d5b2a6c84f6c8d1f0b7c9e2a3d4c
  millwright runs tag --experiment churn --filter "metrics.auc < 0.5" --set verdict=useless
`

type Verb = (
  context: CliContext,
  values: Values,
  positionals: readonly string[],
) => Promise<{ readonly document: unknown; readonly text: string }>

export const runs: Command = {
  usage,
  options: {
    ...{ filter: { type: 'string' }, saved: { type: 'string' }, columns: { type: 'string' } },
    ...{ limit: { type: 'string' }, best: { type: 'string' }, deleted: { type: 'boolean' } },
    ...{ experiment: { type: 'string', multiple: true }, order: { type: 'string', multiple: true } },
    ...{ set: { type: 'string', multiple: true }, delete: { type: 'string', multiple: true } },
    'dry-run': { type: 'boolean' },
  },
  async run(context, values, [verb = 'list', ...positionals]) {
    const work = VERBS[verb]
    if (work === undefined)
      throw new UsageError(`runs takes ${Object.keys(VERBS).join(', ')}, got ${JSON.stringify(verb)}`)
    const { document, text } = await work(context, values, positionals)
    context.terminal.stdout(context.json ? `${JSON.stringify(document)}\n` : text)
    return EXIT.ok
  },
}

const listOption = (values: Values, name: string): string[] => (values[name] as string[] | undefined) ?? []

/** What is looked for, as far as it is said. */
function searchOf(values: Values) {
  const filter = textOption(values, 'filter')
  const [experiments, order] = [listOption(values, 'experiment'), listOption(values, 'order')]
  return {
    ...(filter !== undefined && { filter }),
    ...(experiments.length > 0 && { experiments }),
    ...(order.length > 0 && { order_by: order }),
  }
}

const columnsOption = (values: Values): string[] | undefined =>
  textOption(values, 'columns')
    ?.split(',')
    .map((name) => name.trim())

const VERBS: Readonly<Record<string, Verb>> = {
  async list({ client, terminal: { style } }, values, positionals) {
    takeArguments(positionals)
    const { experiments, ...search } = searchOf(values)
    const saved = textOption(values, 'saved')
    const found = await client.listRuns({
      ...search,
      ...(experiments && { experiment: experiments }),
      ...(saved !== undefined && { saved }),
      ...(values.deleted === true && { lifecycle: 'deleted' as const }),
      limit: countOption(values, 'limit') ?? 20,
    })
    const columns = columnsFor(found.data, columnsOption(values) ?? found.columns)
    const rows = found.data.map((run) => columns.map((column) => cellOf(run, column)))
    const header = columns.map((name) => name.replace(/^(metrics|params|tags)\./, '').toUpperCase())
    return { document: found, text: table(rows, style, header) }
  },

  async show({ client, terminal: { style } }, values, positionals) {
    const [id] = takeArguments(positionals, 'RUN')
    const best = textOption(values, 'best')
    if (best !== undefined && best !== 'max' && best !== 'min')
      throw new UsageError('--best takes max or min')
    const [run, metrics] = await Promise.all([client.getRun(id!), client.getMetricSummary(id!, best)])
    return { document: { ...run, summary: metrics }, text: runText(run, metrics, style) }
  },

  async diff({ client, terminal: { style } }, _values, positionals) {
    const [a, b] = takeArguments(positionals, 'RUN', 'RUN')
    const found: RunDiff = await client.diffRuns(a!, b!)
    return { document: found, text: diffText(found, style) }
  },

  async tag({ client }, values, positionals) {
    const { filter, experiments } = searchOf(values)
    if (positionals.length === 0 && filter === undefined && experiments === undefined)
      throw new UsageError('name runs, or give --filter or --experiment')
    const limit = countOption(values, 'limit')
    const named = positionals.length > 0
    const tagged = await client.tagRuns({
      ...(named ? { runs: positionals } : { filter: filter ?? '' }),
      ...(named && filter !== undefined && { filter }),
      ...(experiments && { experiments }),
      set: Object.fromEntries(listOption(values, 'set').map(pairOf)),
      delete: listOption(values, 'delete'),
      ...(limit !== undefined && { limit }),
      dry_run: values['dry-run'] === true,
    })
    return { document: tagged, text: `${tagged.runs} runs ${tagged.dry_run ? 'would be ' : ''}tagged\n` }
  },

  async save({ client }, values, positionals) {
    const [name] = takeArguments(positionals, 'NAME')
    const columns = columnsOption(values)
    const saved = await client.saveSearch(name!, { ...searchOf(values), ...(columns && { columns }) })
    return { document: saved, text: `saved ${name}; run it with millwright runs list --saved ${name}\n` }
  },

  async saved({ client, terminal: { style } }, _values, positionals) {
    takeArguments(positionals)
    const searches = await client.listSearches()
    const rows = searches.map(({ name, entity, filter, order_by, by }) =>
      [name, entity, filter, order_by.join(', '), by].map(printable),
    )
    return { document: searches, text: table(rows, style, ['NAME', 'OF', 'FILTER', 'ORDER', 'BY']) }
  },

  async forget({ client }, _values, positionals) {
    const [name] = takeArguments(positionals, 'NAME')
    return { document: await client.deleteSearch(name!), text: `forgot ${name}\n` }
  },
}

/** @throws UsageError */
function pairOf(text: string): [string, string] {
  const at = text.indexOf('=')
  if (at < 1) throw new UsageError(`--set takes KEY=VALUE, got ${JSON.stringify(text)}`)
  return [text.slice(0, at), text.slice(at + 1)]
}
