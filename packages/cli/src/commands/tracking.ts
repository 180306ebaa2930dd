import {
  type CliContext,
  type Command,
  EXIT,
  takeArguments,
  textOption,
  UsageError,
  type Values,
} from '../command.ts'
import { parseDuration } from '../duration.ts'
import { formatBytes, printable, type Style, table } from '../terminal.ts'

const usage = `Says where the bytes of runs and models are, and removes for good what was deleted.

Usage: millwright tracking storage [--json]
       millwright tracking gc [--older-than 30d] [--experiment NAME…] [--dry-run] [--json]

Options:
  --older-than TIME  only what was deleted so long ago: 12h, 30d (default: all that was deleted)
  --experiment NAME  only of this experiment; may be given again
  --dry-run          say what would go, and remove nothing

What a registered version comes from stays, with its files. Names of experiments that were removed are free again.
The server does it by itself with MILLWRIGHT_DELETED_RETENTION_DAYS.

Examples:
  millwright tracking storage
  millwright tracking gc --older-than 30d --dry-run
`

type Verb = (
  context: CliContext,
  values: Values,
) => Promise<{ readonly document: unknown; readonly text: string }>

export const tracking: Command = {
  usage,
  options: {
    'older-than': { type: 'string' },
    experiment: { type: 'string', multiple: true },
    'dry-run': { type: 'boolean' },
  },
  async run(context, values, positionals) {
    const [verb] = takeArguments(positionals, 'storage or gc')
    const work = VERBS[verb!]
    if (work === undefined)
      throw new UsageError(`tracking takes ${Object.keys(VERBS).join(', ')}, got ${JSON.stringify(verb)}`)
    const { document, text } = await work(context, values)
    context.terminal.stdout(context.json ? `${JSON.stringify(document)}\n` : text)
    return EXIT.ok
  },
}

const VERBS: Readonly<Record<string, Verb>> = {
  async gc({ client, terminal: { style } }, values) {
    const experiments = values.experiment as string[] | undefined
    const collected = await client.collectTracking({
      older_than: parseDuration(textOption(values, 'older-than') ?? '0', 'older-than'),
      ...(experiments !== undefined && { experiments }),
      dry_run: values['dry-run'] === true,
    })
    const rows = [
      ['experiments', String(collected.experiments)],
      ['runs', String(collected.runs)],
      ['logged models', String(collected.logged_models)],
      ['files', `${collected.files} (${formatBytes(collected.bytes)})`],
      ['unreferenced blobs', `${collected.blobs} (${formatBytes(collected.blob_bytes)})`],
      ...collected.kept.map(({ what, because }) => [`kept ${printable(what)}`, printable(because)]),
    ]
    return { document: collected, text: table(rows, style, ['', collected.dry_run ? 'WOULD GO' : 'REMOVED']) }
  },
  async storage({ client, terminal: { style } }) {
    const storage = await client.getTrackingStorage()
    return { document: storage, text: storageText(storage, style) }
  },
}

function storageText(
  storage: Awaited<ReturnType<CliContext['client']['getTrackingStorage']>>,
  style: Style,
): string {
  const { store, files, bytes, stored_bytes, deleted, unreferenced, experiments, biggest, models } = storage
  const facts = [
    ['Kept in', store ?? 'the data folder of the server'],
    ['Files', `${files} (${formatBytes(bytes)}), stored in ${formatBytes(stored_bytes)}`],
    [
      'Of deleted runs',
      `${deleted.files} (${formatBytes(deleted.bytes)}); remove them with millwright tracking gc`,
    ],
    [
      'Unreferenced',
      unreferenced === null
        ? 'not known: the server of another database keeps files there, too'
        : `${unreferenced.files} (${formatBytes(unreferenced.bytes)})`,
    ],
  ]
  const parts = [
    table(facts, style),
    table(
      experiments.map((row) => [
        printable(row.experiment ?? row.folder) + (row.lifecycle === 'deleted' ? ' (deleted)' : ''),
        String(row.files),
        formatBytes(row.bytes),
      ]),
      style,
      ['EXPERIMENT', 'FILES', 'SIZE'],
    ),
    table(
      biggest.map((row) => [
        printable(row.folder),
        printable(row.name ?? ''),
        String(row.files),
        formatBytes(row.bytes),
      ]),
      style,
      ['RUN OR MODEL', 'NAME', 'FILES', 'SIZE'],
    ),
    table(
      models.map((row) => [printable(row.model), String(row.versions), formatBytes(row.bytes)]),
      style,
      ['REGISTERED', 'VERSIONS', 'SIZE'],
    ),
  ]
  return parts.join('\n')
}
